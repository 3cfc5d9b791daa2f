"""Tables of the diagnostics: all arms in a line each, and one arm by layer."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from whichnorm.analyses.arms import style
from whichnorm.analyses.diagnostics.estimate import ArmDiagnostics
from whichnorm.render import text
from whichnorm.render.table import Cell, Table, cells
from whichnorm.results.results import Results, arm_title


def diagnostics_table(results: Results, arms: Sequence[ArmDiagnostics]) -> Table:
    """One row per arm: gradient norms before training and at its end, and the rest after the last epoch."""
    return Table(
        caption="Gradient norm: median over layers, with the least and the largest below. Dead channels: mean over "
        "ReLUs, with the largest share below. Cosine distance: at the last layer, with the least of all layers below. "
        "Means over seeds; after the last epoch unless the heading says otherwise.",
        headings=(
            "Arm", "Gradient norm before training", "Gradient norm", "Dead ReLU channels", "Cosine distance", "Seeds",
        ),
        rows=tuple(
            (
                _arm_cell(results, arm.arm),
                _median(arm.gradient_norm.first if arm.epochs[0] == 0 else {}),
                _median(arm.gradient_norm.last),
                _dead(arm.dead_relu.last),
                _distance(arm.cosine_distance.last),
                Cell(text=str(len(arm.seeds))),
            )
            for arm in arms
        ),
    )  # fmt: skip


def layer_tables(arm: ArmDiagnostics) -> tuple[Table, ...]:
    """All figures of an arm by layer, before training and after the last epoch."""
    last = arm.epochs[-1]
    headings = ("Layer", "Before training" if arm.epochs[0] == 0 else f"After epoch {arm.epochs[0]}", f"After {last}")
    parts = (
        ("gradient norm", arm.gradient_norm, _plain),
        ("dead ReLU channels", arm.dead_relu, text.percent),
        ("cosine distance", arm.cosine_distance, _plain),
    )
    return tuple(
        Table(
            caption=f"{arm.arm}: {name}, {text.num_seeds(len(arm.seeds))}.",
            headings=headings,
            rows=tuple(
                cells(text.printable(path), _or_dash(tracks.first[path], write), _or_dash(tracks.last[path], write))
                for path in tracks.paths
            ),
        )
        for name, tracks, write in parts
        if tracks.paths
    )


def _arm_cell(results: Results, arm: str) -> Cell:
    return Cell(text=arm_title(arm), note=arm, color=style(results, arm).color)


def _median(norms: Mapping[str, float]) -> Cell:
    values = [value for value in norms.values() if np.isfinite(value)]
    if not values:
        return Cell(text="–")
    return Cell(text=_plain(float(np.median(values))), note=f"{_plain(min(values))} to {_plain(max(values))}")


def _dead(shares: Mapping[str, float]) -> Cell:
    finite = {path: share for path, share in shares.items() if np.isfinite(share)}
    if not finite:
        return Cell(text="–", note="" if shares else "no ReLU")
    worst = max(finite, key=lambda path: finite[path])
    where = f"{text.percent(finite[worst])} at {text.printable(worst)}" if finite[worst] else ""
    return Cell(text=text.percent(float(np.mean(list(finite.values())))), note=where)


def _distance(distances: Mapping[str, float]) -> Cell:
    finite = {path: distance for path, distance in distances.items() if np.isfinite(distance)}
    if not finite:
        return Cell(text="–")
    least = min(finite, key=lambda path: finite[path])
    last = list(distances.values())[-1]
    return Cell(text=_or_dash(last, _plain), note=f"{_plain(finite[least])} at {text.printable(least)}")


def _or_dash(value: float, write: Callable[[float], str]) -> str:
    return write(value) if np.isfinite(value) else "–"


def _plain(value: float) -> str:
    return f"{value:.3g}"
