"""Tables of the most frequent confusions, and of the cells in which two arms differ beyond chance."""

from whichnorm.analyses.confusion.measure import ArmConfusion, ConfusedPair, ConfusionDifference, MarkedCell
from whichnorm.render import text
from whichnorm.render.table import Table, cells
from whichnorm.signs import with_minus
from whichnorm.specs.names import arm_title, difference_title


def confusions_table(arm: str, found: ArmConfusion) -> Table:
    """The most frequent confusions as text, with class numbers as on the axes of a large matrix."""
    return Table(
        caption=f"{arm_title(arm)}: the most frequent confusions, with class numbers from 0.",
        headings=("True class", "Predicted class", "Images", "Share of the true class"),
        rows=tuple(
            cells(*_classes(pair), f"{pair.count:,} of {pair.of:,}", text.percent(pair.count / pair.of))
            for pair in found.frequent
        ),
        numeric_from=2,
    )


def difference_table(found: ConfusionDifference) -> Table:
    """The cells in which two arms' confusion matrices differ beyond chance."""
    over = "" if len(found.seeds) == 1 else f" Means over {text.count(len(found.seeds), 'seed')}."
    return Table(
        caption=f"{difference_title(found.a, found.b)}: cells of the confusion matrix that differ beyond chance, with "
        f"the exact p-value adjusted for all cells.{over}",
        headings=("True class", "Predicted class", arm_title(found.a), arm_title(found.b), "Difference", "Adjusted p"),
        rows=tuple(
            cells(
                *_classes(cell),
                f"{cell.count_a:,.5g}",
                f"{cell.count_b:,.5g}",
                text.signed_count(cell.difference),
                with_minus(f"{cell.adjusted_p:.2g}"),
            )
            for cell in found.marked
        ),
        numeric_from=2,
    )


def _classes(cell: ConfusedPair | MarkedCell) -> tuple[str, str]:
    return (
        f"{text.printable(cell.true_class)} ({cell.label})",
        f"{text.printable(cell.predicted_class)} ({cell.prediction})",
    )
