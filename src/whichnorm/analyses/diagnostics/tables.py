"""Tables of the diagnostics: all arms in a line each, and one arm by layer."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from whichnorm.analyses.arms import arm_cell
from whichnorm.analyses.diagnostics.measure import ArmDiagnostics
from whichnorm.render import text
from whichnorm.render.table import Cell, Table, cells
from whichnorm.results.results import Results
from whichnorm.signs import with_minus
from whichnorm.specs.names import arm_title


def diagnostics_table(results: Results, arms: Sequence[ArmDiagnostics]) -> Table:
    """One row per arm: gradient norms before training and at its end, and the rest after the last epoch."""
    return Table(
        caption="Gradient norms are medians over layers, dead channels means over ReLUs, with the range or the largest "
        "below; the cosine distance is that at the last layer, with the least of all below. Means over seeds, after "
        "the last epoch.",
        headings=(
            "Arm", "Gradient norm before training", "Gradient norm", "Dead ReLU channels", "Cosine distance", "Seeds",
        ),
        rows=tuple(
            (
                arm_cell(results, arm.arm),
                _norms_cell(arm.gradient_norm.first if arm.epochs[0] == 0 else {}),
                _norms_cell(arm.gradient_norm.last),
                _dead_cell(arm.dead_relu.last),
                _distance_cell(arm.cosine_distance.last),
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
        ("gradient norm", arm.gradient_norm, plain),
        ("dead ReLU channels", arm.dead_relu, text.percent),
        ("cosine distance", arm.cosine_distance, plain),
    )
    return tuple(
        Table(
            caption=f"{arm_title(arm.arm)}: {name}, {text.num_seeds(len(arm.seeds))}.",
            headings=headings,
            rows=tuple(
                cells(text.printable(path), _or_dash(tracks.first[path], write), _or_dash(tracks.last[path], write))
                for path in tracks.paths
            ),
        )
        for name, tracks, write in parts
        if tracks.paths
    )


def median_norm(arm: ArmDiagnostics) -> float | None:
    """Return the median over layers of the gradient norm after the last epoch; None if none is finite."""
    norms = _finite(arm.gradient_norm.last)
    return float(np.median(list(norms.values()))) if norms else None


def mean_dead(arm: ArmDiagnostics) -> float | None:
    """Return the mean over ReLUs of the fraction of dead channels after the last epoch; None if none is known."""
    fractions = _finite(arm.dead_relu.last)
    return float(np.mean(list(fractions.values()))) if fractions else None


def _norms_cell(norms: Mapping[str, float]) -> Cell:
    values = list(_finite(norms).values())
    if not values:
        return Cell(text="–")
    return Cell(text=plain(float(np.median(values))), note=f"{plain(min(values))} to {plain(max(values))}")


def _dead_cell(fractions: Mapping[str, float]) -> Cell:
    finite = _finite(fractions)
    if not finite:
        return Cell(text="–", note="" if fractions else "no ReLU")
    worst = max(finite, key=lambda path: finite[path])
    most = f"{text.percent(finite[worst])} at {text.printable(worst)}" if finite[worst] else ""
    return Cell(text=text.percent(float(np.mean(list(finite.values())))), note=most)


def _distance_cell(distances: Mapping[str, float]) -> Cell:
    finite = _finite(distances)
    if not finite:
        return Cell(text="–", note="not finite" if distances else "")
    least = min(finite, key=lambda path: finite[path])
    last = list(distances.values())[-1]
    return Cell(text=_or_dash(last, plain), note=f"{plain(finite[least])} at {text.printable(least)}")


def _finite(values: Mapping[str, float]) -> dict[str, float]:
    return {path: value for path, value in values.items() if np.isfinite(value)}


def _or_dash(value: float, write: Callable[[float], str]) -> str:
    return write(value) if np.isfinite(value) else "–"


def plain(value: float) -> str:
    """Write a positive number with three significant digits."""
    return with_minus(f"{value:.3g}")  # of an exponent
