"""Content in a terminal."""

import textwrap
from collections.abc import Iterable

from rich import box
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from whichnorm.render.content import KeyPoint
from whichnorm.render.table import Table
from whichnorm.render.text import unbroken

NO_BREAK = "\N{NO-BREAK SPACE}"


def say(console: Console, line: str, style: str = "") -> None:
    """Print a line as it is, never read as markup; a terminal's lines break between words and not inside numbers."""
    shown = broken(line, console.width) if console.is_terminal else line  # a pipe gets whole lines
    console.print(Text(shown, style=style), soft_wrap=True)


def broken(line: str, width: int) -> str:
    """Return text in lines of at most this many characters, if its words allow it."""
    lines = textwrap.wrap(unbroken(line), width, break_long_words=False, break_on_hyphens=False)
    return "\n".join(lines).replace(NO_BREAK, " ")


def print_headline(answer: str, points: Iterable[KeyPoint], console: Console) -> None:
    """Print the answer after an empty line, and the points below it."""
    console.print()
    say(console, answer, "bold")
    for point in points:
        say(console, f"{point.label}: {point.text}")


def print_table(table: Table, console: Console) -> None:
    """Print one of the report's tables, its caption above it; a cell's note is under its text."""
    say(console, table.caption, "dim")
    shown = RichTable(box=box.SIMPLE_HEAD, pad_edge=False)
    for place, heading in enumerate(table.headings):
        shown.add_column(Text(heading), justify="right" if place >= table.numeric_from else "left", overflow="fold")
    for row in table.rows:
        shown.add_row(*(Text("\n".join(filter(None, [cell.text, cell.note]))) for cell in row))
    console.print(shown)
