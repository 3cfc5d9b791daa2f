"""The table of accuracies per class."""

from collections.abc import Sequence

import numpy as np

from whichnorm.analyses import wording
from whichnorm.analyses.classes.measure import ArmClasses
from whichnorm.render import text
from whichnorm.render.table import Cell, Table, cells
from whichnorm.results.results import Results
from whichnorm.stats import Interval


def classes_table(results: Results, found: Sequence[ArmClasses], labels: Sequence[int]) -> Table | None:
    """One row per class: its test images, and each arm's accuracy with its 95 % interval."""
    images = np.bincount(labels, minlength=len(results.class_names))
    rows = [
        (*cells(text.printable(name), f"{images[k]:,}"), *(_class_cell(arm.intervals[k]) for arm in found))
        for k, name in enumerate(results.class_names)
    ]
    return Table(
        caption=f"Test accuracy per class. {wording.class_intervals([len(arm.seeds) for arm in found])}",
        headings=("Class", "Images", *(arm.arm for arm in found)),
        rows=tuple(rows),
    ) if found else None  # fmt: skip


def _class_cell(interval: Interval | None) -> Cell:
    if interval is None:
        return Cell(text="–")
    return Cell(text=text.percent(interval.estimate), note=text.percent_interval((interval.low, interval.high)))
