"""The table of the pictured mistakes."""

from collections.abc import Iterable

from whichnorm.analyses.mistakes.measure import Mistake
from whichnorm.render import text
from whichnorm.render.table import Table, cells


def mistakes_table(mistakes: Iterable[Mistake], class_names: tuple[str, ...], arm: str = "") -> Table | None:
    """The mistakes of a picture as text, with the arm's name where others stand beside it; None without any."""
    rows = [
        cells(
            str(m.index), text.printable(class_names[m.label]), text.printable(class_names[m.prediction]),
            text.percent(m.confidence),
        )
        for m in mistakes
    ]  # fmt: skip
    return Table(
        caption=f"{arm}{': the' if arm else 'The'} pictured mistakes, by place in the test split from 0.",
        headings=("Test image", "True class", "Predicted class", "Confidence"),
        rows=tuple(rows),
        numeric_from=3,
    ) if rows else None  # fmt: skip
