"""Figures of matrices of classes."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from whichnorm.report.figures.style import INK, house_style, new_figure, set_title
from whichnorm.report.text import shorten

MOST_CLASSES_WITH_TEXT = 20  # above this a cell has no room for its count, nor an axis for its names


@house_style()
def confusion(title: str, counts: NDArray[np.int64], class_names: Sequence[str]) -> Figure:
    """Draw counts of true class (rows) by predicted class (columns), coloured by the share of the row.

    Up to 20 classes have names and counts; more have class numbers only.
    """
    num_classes = len(counts)
    side = max(4.6, 0.46 * num_classes + 1.6) if num_classes <= MOST_CLASSES_WITH_TEXT else 7.0
    figure = new_figure(side + 1.0, side + 0.35)
    axes = figure.add_subplot()
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    # Mistakes are rare: the root lets one in a hundred be seen beside a full diagonal.
    image = axes.imshow(100 * share, cmap="Blues", norm=PowerNorm(0.5, vmin=0, vmax=100), interpolation="none")
    bar = figure.colorbar(image, ax=axes, shrink=0.8, ticks=[0, 1, 5, 20, 50, 100], label="Share of the true class (%)")
    bar.outline.set_visible(False)
    axes.spines[:].set_visible(False)
    if num_classes <= MOST_CLASSES_WITH_TEXT:
        _write_counts(axes, counts, share)
        _name_classes(axes, [shorten(name, 14) for name in class_names])
    else:
        axes.set(xlabel="Predicted class, by number from 0", ylabel="True class, by number from 0")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    set_title(figure, title)
    return figure


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
