"""What figures share. They are readable on a phone, whose screen shows them scaled down to some 360 pixels."""

import textwrap
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter

from whichnorm.signs import with_minus

WIDTH = 5.2  # inches of a figure: text of SMALL points is then 8 pixels high on a phone
SMALL = 8.5  # points of the smallest text
TITLE_CHARACTERS = 44  # of a title in bold, in one line
LEGEND_CHARACTERS = 66  # of a legend's row


def wrapped(text: str, width: int = TITLE_CHARACTERS) -> str:
    """Return text in lines of so many characters: by default a figure's title, no wider than the figure."""
    return textwrap.fill(text, width, break_on_hyphens=False)


def legend_columns(labels: Sequence[str]) -> int:
    """Return how many entries of a legend, with a sample of their line each, fit abreast."""
    widest = max(map(len, labels))
    return max(1, min(len(labels), LEGEND_CHARACTERS // (widest + 8)))


def label_rows(axes: Axes, labels: Sequence[str]) -> None:
    """Name rows on the left, the first on top, with values along the axis below."""
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(len(labels) - 0.5, -0.5)
    axes.grid(True, axis="x")
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6))
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


def make_logarithmic(axes: Axes) -> None:
    """Make the axis of values logarithmic, with numbers as people write them."""
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: with_minus(f"{value:g}")))
    axes.yaxis.set_minor_formatter(NullFormatter())
