"""Figures of maps laid over images."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, ListedColormap
from matplotlib.figure import Figure
from numpy.typing import NDArray

from whichnorm.render.images import as_shown
from whichnorm.render.style import CALL_COLORS, INK, house_style, new_figure

# Inches. Places are set by hand, since a layout engine gives rows with longer titles wider gaps.
SIDE, GAP = 1.3, 0.09  # an image, and the white between two
LEFT, RIGHT = 0.3, 0.1
TITLE, HEADER, NOTE, FOOT = 0.44, 0.42, 0.22, 0.58
LEAST_WIDTH = 5.2  # of the title and the bar
MOST_ABREAST = 10  # images from left to right where rows stand in two banks

FAINT_INK, WRONG = "#59636e", CALL_COLORS["worse"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Cell:
    """An arm's map over an image, (H, W) and nowhere negative, and what the arm predicts."""

    overlay: NDArray[np.float64]
    note: str
    right: bool


@dataclass(frozen=True, kw_only=True, eq=False)
class Row:
    """An image (C, H, W) uint8 with its name and true class, and a cell for each arm."""

    image: NDArray[np.uint8]
    name: str
    note: str
    cells: Sequence[Cell]


@house_style()
def gradcam_rows(title: str, headers: Sequence[tuple[str, str]], rows: Sequence[Row]) -> Figure:
    """Draw a row per image: the image, then every arm's map over it in grey.

    Four arms or fewer leave room for two banks of rows side by side. A header is an arm's short and long name. Each map
    has its own scale, from zero to its largest value; a map that is zero everywhere is said to be empty.
    """
    columns = 1 + len(headers)
    banks = 2 if 2 * columns <= MOST_ABREAST and len(rows) > 3 else 1
    deep = -(-len(rows) // banks)
    bank_width = LEFT + columns * (SIDE + GAP)
    width = max(banks * bank_width + RIGHT, LEAST_WIDTH)
    height = TITLE + HEADER + deep * (NOTE + SIDE + GAP) + FOOT
    figure = new_figure(width, height)
    figure.set_layout_engine("none")
    figure.suptitle(title, x=0.1 / width, y=1 - 0.12 / height, ha="left", va="top")
    for bank in range(banks):
        lefts = [bank * bank_width + LEFT + k * (SIDE + GAP) for k in range(columns)]
        _write_headers(figure, lefts, headers)
        for k, row in enumerate(rows[bank * deep : (bank + 1) * deep]):
            bottom = height - TITLE - HEADER - (k + 1) * (NOTE + SIDE + GAP) + GAP
            _draw_row([_axes(figure, left, bottom, SIDE, SIDE) for left in lefts], row)
    _draw_bar(_axes(figure, width / 2 - 1.5, 0.34, 3.0, 0.12))
    return figure


def _axes(figure: Figure, left: float, bottom: float, width: float, height: float) -> Axes:
    whole_width, whole_height = figure.get_size_inches()
    return figure.add_axes((left / whole_width, bottom / whole_height, width / whole_width, height / whole_height))


def _write_headers(figure: Figure, lefts: Sequence[float], headers: Sequence[tuple[str, str]]) -> None:
    width, height = figure.get_size_inches()
    for left, (short, long) in zip(lefts, [("Test image", "true class"), *headers], strict=True):
        x, top = (left + SIDE / 2) / width, height - TITLE
        figure.text(x, top / height, short, ha="center", va="top", fontsize=10, fontweight="bold")
        figure.text(x, (top - 0.19) / height, long, ha="center", va="top", fontsize=8, color=FAINT_INK)


def _draw_row(places: Sequence[Axes], row: Row) -> None:
    first, *others = places
    first.imshow(as_shown(row.image), interpolation="none", cmap="gray", vmin=0, vmax=255)
    _write_above(first, row.note, INK)
    first.text(-0.04, 0.5, row.name, transform=first.transAxes, rotation=90, ha="right", va="center", fontsize=8,
               color=FAINT_INK)  # fmt: skip
    for axes, cell in zip(others, row.cells, strict=True):
        _draw_cell(axes, row.image, cell)
    for axes in places:
        axes.set(xticks=[], yticks=[])  # laying out ticks that are not shown takes most of the drawing's time
        axes.set_axis_off()


def _write_above(axes: Axes, note: str, color: str) -> None:
    axes.text(0.5, 1.035, note, transform=axes.transAxes, ha="center", va="bottom", fontsize=8.5, color=color)


def _draw_cell(axes: Axes, image: NDArray[np.uint8], cell: Cell) -> None:
    axes.imshow(image.mean(axis=0), interpolation="none", cmap="gray", vmin=-40, vmax=295)  # softer than the image
    _write_above(axes, cell.note if cell.right else f"✗ {cell.note}", INK if cell.right else WRONG)
    if cell.overlay.any():
        share = cell.overlay / cell.overlay.max()
        axes.imshow(share, interpolation="none", cmap=_heat(), vmin=0, vmax=1)
    else:
        axes.text(0.5, 0.5, "map is empty", transform=axes.transAxes, ha="center", va="center", fontsize=9,
                  bbox={"facecolor": "white", "edgecolor": "none", "boxstyle": "round,pad=0.35"})  # fmt: skip


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
