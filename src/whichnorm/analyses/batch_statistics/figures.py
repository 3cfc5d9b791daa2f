"""BatchNorm's statistics, drawn: accuracy with each kind of them, and the distances of its layers."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from whichnorm.analyses.arms import Drawn
from whichnorm.analyses.drawing import WIDTH, label_rows, wrapped
from whichnorm.render.style import house_style, new_figure, set_title

MARKERS = {"running": "o", "precise": "s", "batch": "^"}  # by kind of statistics; colours are the arms'
LINE = 22  # characters of a row's name
GREY = "#4a5058"
LAYER_HEIGHT, ARM_HEIGHT = 0.11, 0.11  # inches: of a layer's row, and what every arm adds to it


@dataclass(frozen=True, kw_only=True)
class Spread:
    """The mean over seeds, and the smallest and largest value."""

    mean: float
    low: float
    high: float


StatisticsRow = Drawn[dict[str, Sequence[float]]]  # accuracies in [0, 1] by kind of statistics, one per seed
GapSeries = Drawn[dict[str, Sequence[Spread | None]]]  # distances by kind of statistics, and by layer; None if missing


@house_style()
def statistics_dots(rows: Sequence[StatisticsRow]) -> Figure:
    """Draw an arm's accuracy with each kind of statistics: the mean, and a hollow dot per seed below it."""
    figure = new_figure(WIDTH, 1.45 + 0.85 * len(rows))
    axes = figure.add_subplot()
    for place, row in enumerate(rows):
        for offset, kind in zip((-0.27, 0.0, 0.27), MARKERS, strict=True):
            if row.values.get(kind):
                _draw_accuracies(axes, 100 * np.array(row.values[kind]), place + offset, row.style.color, MARKERS[kind])
    label_rows(axes, [wrapped(row.label, LINE) for row in rows])
    axes.set_xlabel("Test accuracy (%)")
    axes.margins(x=0.08)
    keys = [Line2D([], [], color=GREY, linestyle="", marker=marker, markersize=8) for marker in MARKERS.values()]
    figure.legend(keys, [kind.capitalize() for kind in MARKERS], loc="outside lower left", ncols=len(MARKERS))
    set_title(figure, "Test accuracy with each kind of statistics")
    return figure


def _draw_accuracies(axes: Axes, values: np.ndarray, y: float, color: str, marker: str) -> None:
    axes.plot(values.mean(), y, marker=marker, markersize=8, linestyle="", color=color)
    if len(values) > 1:
        at = np.full(len(values), y + 0.11)
        axes.plot(values, at, "o", linestyle="", markersize=4, markerfacecolor="white", markeredgecolor=GREY)


@house_style()
def layer_gaps(paths: Sequence[str], of_means: Sequence[GapSeries], of_variances: Sequence[GapSeries]) -> Figure:
    """Draw every layer's distance from its running statistics in two panels, the first layer on top."""
    height = LAYER_HEIGHT + ARM_HEIGHT * len(of_means)
    figure = new_figure(WIDTH, 2.1 + 0.4 * len(of_means) + 2 * height * len(paths))
    panels = figure.subplots(2, 1)
    for axes, series, title, unit in zip(
        panels, (of_means, of_variances), ("Means", "Variances"),
        ("Distance (running standard deviations)", "Distance (|log ratio|)"), strict=True,
    ):  # fmt: skip
        for place, arm in enumerate(series):
            _draw_gaps(axes, arm, (place - (len(series) - 1) / 2) * ARM_HEIGHT / height)
        label_rows(axes, [wrapped(path, LINE) for path in paths])
        axes.set(title=title, xlabel=unit, ylabel="BatchNorm layer")
        axes.set_xlim(left=0)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower left")
    set_title(figure, "Distance from the running statistics, by layer")
    return figure


def _draw_gaps(axes: Axes, arm: GapSeries, offset: float) -> None:
    """Draw means over seeds, filled for batch statistics and hollow for precise ones, with the range over seeds."""
    color = arm.style.color
    for kind, face in (("batch", color), ("precise", "white")):
        drawn = [(place + offset, spread) for place, spread in enumerate(arm.values[kind]) if spread]
        if not drawn:
            continue
        y = [at for at, _ in drawn]
        axes.hlines(y, [s.low for _, s in drawn], [s.high for _, s in drawn], color=color, linewidth=1.2)
        axes.plot(
            [s.mean for _, s in drawn], y, linestyle="", marker=arm.style.marker, markersize=6, color=color,
            markerfacecolor=face, label=f"{arm.label}, {kind}",
        )  # fmt: skip
