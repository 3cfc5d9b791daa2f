"""Tables of the cells that differ beyond chance."""

from collections.abc import Sequence

from whichnorm.analyses.confusion.differences import ConfusionDifference, marked_cells
from whichnorm.render import text
from whichnorm.render.table import Table, cells


def difference_table(found: ConfusionDifference, class_names: Sequence[str]) -> Table | None:
    """The cells in which two arms' confusion matrices differ beyond chance; None where there is none."""
    rows = [
        cells(
            *(f"{text.printable(class_names[k])} ({k})" for k in cell),
            f"{found.counts_a[cell]:,.5g}", f"{found.counts_b[cell]:,.5g}", text.difference(found.difference[cell]),
            f"{found.p_values[cell]:.2g}",
        )
        for cell in marked_cells(found)
    ]  # fmt: skip
    over = "" if len(found.seeds) == 1 else f" Means over {text.count(len(found.seeds), 'seed')}."
    return Table(
        caption=f"{found.a} less {found.b}: cells of the confusion matrix that differ beyond chance, with the exact "
        f"p-value adjusted for all cells.{over}",
        headings=("True class", "Predicted class", found.a, found.b, "Difference", "Adjusted p"),
        rows=tuple(rows),
        numeric_from=2,
    ) if rows else None  # fmt: skip
