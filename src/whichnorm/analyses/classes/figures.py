"""Accuracy per class: a dot and an interval per class and arm."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from whichnorm.analyses.narrow import WIDTH, legend_columns
from whichnorm.render.style import ArmStyle, house_style, new_figure, set_title
from whichnorm.render.text import shorten
from whichnorm.stats import Interval

LONGEST_NAME = 16  # of a class, beside the plot


@dataclass(frozen=True, kw_only=True)
class Series:
    """An arm's accuracies in [0, 1], one per drawn class."""

    label: str
    style: ArmStyle
    intervals: Sequence[Interval]


@house_style()
def class_forest(class_names: Sequence[str], series: Sequence[Series]) -> Figure:
    """Draw classes in rows, the first on top, and in each row the arms one below the other in their order."""
    height = 0.16 + 0.12 * len(series)  # of a row, in inches
    columns = legend_columns([arm.label for arm in series])
    figure = new_figure(WIDTH, 1.2 + 0.2 * -(-len(series) // columns) + height * len(class_names))
    axes = figure.add_subplot()
    step = 0.12 / height
    rows = np.arange(len(class_names))
    for number, arm in enumerate(series):
        y = rows + step * (number - (len(series) - 1) / 2)
        low, middle, high = 100 * np.array([(i.low, i.estimate, i.high) for i in arm.intervals]).T
        axes.hlines(y, low, high, color=arm.style.color, linewidth=1.6)
        axes.plot(
            middle, y, linestyle="", marker=arm.style.marker, markersize=8 if arm.style.marker == "*" else 5.5,
            color=arm.style.color, label=arm.label, markeredgecolor="white", markeredgewidth=0.6,
        )  # fmt: skip
    axes.hlines(rows[1:] - 0.5, 0, 1, transform=axes.get_yaxis_transform(), color="#e6e8eb", linewidth=0.8)
    axes.set_yticks(rows, [shorten(name, LONGEST_NAME) for name in class_names])
    axes.set_ylim(len(class_names) - 0.5, -0.5)
    axes.set(xlabel="Test accuracy on the class (%)", ylabel="Class")
    axes.grid(True, axis="x")
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6))
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    figure.legend(loc="outside lower left", ncols=columns)
    set_title(figure, "Test accuracy per class")
    return figure
