"""A table as lines of text: its columns side by side where there is room, else a block of lines per row.

No word, number or interval breaks inside.
"""

import textwrap
from bisect import bisect_left
from collections.abc import Iterator, Sequence

from rich.cells import cell_len

from whichnorm.render.table import Table, said
from whichnorm.render.text import unbroken

GAP = "   "
MAX_LINES = 2  # of a cell's text or of its note: more cannot be read across a row
MAX_HEADING_LINES = 3
NO_BREAK = "\N{NO-BREAK SPACE}"

Lines = list[str]
Column = Sequence[Sequence[str]]  # of the heading and of every cell, the parts that have lines of their own


def broken(line: str, width: int, indent: str = "") -> Lines:
    """Return lines of at most this many characters, if the words allow it; `indent` starts all but the first."""
    lines = textwrap.wrap(
        unbroken(line), max(width, 1), subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
    return [part.replace(NO_BREAK, " ") for part in lines]


def in_columns(table: Table, width: int) -> Lines | None:
    """Return the table's heading, a rule and its rows, the columns side by side; None where there is no room."""
    rows = [[[heading] for heading in table.headings], *([[c.text, c.note] for c in row] for row in table.rows)]
    widths = _widths(list(zip(*rows, strict=True)), width)
    if widths is None:
        return None
    wrapped = [
        [[line for part in cell for line in broken(part, w)] for cell, w in zip(row, widths, strict=True)]
        for row in rows
    ]
    highest = max(map(len, wrapped[0]))
    heading = [[""] * (highest - len(lines)) + lines for lines in wrapped[0]]
    rule = "─" * (sum(widths) + len(GAP) * (len(widths) - 1))
    return [*_row(heading, widths, table), rule, *(line for row in wrapped[1:] for line in _row(row, widths, table))]


def in_blocks(table: Table, width: int) -> Lines:
    """Return a block per row, a line "heading: cell" for every column, with an empty line between two blocks."""
    lines: Lines = []
    for row in table.rows:
        lines += [""] if lines else []
        for place, (heading, cell) in enumerate(zip(table.headings, row, strict=True)):
            lines += broken(f"{'  ' if place else ''}{heading}: {said(cell)}", width, indent="    ")
    return lines


def _widths(columns: Sequence[Column], width: int) -> list[int] | None:
    """Return the columns' widths, the widest ones narrowed until there is room; None if there is none."""
    found, least = [_widest(column) for column in columns], [_least(column) for column in columns]
    room = width - len(GAP) * (len(columns) - 1)
    if sum(least) > room:
        return None
    while sum(found) > room:
        found[max((i for i in range(len(found)) if found[i] > least[i]), key=found.__getitem__)] -= 1
    return found


def _widest(column: Column) -> int:
    return max(cell_len(part) for cell in column for part in cell)


def _least(column: Column) -> int:
    """Return the least width of a column in which nothing breaks inside and no cell gets too high."""
    words = max(cell_len(word) for cell in column for part in cell for word in ["", *broken(part, 1)])
    return words + bisect_left(range(words, _widest(column)), True, key=lambda width: _is_low(column, width))


def _is_low(column: Column, width: int) -> bool:
    heading, *cells = ([len(broken(part, width)) for part in cell] for cell in column)
    return max(heading) <= MAX_HEADING_LINES and all(max(lines) <= MAX_LINES for lines in cells)


def _row(cells: Sequence[Lines], widths: Sequence[int], table: Table) -> Iterator[str]:
    """Yield the lines of a row; numbers stand at the right of their columns."""
    for number in range(max(map(len, cells))):
        parts = (cell[number] if number < len(cell) else "" for cell in cells)
        padded = [
            " " * (w - cell_len(part)) + part if place >= table.numeric_from else part + " " * (w - cell_len(part))
            for place, (part, w) in enumerate(zip(parts, widths, strict=True))
        ]
        yield GAP.join(padded).rstrip()
