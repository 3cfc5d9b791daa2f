"""An explanation in words and numbers: for the terminal, and as JSON values."""

import math
from collections.abc import Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from whichnorm.errors import count
from whichnorm.explain.sets import AXES, Explanation, StatisticsSets
from whichnorm.norms import EPS, Shape

FULL = 64  # elements up to which everything is printed
FEW_SETS, FEW_VALUES = 5, 3  # printed of larger feature maps
TEXT_WIDTH = 100  # columns; longer lines are hard to read
MISTAKES = (
    "BatchNorm's statistics depend on the batch: an image's result changes with its companions, so evaluation uses "
    "running statistics instead. The other norms see one image at a time.",
    "No norm gains parameters with the batch size: weight and bias are one each per channel (per element in "
    "ln-element), whatever the number of images.",
    "LayerNorm (ln) is GroupNorm with one group; InstanceNorm is GroupNorm with one channel per group.",
    "ln and ln-element share the same statistics and differ in their weights; ln-channel is another layer.",
    "Under the root is the biased variance, divided by the number of elements. A variance is not a standard "
    'deviation: the first published BN "std" of the example, .91, is the variance; the std is .957.',
    "The fifth GN mean of the published example is printed 2.25 and should be 2.5: (1 + 2 + 3 + 4) / 4.",
)


def sizes(shape: Shape) -> str:
    """Write a shape for people: "3 images, 4 channels, 1x2 pixels"."""
    N, C, H, W = shape
    return f"{count(N, 'image')}, {count(C, 'channel')}, {H}x{W} pixel{'' if H * W == 1 else 's'}"


def amount(sets: StatisticsSets) -> str:
    """Write the number of sets and their size: "4 sets of 6 elements"."""
    return f"{count(sets.num_sets, 'set')} of {count(sets.set_size, 'element')}"


def parameters(sets: StatisticsSets) -> str:
    """Write how many learnable parameters the norm's layer has: "8 learnable parameters"."""
    return count(sets.norm.num_parameters(sets.shape), "learnable parameter")


def number(value: float, digits: int = 4) -> str:
    """Write a number with so many decimals, or in powers of ten where these would hide it."""
    plain = value == 0 or 10.0**-digits <= abs(value) < 1e5
    return f"{value:.{digits}f}" if plain else f"{value:.{digits - 1}e}"


def span(indices: range) -> str:
    return f"{indices[0]}" if len(indices) == 1 else f"{indices[0]}-{indices[-1]}"


def print_explanation(explanation: Explanation, console: Console) -> None:
    """Print the values, each norm's sets with their statistics and normalized values, and common mistakes."""
    width = min(console.width, TEXT_WIDTH)
    _say(console, explanation.source, width, "bold")
    _say(console, f"{sizes(explanation.shape)}: {count(explanation.values.size, 'value')}", width)
    if explanation.values.size <= FULL:
        console.print(values_table(explanation, console.width))
    _say(console, f"normalized = (value - mean) / sqrt(variance + {EPS:.5f}), before weight and bias", width)
    shown: dict[Shape, StatisticsSets] = {}
    for sets in explanation.norms:
        console.print()
        _say(console, f"{sets.norm}  {sets.norm.title}: {amount(sets)}", width, "bold")
        _say(console, f"{sets.norm.sentence(sets.shape)} {parameters(sets)}.", width)
        same = shown.setdefault(sets.box, sets)
        if same is sets:
            console.print(sets_table(sets))
        else:
            _say(console, f"The sets, statistics and normalized values are those of {same.norm}.", width)
    if explanation.left_out:
        console.print("\nLeft out", style="bold")
        _list(console, explanation.left_out, width)
    console.print("\nCommon mistakes", style="bold")
    _list(console, MISTAKES, width)


def values_table(explanation: Explanation, width: int) -> Table:
    """Return the values, one row per image and one column per channel, or one row per channel where that is wider."""
    N, C, H, W = explanation.shape
    texts = [f"{value:.4g}" for value in explanation.values.ravel()]
    widest = max(map(len, texts))
    lines = [" ".join(text.rjust(widest) for text in texts[k : k + W]) for k in range(0, len(texts), W)]
    cells = ["\n".join(lines[k : k + H]) for k in range(0, len(lines), H)]  # N * C of them
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    if 9 + C * (max(len(lines[0]), 10) + 3) <= width:
        for name in ("", *(f"channel {c}" for c in range(C))):
            table.add_column(name, no_wrap=True)
        for n in range(N):
            table.add_row(f"image {n}", *cells[n * C : (n + 1) * C])
        return table
    for name in ("image", "channel", "values"):
        table.add_column(name)
    for k, cell in enumerate(cells):
        table.add_row(str(k // C), str(k % C), cell)
    return table


def sets_table(sets: StatisticsSets) -> Table:
    """Return one row per set: its elements, statistics and normalized values; the first few of many."""
    full = math.prod(sets.shape) <= FULL
    num_rows = sets.num_sets if full else min(sets.num_sets, FEW_SETS)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    for name in ("set", "N", "C", "H", "W", "mean", "variance", "std"):
        table.add_column(name, justify="left" if name in "NCHW" else "right", no_wrap=True)
    table.add_column("normalized")
    for k in range(num_rows):
        normalized = sets.normalized.ravel()[sets.members[k]]
        numbers = [number(value) for value in (sets.mean[k], sets.variance[k], sets.std[k])]
        table.add_row(str(k), *map(span, sets.ranges(k)), *numbers, _values(normalized.tolist(), full))
    if num_rows < sets.num_sets:
        table.caption = f"and {count(sets.num_sets - num_rows, 'more set')}"
        table.caption_justify = "left"
    return table


def _values(values: Sequence[float], full: bool) -> str:
    """Write values with their signs, so that wrapped lines stay columns; of many the first few."""
    shown = [f"{value:+.3f}" for value in (values if full else values[:FEW_VALUES])]
    return " ".join([*shown, *(["…"] if len(shown) < len(values) else [])])


def _say(console: Console, line: str, width: int, style: str = "") -> None:
    console.print(Text(line, style=style), width=width)


def _list(console: Console, sentences: Sequence[str], width: int) -> None:
    table = Table.grid(padding=(0, 1))
    for sentence in sentences:
        table.add_row("-", Text(sentence))
    console.print(table, width=width)


def as_json(explanation: Explanation) -> dict[str, Any]:
    """Return everything as JSON values; a range is its first and its last index."""
    return {
        "source": explanation.source,
        "shape": list(explanation.shape),
        "eps": EPS,
        "values": explanation.values.tolist(),
        "norms": [_norm_as_json(sets) for sets in explanation.norms],
        "left_out": list(explanation.left_out),
        "common_mistakes": list(MISTAKES),
    }


def _norm_as_json(sets: StatisticsSets) -> dict[str, Any]:
    statistics = zip(sets.mean.tolist(), sets.variance.tolist(), sets.std.tolist(), strict=True)
    return {
        "norm": str(sets.norm),
        "title": sets.norm.title,
        "rule": sets.norm.sentence(sets.shape),
        "num_sets": sets.num_sets,
        "set_size": sets.set_size,
        "num_parameters": sets.norm.num_parameters(sets.shape),
        "sets": [
            {axis: [r[0], r[-1]] for axis, r in zip(AXES, sets.ranges(k), strict=True)}
            | {"mean": mean, "variance": variance, "std": std}
            for k, (mean, variance, std) in enumerate(statistics)
        ],
        "normalized": sets.normalized.tolist(),
    }
