"""Tables of the curves: the accuracy by epoch, and everything after the last epoch."""

from collections.abc import Sequence
from typing import Literal

import numpy as np

from whichnorm.analyses.arms import style
from whichnorm.analyses.curves.measure import ArmCurves, Curve, CurvesFound, SplitCurves
from whichnorm.render import text
from whichnorm.render.style import SPLIT_NAMES
from whichnorm.render.table import Cell, Table
from whichnorm.results.results import Results
from whichnorm.specs.names import arm_title

Quantity = Literal["loss", "accuracy"]
MAX_ROWS = 20


def curve_table(found: CurvesFound) -> Table:
    """Accuracy of arms by epoch, at most 20 epochs evenly spread."""
    curves = {arm: of_arm.held_out.accuracy for arm, of_arm in found.arms.items()}
    last = max(len(curve.mean) for curve in curves.values())
    epochs = sorted({round(epoch) for epoch in np.linspace(1, last, min(last, MAX_ROWS))})
    return Table(
        caption=f"{SPLIT_NAMES[found.split].capitalize()} accuracy by epoch, mean over seeds.",
        headings=("Epoch", *map(arm_title, curves)),
        rows=tuple((Cell(text=str(e)), *(_accuracy(curve, e) for curve in curves.values())) for e in epochs),
    )


def _accuracy(curve: Curve, epoch: int) -> Cell:
    there = epoch <= len(curve.mean) and not np.isnan(curve.mean[epoch - 1])
    return Cell(text=text.percent(curve.mean[epoch - 1]) if there else "–")


def ends_table(found: CurvesFound, results: Results) -> Table:
    """Loss and accuracy of every arm after its last epoch, in training and held out."""
    name = SPLIT_NAMES[found.split].capitalize()
    return Table(
        caption="After the last epoch: mean over seeds, and the band if there are several. Training figures are "
        "running means over the epoch.",
        headings=("Arm", "Training loss", f"{name} loss", "Training accuracy", f"{name} accuracy"),
        rows=tuple(
            (_arm(results, arm, curves), *(end_cell(part, quantity) for quantity in ("loss", "accuracy")
                                           for part in (curves.train, curves.held_out)))
            for arm, curves in found.arms.items()
        ),
    )  # fmt: skip


def held_out_table(found: CurvesFound, results: Results, quantity: Quantity) -> Table:
    """One quantity of every arm on the held-out split after its last epoch: the words for a picture of all arms."""
    return Table(
        caption="",
        headings=("Arm", f"{SPLIT_NAMES[found.split]} {quantity}"),
        rows=tuple(
            (_arm(results, arm, curves), end_cell(curves.held_out, quantity)) for arm, curves in found.arms.items()
        ),
    )


def arm_table(curves: ArmCurves, split: str) -> Table:
    """Loss and accuracy of one arm after its last epoch, in training and held out: the words for its picture."""
    parts: Sequence[tuple[str, SplitCurves]] = (("training", curves.train), (split, curves.held_out))
    return Table(
        caption="",
        headings=("Split", "loss", "accuracy"),
        rows=tuple((Cell(text=name), end_cell(part, "loss"), end_cell(part, "accuracy")) for name, part in parts),
    )


def _arm(results: Results, arm: str, curves: ArmCurves) -> Cell:
    note = arm if curves.status == "finished" else f"{arm}, {curves.status}"
    return Cell(text=arm_title(arm), note=note, color=style(results, arm).color)


def end_cell(curves: SplitCurves, quantity: Quantity) -> Cell:
    """Write a curve's last mean and its band."""
    curve = curves.loss if quantity == "loss" else curves.accuracy
    mean, low, high = float(curve.mean[-1]), float(curve.low[-1]), float(curve.high[-1])
    if np.isnan(mean):
        return Cell(text="not finite")
    if quantity == "loss":
        return Cell(text=f"{mean:.4f}", note="" if curve.band == "none" else f"[{low:.4f}, {high:.4f}]")
    return Cell(text=text.percent(mean), note="" if curve.band == "none" else text.percent_interval((low, high)))
