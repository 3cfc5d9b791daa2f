"""Accuracy under corruption, drawn."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from whichnorm.analyses.arms import Drawn
from whichnorm.analyses.drawing import WIDTH, wrapped
from whichnorm.analyses.over_seeds import FEW_SEEDS
from whichnorm.render.style import house_style, new_figure, set_title
from whichnorm.render.text import capitalized

COLUMNS = 2
LINE = 0.19  # inches of a line of the legend
Strengths = Drawn[NDArray[np.float64]]  # (num_seeds, 1 + num_strengths) accuracies in [0, 1], the clean one first
UNITS = {
    "noise": "SD (of full scale)",
    "blur": "SD (pixels / √side)",
    "contrast": "Contrast left",
    "JPEG": "Quality",
    "brightness": "Added (of full scale)",
}


@house_style()
def corruption_panels(panels: Mapping[str, Sequence[Strengths]], ticks: Mapping[str, Sequence[str]]) -> Figure:
    """Draw accuracy against strength, a panel per kind: the mean over seeds, and thin lines or the band of the seeds.

    The arms' names stand in the place after the last panel.
    """
    names = [wrapped(one.label, 21) for one in next(iter(panels.values()))]
    num_lines = sum(1 + name.count("\n") for name in names)
    num_rows = -(-(len(panels) + 1) // COLUMNS)
    figure = new_figure(WIDTH, 0.4 + num_rows * max(1.9, 0.3 + LINE * num_lines))
    places = figure.subplots(num_rows, COLUMNS, sharey=True).flat
    for axes, (kind, series) in zip(places, panels.items(), strict=False):
        for arm in series:
            _draw_strengths(axes, arm)
        axes.set(title=capitalized(kind), xlabel=UNITS[kind])
        axes.set_xticks(range(len(ticks[kind])), ticks[kind])
        axes.grid(True)
    for axes in places[len(panels) :]:
        axes.set_axis_off()
    handles, _ = places[0].get_legend_handles_labels()
    places[len(panels)].legend(handles, names, loc="center left", handlelength=2.9, borderaxespad=0)
    figure.supylabel("Test accuracy (%)", fontsize=10)
    set_title(figure, "Test accuracy under corruption, by strength")
    return figure


def _draw_strengths(axes: Axes, arm: Strengths) -> None:
    x, values, look = np.arange(arm.values.shape[1]), 100 * arm.values, arm.style
    axes.plot(x, values.mean(0), color=look.color, linestyle=look.line, marker=look.marker, label=arm.label)
    if 1 < len(values) <= FEW_SEEDS:
        axes.plot(x, values.T, color=look.color, linewidth=0.6, alpha=0.5)
    elif len(values) > 1:
        axes.fill_between(x, values.min(0), values.max(0), color=look.color, alpha=0.16, linewidth=0)
