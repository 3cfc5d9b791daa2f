"""Tables of accuracies per class, and of the arms that are best on one."""

from collections.abc import Sequence

from whichnorm.analyses.classes.measure import ClassesFound
from whichnorm.render import text
from whichnorm.render.table import Cell, Table, cells
from whichnorm.signs import with_minus
from whichnorm.specs.names import arm_title
from whichnorm.stats import Interval


def classes_table(found: ClassesFound, classes: Sequence[int] | None = None) -> Table:
    """One row per class, by default all in their order: its test images, each arm's accuracy and 95 % interval."""
    rows = range(len(found.class_names)) if classes is None else classes
    return Table(
        caption=f"Test accuracy per class, with 95 % intervals over {_units(found)}.",
        headings=("Class", "Images", *map(arm_title, found.arms)),
        rows=tuple(
            (*cells(text.printable(found.class_names[label]), f"{found.num_images[label]:,}"),
             *(_accuracy(arm.accuracy[label]) for arm in found.arms.values()))
            for label in rows
        ),
    )  # fmt: skip


def _accuracy(interval: Interval | None) -> Cell:
    if interval is None:
        return Cell(text="–")
    return Cell(text=text.percent(interval.estimate), note=text.percent_interval((interval.low, interval.high)))


def _units(found: ClassesFound) -> str:
    """Say over what the intervals are."""
    numbers = {len(arm.seeds) for arm in found.arms.values()}
    if numbers == {1}:
        return "the class's test images only: the noise between seeds is not covered"
    seeds = "and seeds" if 1 not in numbers else "and, of arms with several seeds, over seeds"
    return f"the class's test images {seeds}"


def best_table(found: ClassesFound) -> Table:
    """The classes on which one arm is distinguished from every other."""
    return Table(
        caption="Classes on which one arm is distinguished from every other, with Holm's correction for all "
        f"{len(found.differences):,} comparisons. Lead, in points, and p-value are those over the nearest arm.",
        headings=("Class", "Best arm", "Lead", "Adjusted p"),
        rows=tuple(
            (Cell(text=text.printable(one.class_name)), Cell(text=arm_title(one.arm), note=one.arm),
             *cells(text.points(one.least_lead), with_minus(f"{one.adjusted_p:.2g}")))
            for one in found.best
        ),
        numeric_from=2,
    )  # fmt: skip
