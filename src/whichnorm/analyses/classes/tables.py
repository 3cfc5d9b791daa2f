"""Tables of accuracies per class, and of the arms that are best on one."""

from collections.abc import Sequence

from whichnorm.analyses import wording
from whichnorm.analyses.classes.measure import ClassesFound
from whichnorm.render import text
from whichnorm.render.table import Cell, Table, cells
from whichnorm.results.results import arm_title
from whichnorm.stats import Interval


def classes_table(found: ClassesFound, classes: Sequence[int] | None = None) -> Table:
    """One row per class, by default all in their order: its test images, each arm's accuracy and 95 % interval."""
    rows = range(len(found.class_names)) if classes is None else classes
    return Table(
        caption=f"Test accuracy per class. {intervals_text(found)}",
        headings=("Class", "Images", *found.arms),
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


def intervals_text(found: ClassesFound) -> str:
    """Say what the intervals cover."""
    return wording.class_intervals([len(arm.seeds) for arm in found.arms.values()])


def best_table(found: ClassesFound) -> Table | None:
    """The classes on which one arm is distinguished from every other; None if there are none."""
    return Table(
        caption="Classes on which one arm is distinguished from every other, by a paired test over seeds and the "
        f"class's test images, with Holm's correction for all {len(found.differences):,} comparisons of two arms on a "
        "class. The lead in points and the p-value are those over the arm that comes nearest.",
        headings=("Class", "Best arm", "Lead", "Adjusted p"),
        rows=tuple(
            (Cell(text=text.printable(one.class_name)), Cell(text=arm_title(one.arm), note=one.arm),
             *cells(text.points(one.least_lead), f"{one.adjusted_p:.2g}".replace("-", "\N{MINUS SIGN}")))
            for one in found.best
        ),
        numeric_from=2,
    ) if found.best else None  # fmt: skip
