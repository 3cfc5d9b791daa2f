"""Tables of text cells."""

from dataclasses import dataclass
from html import escape


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

    def __str__(self) -> str:
        """The table in plain text, columns side by side."""
        rows = [self.headings, *([said(cell) for cell in row] for row in self.rows)]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        return "\n".join(
            "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows
        )

    def _repr_html_(self) -> str:
        """The table in a notebook."""
        head = "".join(f"<th>{escape(heading)}</th>" for heading in self.headings)
        rows = "".join(f"<tr>{''.join(f'<td>{_in_html(cell)}</td>' for cell in row)}</tr>" for row in self.rows)
        table = f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
        return f"{table}<p><small>{escape(self.caption)}</small></p>"


def cells(*texts: str) -> tuple[Cell, ...]:
    """Return a row of plain texts."""
    return tuple(Cell(text=t) for t in texts)


def filled(*tables: Table) -> tuple[Table, ...]:
    """Return the tables that have rows."""
    return tuple(table for table in tables if table.rows)


def alt_text(lead: str, table: Table) -> str:
    """Say a picture in words by the table of its numbers: "Accuracy. BatchNorm: 98.10 %; LayerNorm: 97.02 %."."""
    rows = (
        f"{row[0].text}: "
        + ", ".join(f"{heading} {said(cell)}" for heading, cell in zip(table.headings[1:], row[1:], strict=True))
        for row in table.rows
    )
    return f"{lead} {'; '.join(rows) or 'none'}."


def said(cell: Cell) -> str:
    """Write a cell in a line: "98.10 % [97.90, 98.30]", "BatchNorm (bn)"."""
    if not cell.note:
        return cell.text
    return f"{cell.text} {cell.note}" if cell.note.startswith("[") else f"{cell.text} ({cell.note})"


def _in_html(cell: Cell) -> str:
    return "<br>".join(filter(None, [escape(cell.text), cell.note and f"<small>{escape(cell.note)}</small>"]))
