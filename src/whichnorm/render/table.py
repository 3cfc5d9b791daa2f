"""Tables of text cells."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A table cell: text, a smaller note below it, and for an arm its colour."""

    text: str
    note: str = ""
    color: str = ""


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table; the first cell of a row is its heading. Columns from `numeric_from` on hold numbers."""

    caption: str
    headings: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    numeric_from: int = 1

    @property
    def sortable(self) -> bool:
        """Tell whether another order can be of use."""
        return len(self.rows) > 1 and len(self.headings) > 2


def cells(*texts: str) -> tuple[Cell, ...]:
    """Return a row of plain texts."""
    return tuple(Cell(text=t) for t in texts)


def alt_text(lead: str, table: Table) -> str:
    """Say a picture in words by the table of its numbers: "Accuracy. BatchNorm: 98.10 %; LayerNorm: 97.02 %."."""
    rows = (
        f"{row[0].text}: "
        + ", ".join(f"{heading} {_said(cell)}" for heading, cell in zip(table.headings[1:], row[1:], strict=True))
        for row in table.rows
    )
    return f"{lead} {'; '.join(rows)}."


def _said(cell: Cell) -> str:
    return f"{cell.text} ({cell.note})" if cell.note else cell.text
