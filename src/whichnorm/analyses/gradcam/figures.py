"""Figures of maps laid over images."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, ListedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from whichnorm.analyses.drawing import WIDTH
from whichnorm.render.images import as_shown
from whichnorm.render.style import CALL_COLORS, INK, house_style, new_figure
from whichnorm.render.text import printable, shorten

# Inches. Positions are set by hand, since a layout engine gives rows with longer titles wider gaps.
MIN_SIDE, MAX_SIDE, GAP = 0.95, 1.3, 0.09  # an image, and the white between two
EDGE = 0.1
TITLE, HEADING, NOTE, FOOT = 0.42, 0.66, 0.36, 0.58

FAINT_INK, WRONG = "#59636e", CALL_COLORS["worse"]


@dataclass(frozen=True, kw_only=True)
class Heading:
    """What stands over a column: a name, and the arm's colour."""

    title: str
    color: str


@dataclass(frozen=True, kw_only=True, eq=False)
class MapCell:
    """An arm's map over an image, (H, W) and nowhere negative, and the class that the arm predicts."""

    overlay: NDArray[np.float64]
    name: str
    note: str
    right: bool


@dataclass(frozen=True, kw_only=True, eq=False)
class MapRow:
    """An image (C, H, W) uint8 with its true class and a note, and a cell for each arm."""

    image: NDArray[np.uint8]
    name: str
    note: str
    cells: Sequence[MapCell]


@dataclass(frozen=True)
class Grid:
    """Where the columns and rows of images are on a figure, in inches."""

    num_columns: int
    num_rows: int

    @property
    def side(self) -> float:
        return min(MAX_SIDE, max(MIN_SIDE, (WIDTH - 2 * EDGE) / self.num_columns - GAP))

    @property
    def size(self) -> tuple[float, float]:
        width = max(WIDTH, 2 * EDGE + self.num_columns * (self.side + GAP))
        return width, TITLE + HEADING + self.num_rows * (NOTE + self.side + GAP) + FOOT

    def left(self, column: int) -> float:
        return EDGE + GAP / 2 + column * (self.side + GAP)

    def bottom(self, row: int) -> float:
        return self.size[1] - TITLE - HEADING - (row + 1) * (NOTE + self.side + GAP) + GAP

    def letters(self, fontsize: float) -> int:
        """Return how many letters of this size, in points, stand over an image."""
        return int(72 * (self.side + GAP) / (0.62 * fontsize))


@house_style()
def map_grid(title: str, headings: Sequence[Heading], rows: Sequence[MapRow]) -> Figure:
    """Draw a row per image: the image, then every arm's map over it in grey.

    Each map has its own scale, from zero to its largest value; a map that is zero everywhere is said to be empty.
    """
    grid = Grid(1 + len(headings), len(rows))
    width, height = grid.size
    figure = new_figure(width, height)
    figure.set_layout_engine("none")
    figure.suptitle(title, x=EDGE / width, y=1 - 0.12 / height, ha="left", va="top")
    _write_heading(figure, grid, 0, Heading(title="Test image, true class", color="none"))
    for k, heading in enumerate(headings):
        _write_heading(figure, grid, k + 1, heading)
    for k, row in enumerate(rows):
        places = [_axes(figure, grid.left(j), grid.bottom(k), grid.side, grid.side) for j in range(grid.num_columns)]
        _draw_row(grid, places, row)
    _draw_bar(_axes(figure, width / 2 - 1.5, 0.34, 3.0, 0.12))
    return figure


def _axes(figure: Figure, left: float, bottom: float, width: float, height: float) -> Axes:
    whole_width, whole_height = figure.get_size_inches()
    return figure.add_axes((left / whole_width, bottom / whole_height, width / whole_width, height / whole_height))


def _write_heading(figure: Figure, grid: Grid, column: int, heading: Heading) -> None:
    """Write the name over a column, with a line in the arm's colour between them and the images."""
    width, height = grid.size
    left, top = grid.left(column), height - TITLE
    x = (left + grid.side / 2) / width
    lines = textwrap.wrap(printable(heading.title), grid.letters(9), max_lines=3, placeholder="…")
    figure.text(x, top / height, "\n".join(lines), ha="center", va="top", fontsize=8.5, fontweight="bold")
    ends = [left / width, (left + grid.side) / width]
    y = (top - HEADING + 0.09) / height
    figure.add_artist(Line2D(ends, [y, y], color=heading.color, linewidth=2.5))


def _draw_row(grid: Grid, places: Sequence[Axes], row: MapRow) -> None:
    first, *others = places
    first.imshow(as_shown(row.image), interpolation="none", cmap="gray", vmin=0, vmax=255)
    _write_above(first, shorten(row.name, grid.letters(8.5)), row.note, INK)
    for axes, cell in zip(others, row.cells, strict=True):
        name = shorten(cell.name, grid.letters(8.5) - 2)
        _write_above(axes, name if cell.right else f"✗ {name}", cell.note, INK if cell.right else WRONG)
        _draw_cell(axes, row.image, cell)
    for axes in places:
        axes.set(xticks=[], yticks=[])  # laying out ticks that are not shown takes most of the drawing's time
        axes.set_axis_off()


def _write_above(axes: Axes, name: str, note: str, color: str) -> None:
    axes.text(0.5, 1.03, f"{name}\n{note}", transform=axes.transAxes, ha="center", va="bottom", fontsize=8.5,
              color=color, linespacing=1.1)  # fmt: skip


def _draw_cell(axes: Axes, image: NDArray[np.uint8], cell: MapCell) -> None:
    axes.imshow(image.mean(axis=0), interpolation="none", cmap="gray", vmin=-40, vmax=295)  # softer than the image
    if cell.overlay.any():
        fraction = cell.overlay / cell.overlay.max()
        axes.imshow(fraction, interpolation="none", cmap=_heat(), vmin=0, vmax=1)
    else:
        axes.text(0.5, 0.5, "map is empty", transform=axes.transAxes, ha="center", va="center", fontsize=8.5,
                  bbox={"facecolor": "white", "edgecolor": "none", "boxstyle": "round,pad=0.3"})  # fmt: skip


def _draw_bar(axes: Axes) -> None:
    """Draw the scale over grey, as it looks over an image."""
    axes.imshow(np.full((1, 1), 0.65), cmap="gray", vmin=0, vmax=1, extent=(0, 1, 0, 1), aspect="auto")
    axes.imshow(np.linspace(0, 1, 256)[None], cmap=_heat(), vmin=0, vmax=1, extent=(0, 1, 0, 1), aspect="auto")
    axes.set_xticks([0, 0.5, 1], ["0", "half", "map's maximum"], fontsize=8)
    axes.set_yticks([])
    axes.tick_params(length=2)
    axes.spines[:].set_visible(False)


def _heat() -> Colormap:
    """Return a colour map from transparent to bright: lightness rises evenly along "inferno", and so does the cover."""
    colors = colormaps["inferno"](np.linspace(0.3, 0.95, 256))
    colors[:, 3] = np.linspace(0, 0.8, 256)
    return ListedColormap(colors)
