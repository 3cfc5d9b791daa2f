"""Validation accuracy against learning rate, a line per arm."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from whichnorm.analyses.arms import Drawn
from whichnorm.analyses.drawing import WIDTH
from whichnorm.analyses.sensitivity.search import Search
from whichnorm.render.style import house_style, new_figure
from whichnorm.signs import with_minus

MAX_LEVEL = 5  # rates whose numbers stand side by side


@house_style()
def learning_rate_lines(lines: Sequence[Drawn[Search]], shared: float) -> Figure:
    """Draw the lines over a logarithmic axis; a ring marks each chosen rate, a dotted line the shared one."""
    figure = new_figure(WIDTH, 3.4 + 0.2 * len(lines))
    axes = figure.subplots()
    axes.set_xscale("log", base=2)
    for place, line in enumerate(lines):
        _draw_line(axes, line, place)
    axes.axvline(shared, color="#59636e", linewidth=1.3, linestyle=(0, (1, 2)), zorder=1)
    axes.annotate("shared", (shared, 1), xycoords=("data", "axes fraction"), xytext=(3, -2),
                  textcoords="offset points", fontsize=8, color="#59636e", va="top")  # fmt: skip
    _label(axes, sorted({rate for line in lines for rate in line.values.accuracies}))
    figure.legend(loc="outside upper left", borderaxespad=0.2)
    return figure


def _draw_line(axes: Axes, line: Drawn[Search], place: int) -> None:
    rates = list(line.values.accuracies)
    values = np.array([np.nan if value is None else 100 * value for value in line.values.accuracies.values()])
    look: dict[str, Any] = {"color": line.style.color, "zorder": 3}
    axes.plot(rates, values, linestyle=line.style.line, marker=line.style.marker, label=line.label, **look)
    at_chosen = [value for rate, value in zip(rates, values, strict=True) if rate == line.values.rate]
    axes.plot([line.values.rate], at_chosen, "o", markersize=12, fillstyle="none", markeredgewidth=1.6, **look)
    unfinished = [rate for rate, value in zip(rates, values, strict=True) if np.isnan(value)]
    # At the foot of the axis, each arm a little higher: marks of several arms at one rate would hide each other.
    axes.plot(unfinished, np.full(len(unfinished), 0.03 + 0.05 * place), "x", markersize=6, markeredgewidth=1.8,
              transform=axes.get_xaxis_transform(), **look)  # fmt: skip


def _label(axes: Axes, rates: Sequence[float]) -> None:
    axes.set_xlabel("Learning rate (peak, log scale)")
    axes.set_ylabel("Validation accuracy (%)")
    axes.xaxis.set_major_locator(FixedLocator(list(rates)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: with_minus(f"{value:.4g}")))
    axes.tick_params(axis="x", labelrotation=45 if len(rates) > MAX_LEVEL else 0)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=6))
    axes.margins(x=0.06, y=0.12)
    axes.grid(True)
