"""Table of the accuracy over epochs."""

from collections.abc import Sequence

import numpy as np

from whichnorm.analyses.curves.measure import Curve, accuracy_curve, drawn_runs
from whichnorm.render import text
from whichnorm.render.style import SPLIT_NAMES
from whichnorm.render.table import Cell, Table
from whichnorm.results.results import Results

MOST_ROWS = 20


def curve_table(results: Results, arms: Sequence[str]) -> Table | None:
    """Accuracy of arms by epoch, at most 20 epochs evenly spread; None where no run got through an epoch."""
    runs = {arm: drawn_runs(results, arm) for arm in arms}
    curves = {arm: accuracy_curve(of_arm, results.curves_split) for arm, of_arm in runs.items() if of_arm}
    if not curves:
        return None
    last = max(len(curve.mean) for curve in curves.values())
    epochs = sorted({round(epoch) for epoch in np.linspace(1, last, min(last, MOST_ROWS))})
    return Table(
        caption=f"{SPLIT_NAMES[results.curves_split].capitalize()} accuracy by epoch, mean over seeds.",
        headings=("Epoch", *curves),
        rows=tuple((Cell(text=str(e)), *(_cell(curve, e) for curve in curves.values())) for e in epochs),
    )


def _cell(curve: Curve, epoch: int) -> Cell:
    there = epoch <= len(curve.mean) and not np.isnan(curve.mean[epoch - 1])
    return Cell(text=text.percent(curve.mean[epoch - 1]) if there else "–")
