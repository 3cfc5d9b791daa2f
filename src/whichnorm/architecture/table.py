"""The layer table in a terminal: whole at 120 columns and more, without inputs and settings down to 80."""

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from whichnorm.architecture.shapes import tail
from whichnorm.architecture.summary import Architecture, Row, compact

WIDE = 120  # columns of a terminal from which on nothing is left out
LONGEST_PATH = 40
WIDE_COLUMNS = ("layer", "type", "kernel", "settings", "input", "output", "params", "mult-adds", "rf", "jump")
NARROW_COLUMNS = ("layer", "type", "kernel", "output", "params", "mult-adds", "rf", "jump")


def print_architecture(architecture: Architecture, console: Console) -> None:
    """Print the heading, the table, the totals and the notes."""
    a = architecture
    shape = _shape(a.input_shape)
    _say(console, f"{a.name} with {a.norm.title} ({a.norm}), input {shape}, {a.num_classes} classes", "bold")
    console.print(layer_table(a, console.width))
    _say(console, f"parameters     {a.params:>12,}   of these in norms {a.norm_params:,}")
    _say(console, f"multiply-adds  {a.mult_adds:>12,}   per image, as torchinfo counts them")
    for note in a.notes:
        _say(console, note, "dim")


def layer_table(architecture: Architecture, width: int) -> Table:
    """Return one row per layer and per function between layers; rf is the receptive field, jump the stride so far."""
    wide = width >= WIDE and _room(architecture.rows, WIDE_COLUMNS, width) >= LONGEST_PATH // 2
    columns = WIDE_COLUMNS if wide else NARROW_COLUMNS
    room = min(LONGEST_PATH, _room(architecture.rows, columns, width))
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=0, show_edge=False)
    for name in columns:
        on_the_left = name in ("layer", "type", "kernel", "settings")
        table.add_column(name, justify="left" if on_the_left else "right", no_wrap=True, overflow="ellipsis")
    for row in architecture.rows:
        path, *others = _cells(row, columns)
        style = "yellow" if row.node.category == "norm" else ""
        table.add_row(Text(tail(path, room)), *(Text(cell) for cell in others), style=style)
    return table


def _cells(row: Row, columns: Sequence[str]) -> list[str]:
    node, wide = row.node, columns is WIDE_COLUMNS
    mult_adds = f"{row.mult_adds:,}" if wide else compact(row.mult_adds)
    cells = {
        "layer": node.path,
        "type": node.kind if wide else _short_type(node.kind),
        "kernel": row.kernel,
        "settings": row.settings,
        "input": _shape(node.in_shape),
        "output": _shape(node.out_shape),
        "params": f"{row.params:,}" if row.params else "",
        "mult-adds": mult_adds if row.mult_adds else "",
        "rf": row.field.text,
        "jump": row.field.jump_text,
    }
    return [cells[name] for name in columns]


def _room(rows: Sequence[Row], columns: Sequence[str], width: int) -> int:
    """Return what is left of the width for paths when every other cell is shown whole."""
    cells = zip(columns, *(_cells(row, columns) for row in rows), strict=True)
    widths = [max(map(len, column)) for column in cells][1:]
    return max(8, width - sum(widths) - len(widths))


def _short_type(kind: str) -> str:
    """Return "AvgPool" for "AdaptiveAvgPool2d": narrow terminals have no room for more."""
    return kind.removesuffix("2d").removeprefix("Adaptive").removeprefix("Channel")


def _shape(shape: tuple[int, ...]) -> str:
    return "×".join(str(side) for side in shape)


def _say(console: Console, line: str, style: str = "") -> None:
    console.print(Text(line, style=style))
