"""Content in a terminal."""

from collections.abc import Iterable

from rich.console import Console
from rich.text import Text

from whichnorm.render.content import KeyPoint
from whichnorm.render.lines import broken, in_blocks, in_columns
from whichnorm.render.table import Table


def say(console: Console, line: str, style: str = "") -> None:
    """Print a line as it is, never read as markup; a terminal's lines break between words and not inside numbers."""
    shown = "\n".join(broken(line, console.width)) if console.is_terminal else line  # a pipe gets whole lines
    console.print(Text(shown, style=style), soft_wrap=True)


def print_headline(answer: str, points: Iterable[KeyPoint], console: Console) -> None:
    """Print the answer after an empty line, and the points below it."""
    console.print()
    say(console, answer, "bold")
    for point in points:
        say(console, f"{point.label}: {point.text}")


def print_table(table: Table, console: Console) -> None:
    """Print a table, its caption above it: columns side by side where they fit, else a block per row."""
    if table.caption:
        say(console, table.caption, "dim")
    lines = in_columns(table, console.width) or in_blocks(table, console.width)
    console.print(Text("\n".join(["", *lines, ""])), soft_wrap=True)
