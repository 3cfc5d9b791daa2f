"""Accuracy per class: a dot and an interval per class and arm."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from whichnorm.analyses.arms import Drawn
from whichnorm.analyses.drawing import WIDTH, label_rows, legend_columns
from whichnorm.render.style import house_style, new_figure, set_title
from whichnorm.render.text import shorten
from whichnorm.stats import Interval

LONGEST_NAME = 16  # of a class, beside the plot


@house_style()
def class_forest(class_names: Sequence[str], series: Sequence[Drawn[Sequence[Interval]]]) -> Figure:
    """Draw classes in rows, the first on top, and in each row the arms one below the other in their order."""
    height = 0.16 + 0.12 * len(series)  # of a row, in inches
    columns = legend_columns([arm.label for arm in series])
    figure = new_figure(WIDTH, 1.2 + 0.2 * -(-len(series) // columns) + height * len(class_names))
    axes = figure.add_subplot()
    step = 0.12 / height
    rows = np.arange(len(class_names))
    for number, arm in enumerate(series):
        y = rows + step * (number - (len(series) - 1) / 2)
        low, middle, high = 100 * np.array([(i.low, i.estimate, i.high) for i in arm.values]).T
        axes.hlines(y, low, high, color=arm.style.color, linewidth=1.6)
        axes.plot(
            middle, y, linestyle="", marker=arm.style.marker, markersize=8 if arm.style.marker == "*" else 5.5,
            color=arm.style.color, label=arm.label, markeredgecolor="white", markeredgewidth=0.6,
        )  # fmt: skip
    axes.hlines(rows[1:] - 0.5, 0, 1, transform=axes.get_yaxis_transform(), color="#e6e8eb", linewidth=0.8)
    label_rows(axes, [shorten(name, LONGEST_NAME) for name in class_names])
    axes.set(xlabel="Test accuracy on the class (%)", ylabel="Class")
    figure.legend(loc="outside lower left", ncols=columns)
    set_title(figure, "Test accuracy per class")
    return figure
