"""Figures of matrices of classes."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from whichnorm.render.style import INK, house_style, new_figure, set_title
from whichnorm.render.text import shorten

MOST_CLASSES_WITH_TEXT = 20  # above this a cell has no room for its count, nor an axis for its names

DIVERGING = "RdBu"  # safe for colour-blind readers; white at zero


@house_style()
def confusion(title: str, counts: NDArray[np.int64], class_names: Sequence[str]) -> Figure:
    """Draw counts of true class (rows) by predicted class (columns), coloured by the share of the row.

    Up to 20 classes have names and counts; more have class numbers only.
    """
    figure, axes = _square(len(counts))
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    # Mistakes are rare: the root lets one in a hundred be seen beside a full diagonal.
    image = axes.imshow(100 * share, cmap="Blues", norm=PowerNorm(0.5, vmin=0, vmax=100), interpolation="none")
    bar = figure.colorbar(image, ax=axes, shrink=0.8, ticks=[0, 1, 5, 20, 50, 100], label="Share of the true class (%)")
    bar.outline.set_visible(False)
    axes.spines[:].set_visible(False)
    _name_axes(axes, class_names)
    if len(counts) <= MOST_CLASSES_WITH_TEXT:
        _write_counts(axes, counts, share)
    set_title(figure, title)
    return figure


@house_style()
def difference(
    title: str,
    values: NDArray[np.float64],
    marked: NDArray[np.bool_],
    class_names: Sequence[str],
    sides: tuple[str, str],
) -> Figure:
    """Draw the difference of two confusion matrices: true class in rows, predicted class in columns.

    `marked` cells have a frame. `sides` names the two arms: the first predicts more in cells above zero. Up to 20
    classes have names and numbers; more have class numbers only.
    """
    figure, axes = _square(len(values))
    largest = max(float(np.abs(values).max()), 1.0)  # zero is the middle of the colours
    image = axes.imshow(values, cmap=DIVERGING, vmin=-largest, vmax=largest, interpolation="none")
    bar = figure.colorbar(image, ax=axes, shrink=0.8, format=lambda value, _: _signed(value, whole=largest >= 5))
    bar.set_label(f"← more by {sides[1]}    test images    more by {sides[0]} →")
    bar.outline.set_visible(False)
    axes.spines[:].set_visible(False)
    _name_axes(axes, class_names)
    if len(values) <= MOST_CLASSES_WITH_TEXT:
        _write_differences(axes, values, marked)
    _frame_cells(axes, marked)
    set_title(figure, title)
    return figure


def _square(num_classes: int) -> tuple[Figure, Axes]:
    side = max(4.6, 0.46 * num_classes + 1.6) if num_classes <= MOST_CLASSES_WITH_TEXT else 7.0
    figure = new_figure(side + 1.0, side + 0.35)
    return figure, figure.add_subplot()


def _name_axes(axes: Axes, class_names: Sequence[str]) -> None:
    if len(class_names) <= MOST_CLASSES_WITH_TEXT:
        _name_classes(axes, [shorten(name, 14) for name in class_names])
        return
    axes.set(xlabel="Predicted class, by number from 0", ylabel="True class, by number from 0")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))


def _signed(value: float, whole: bool = False) -> str:
    """Write a difference with its sign, which is all that is left of the colour in grey print; a decimal below ten."""
    digits = 0 if whole or abs(value) >= 10 else 1
    return f"{value:+.{digits}f}".replace("-", "\N{MINUS SIGN}") if value else "0"


def _write_differences(axes: Axes, values: NDArray[np.float64], marked: NDArray[np.bool_]) -> None:
    whole = np.array_equal(values, np.round(values))
    largest = np.abs(values).max()
    for (row, column), number in np.ndenumerate(values):
        if number:
            axes.text(
                column, row, _signed(number, whole), ha="center", va="center", fontsize=8.5 if largest < 100 else 7.5,
                color="white" if abs(number) > 0.65 * largest else INK,
                fontweight="bold" if marked[row, column] else "normal",
            )  # fmt: skip


def _frame_cells(axes: Axes, marked: NDArray[np.bool_]) -> None:
    """Frame cells by a dark line and a white one inside it, so that it shows on every colour."""
    frames: tuple[tuple[float, str, float], ...] = ((0.0, INK, 2.6), (0.075, "white", 1.2))
    if len(marked) > MOST_CLASSES_WITH_TEXT:  # around the cell, which is too small to hold a frame
        frames = ((-0.6, INK, 1.0),)
    for row, column in np.argwhere(marked):
        for inset, color, width in frames:
            corner, side = (column - 0.5 + inset, row - 0.5 + inset), 1 - 2 * inset
            axes.add_patch(
                Rectangle(corner, side, side, fill=False, edgecolor=color, linewidth=width, clip_on=False, zorder=3)
            )


def _write_counts(axes: Axes, counts: NDArray[np.int64], share: NDArray[np.float64]) -> None:
    size = 8.5 if counts.max() < 1000 else 7
    for (row, column), number in np.ndenumerate(counts):
        if number:
            color = "white" if share[row, column] > 0.3 else INK
            axes.text(column, row, str(number), ha="center", va="center", color=color, fontsize=size)


def _name_classes(axes: Axes, names: Sequence[str]) -> None:
    places = range(len(names))
    steep = max(map(len, names)) > 3
    axes.set_xticks(
        places, names, rotation=45 if steep else 0, ha="right" if steep else "center", rotation_mode="anchor"
    )
    axes.set_yticks(places, names)
    axes.set(xlabel="Predicted class", ylabel="True class")
    axes.tick_params(length=0)
    between = np.arange(1, len(names)) - 0.5
    axes.hlines(between, -0.5, len(names) - 0.5, color="white", linewidth=1)
    axes.vlines(between, -0.5, len(names) - 0.5, color="white", linewidth=1)
