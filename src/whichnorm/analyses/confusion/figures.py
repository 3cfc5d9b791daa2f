"""Figures of matrices of classes."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, PowerNorm
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from whichnorm.analyses.drawing import SMALL, WIDTH, wrapped
from whichnorm.render.style import CALL_COLORS, INK, house_style, new_figure, set_title
from whichnorm.render.text import shorten
from whichnorm.signs import with_minus

MAX_NAMED_CLASSES = 20  # above this an axis has no room for names, nor a cell for its number
LONGEST_NAME = 12
MIDDLE_GREY = 0.179  # the relative luminance on which black and white have the same contrast
EM = SMALL / 72  # inches
WIDTHS = {"+": 0.84, "\N{MINUS SIGN}": 0.84, ".": 0.32}  # of characters other than digits, in EM
DIGIT = 0.65

# Orange and blue, safe for colour-blind readers; white at zero.
BETTER = LinearSegmentedColormap.from_list("better", (CALL_COLORS["worse"], "white", CALL_COLORS["better"]))


@house_style()
def confusion(title: str, counts: NDArray[np.int64], class_names: Sequence[str]) -> Figure:
    """Draw counts of true class (rows) by predicted class (columns), coloured by the share of the row.

    Up to 20 classes have names, more have numbers; cells have their counts if these fit.
    """
    figure, axes = _matrix(title, class_names)
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    # Mistakes are rare: the root lets one in a hundred be seen beside a full diagonal.
    image = axes.imshow(100 * share, cmap="Blues", norm=PowerNorm(0.5, vmin=0, vmax=100), interpolation="none")
    _draw_grid(axes, len(class_names))
    if counts_fit(counts, class_names):
        _write(axes, image, np.where(counts, counts.astype(str), ""))
    bar = figure.colorbar(image, ax=axes, location="bottom", shrink=0.9, aspect=32, ticks=[0, 1, 5, 20, 50, 100])
    bar.set_label("Share of the true class (%)")
    bar.outline.set_visible(False)
    return figure


@house_style()
def difference(
    title: str, values: NDArray[np.float64], marked: NDArray[np.bool_], class_names: Sequence[str],
    arms: tuple[str, str],
) -> Figure:  # fmt: skip
    """Draw a confusion matrix less another: true class in rows, predicted class in columns.

    A cell is blue if the first arm is better in it, orange if the second is: more on the diagonal is better, more off
    the diagonal is worse. `marked` cells have a frame. Names and numbers are as in `confusion`.
    """
    figure, axes = _matrix(title, class_names)
    largest = max(float(np.abs(values).max()), 1.0)
    better = np.where(np.eye(len(values), dtype=bool), values, -values)
    image = axes.imshow(better, cmap=BETTER, vmin=-largest, vmax=largest, interpolation="none")
    _draw_grid(axes, len(class_names))
    if differences_fit(values, class_names):
        _write(axes, image, signed_cells(values))
    _frame(axes, marked)
    a, b = (shorten(arm, 14) for arm in arms)
    bar = figure.colorbar(image, ax=axes, location="bottom", shrink=0.9, aspect=32, format=lambda x, _: f"{abs(x):g}")
    bar.ax.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=largest >= 3))
    bar.set_label(f"← {b} better    test images    {a} better →", fontsize=9)
    bar.outline.set_visible(False)
    return figure


def counts_fit(counts: NDArray[np.int64], class_names: Sequence[str]) -> bool:
    """Tell whether the counts of a matrix can be written into its cells in letters that a phone shows."""
    return _fit(counts.astype(str), class_names)


def differences_fit(values: NDArray[np.float64], class_names: Sequence[str]) -> bool:
    """Tell the same of a difference."""
    return _fit(signed_cells(values), class_names)


def _fit(texts: NDArray[np.str_], class_names: Sequence[str]) -> bool:
    names = _shown_names(class_names)
    widest = max(sum(WIDTHS.get(character, DIGIT) for character in said) for said in texts.ravel())
    return bool(names) and widest * EM <= _side(names) / len(names)


def signed_cells(values: NDArray[np.float64]) -> NDArray[np.str_]:
    """Write differences with their sign, with a decimal below ten if they are means that need one; zero is empty."""
    whole = np.array_equal(values, np.round(values))
    texts = [
        with_minus(f"{value:+.{0 if whole or abs(value) >= 10 else 1}f}") if value else "" for value in values.ravel()
    ]
    return np.array(texts).reshape(values.shape)


def _matrix(title: str, class_names: Sequence[str]) -> tuple[Figure, Axes]:
    """Return a figure as high as its matrix, which is as wide as the names of its classes leave room for."""
    names = _shown_names(class_names)
    below = 0.72 * (WIDTH - _side(names)) if _steep(names) else 0.5
    figure = new_figure(WIDTH, 0.4 + _side(names) + below + 0.75)
    axes = figure.add_subplot()
    axes.spines[:].set_visible(False)
    _name_axes(axes, names)
    set_title(figure, wrapped(title))
    return figure, axes


def _side(names: Sequence[str]) -> float:
    """Return how wide a matrix is in inches beside the names of its classes."""
    return WIDTH - 0.45 - 0.078 * max(map(len, names), default=3)


def _shown_names(class_names: Sequence[str]) -> list[str]:
    """Return the names that stand on the axes; none if there are too many."""
    return [shorten(name, LONGEST_NAME) for name in class_names] if len(class_names) <= MAX_NAMED_CLASSES else []


def _steep(names: Sequence[str]) -> bool:
    return bool(names) and max(map(len, names)) > 3


def _name_axes(axes: Axes, names: Sequence[str]) -> None:
    if not names:
        axes.set(xlabel="Predicted class, by number from 0", ylabel="True class, by number from 0")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
        return
    numbers, steep = range(len(names)), _steep(names)
    axes.set_xticks(
        numbers, names, rotation=45 if steep else 0, ha="right" if steep else "center", rotation_mode="anchor"
    )
    axes.set_yticks(numbers, names)
    axes.set(xlabel="Predicted class", ylabel="True class")
    axes.tick_params(length=0)


def _draw_grid(axes: Axes, num_classes: int) -> None:
    """Part the cells by white lines, unless they are too small."""
    if num_classes <= MAX_NAMED_CLASSES:
        between = np.arange(1, num_classes) - 0.5
        axes.hlines(between, -0.5, num_classes - 0.5, color="white", linewidth=1)
        axes.vlines(between, -0.5, num_classes - 0.5, color="white", linewidth=1)


def _write(axes: Axes, image: AxesImage, texts: NDArray[np.str_]) -> None:
    """Write a text into every cell that has one, dark or white, whichever shows better on its colour."""
    colors = np.asarray(image.to_rgba(np.asarray(image.get_array())))  # (num_classes, num_classes, 4)
    for (row, column), said in np.ndenumerate(texts):
        if said:
            color = _ink_on(colors[row, column, :3])
            axes.text(column, row, said, ha="center", va="center", fontsize=SMALL, color=color)


def _ink_on(color: NDArray[np.float64]) -> str:
    """Return black or white, whichever has more contrast on an sRGB colour: 4.58 to 1 at least, by WCAG 2.1."""
    linear = np.where(color <= 0.04045, color / 12.92, ((color + 0.055) / 1.055) ** 2.4)
    return "white" if linear @ np.array([0.2126, 0.7152, 0.0722]) < MIDDLE_GREY else "black"


def _frame(axes: Axes, marked: NDArray[np.bool_]) -> None:
    """Frame cells by a dark line and a white one inside it, so that it shows on every colour."""
    frames: tuple[tuple[float, str, float], ...] = ((0.0, INK, 2.2), (0.075, "white", 1.0))
    if len(marked) > MAX_NAMED_CLASSES:  # around the cell, which is too small to hold a frame
        frames = ((-0.6, INK, 1.0),)
    for row, column in np.argwhere(marked):
        for inset, color, width in frames:
            corner, side = (column - 0.5 + inset, row - 0.5 + inset), 1 - 2 * inset
            axes.add_patch(
                Rectangle(corner, side, side, fill=False, edgecolor=color, linewidth=width, clip_on=False, zorder=3)
            )
