"""Content in a terminal."""

from rich import box
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from whichnorm.render.table import Table


def say(console: Console, line: str, style: str = "") -> None:
    """Print a line as it is, never read as markup."""
    console.print(Text(line, style=style), soft_wrap=not console.is_terminal)  # a pipe gets whole lines


def print_table(table: Table, console: Console) -> None:
    """Print one of the report's tables, its caption above it; a cell's note is under its text."""
    say(console, table.caption, "dim")
    shown = RichTable(box=box.SIMPLE_HEAD, pad_edge=False)
    for place, heading in enumerate(table.headings):
        shown.add_column(Text(heading), justify="right" if place >= table.numeric_from else "left", overflow="fold")
    for row in table.rows:
        shown.add_row(*(Text("\n".join(filter(None, [cell.text, cell.note]))) for cell in row))
    console.print(shown)
