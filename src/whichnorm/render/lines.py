"""A table as lines of text: its columns side by side where there is room, else a block of lines per row.

No word, number or interval breaks inside.
"""

import textwrap
from collections.abc import Iterator, Sequence
from itertools import chain

from rich.cells import cell_len

from whichnorm.render.table import Table, said
from whichnorm.render.text import unbroken

GAP = "   "
MAX_LINES = 2  # of a cell's text or of its note: more cannot be read across a row
MAX_HEADING_LINES = 3
NO_BREAK = "\N{NO-BREAK SPACE}"

Lines = list[str]


def broken(line: str, width: int, indent: str = "") -> Lines:
    """Return lines of at most this many characters, if the words allow it; `indent` starts all but the first."""
    lines = textwrap.wrap(
        unbroken(line), max(width, 1), subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
    return [part.replace(NO_BREAK, " ") for part in lines]


def in_columns(table: Table, width: int) -> Lines | None:
    """Return the table's heading, a rule and its rows, the columns side by side; None where there is no room."""
    rows = [[(heading, "") for heading in table.headings], *([(c.text, c.note) for c in row] for row in table.rows)]
    columns = list(zip(*rows, strict=True))
    widths = _narrowed([_widest(column) for column in columns], [_least(column) for column in columns], width)
    if widths is None:
        return None
    wrapped = [[[broken(part, w) for part in cell] for cell, w in zip(row, widths, strict=True)] for row in rows]
    if _too_high(wrapped[:1], MAX_HEADING_LINES) or _too_high(wrapped[1:], MAX_LINES):
        return None
    heading, *body = ([list(chain.from_iterable(parts)) for parts in row] for row in wrapped)
    aligned = [*_row([[""] * (max(map(len, heading)) - len(cell)) + cell for cell in heading], widths, table)]
    rule = "─" * (sum(widths) + len(GAP) * (len(widths) - 1))
    return [*aligned, rule, *(line for row in body for line in _row(row, widths, table))]


def in_blocks(table: Table, width: int) -> Lines:
    """Return a block per row, a line "heading: cell" for every column, with an empty line between two blocks."""
    lines: Lines = []
    for row in table.rows:
        lines += [""] if lines else []
        for place, (heading, cell) in enumerate(zip(table.headings, row, strict=True)):
            lines += broken(f"{'  ' if place else ''}{heading}: {said(cell)}", width, indent="    ")
    return lines


def _widest(column: Sequence[tuple[str, str]]) -> int:
    return max(cell_len(part) for cell in column for part in cell)


def _least(column: Sequence[tuple[str, str]]) -> int:
    """Return the length of the longest thing in a column that does not break."""
    return max(cell_len(word) for cell in column for part in cell for word in broken(part, 1) or [""])


def _narrowed(widths: Sequence[int], least: Sequence[int], width: int) -> list[int] | None:
    """Return the columns' widths, the widest ones narrowed until there is room; None if there is none."""
    found, room = list(widths), width - len(GAP) * (len(widths) - 1)
    while sum(found) > room:
        place = max((i for i in range(len(found)) if found[i] > least[i]), key=found.__getitem__, default=None)
        if place is None:
            return None
        found[place] -= 1
    return found


def _too_high(rows: Sequence[Sequence[Sequence[Lines]]], most: int) -> bool:
    return any(len(lines) > most for row in rows for parts in row for lines in parts)


def _row(cells: Sequence[Lines], widths: Sequence[int], table: Table) -> Iterator[str]:
    """Yield the lines of a row; numbers stand at the right of their columns."""
    for number in range(max(map(len, cells))):
        parts = (cell[number] if number < len(cell) else "" for cell in cells)
        padded = [
            " " * (w - cell_len(part)) + part if place >= table.numeric_from else part + " " * (w - cell_len(part))
            for place, (part, w) in enumerate(zip(parts, widths, strict=True))
        ]
        yield GAP.join(padded).rstrip()
