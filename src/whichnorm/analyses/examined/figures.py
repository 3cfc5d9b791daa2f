"""What the trained networks were asked, drawn: BatchNorm's statistics, the gaps of its layers, and corruptions."""

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from whichnorm.render.style import ArmStyle, house_style, new_figure, set_title

STATISTICS = {"running": ("#0072B2", "o"), "precise": ("#009E73", "s"), "batch": ("#D55E00", "^")}


@dataclass(frozen=True, kw_only=True)
class StatisticsRow:
    """An arm's accuracies in [0, 1] by kind of statistics, one per seed; a kind without values is left out."""

    label: str
    values: dict[str, Sequence[float]]


@dataclass(frozen=True, kw_only=True, eq=False)
class GapSeries:
    """Of one arm, gaps (num_seeds, num_layers) of batch and precise statistics; the former may have no seeds."""

    label: str
    style: ArmStyle
    batch: NDArray[np.float64]
    precise: NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class CorruptionSeries:
    """Of one arm and one corruption, accuracies (num_seeds, 1 + num_strengths) in [0, 1], the clean one first."""

    label: str
    style: ArmStyle
    values: NDArray[np.float64]


@house_style()
def statistics_dots(rows: Sequence[StatisticsRow]) -> Figure:
    """Draw an arm's accuracy with each kind of statistics: the mean, and a hollow dot per seed below it."""
    figure = new_figure(6.4, 1.5 + 0.85 * len(rows))
    axes = figure.add_subplot()
    for place, row in enumerate(rows):
        for offset, (kind, (color, marker)) in zip((-0.27, 0.0, 0.27), STATISTICS.items(), strict=True):
            values = 100 * np.array(row.values.get(kind, ()))
            if not len(values):
                continue
            name = f"{kind} statistics" if place == 0 else None
            axes.plot(values.mean(), place + offset, marker=marker, markersize=8, linestyle="", color=color, label=name)
            if len(values) > 1:
                at = np.full(len(values), place + offset + 0.11)
                axes.plot(values, at, "o", markersize=4, markerfacecolor="white", markeredgecolor="#4a5058")
    _label_rows(axes, [row.label for row in rows])
    axes.set_xlabel("Test accuracy (%)")
    axes.margins(x=0.08)
    figure.legend(loc="outside lower left", ncols=3)
    set_title(figure, "Test accuracy with each kind of statistics")
    return figure


@house_style()
def layer_gaps(paths: Sequence[str], of_means: Sequence[GapSeries], of_variances: Sequence[GapSeries]) -> Figure:
    """Draw every layer's distance from its running statistics in two panels, the first layer on top."""
    height = 0.16 + 0.16 * len(of_means)  # of a row, in inches
    figure = new_figure(8.0, 1.6 + 0.2 * len(of_means) + height * len(paths))
    panels = figure.subplots(1, 2, sharey=True)
    for axes, series, unit in zip(
        panels, (of_means, of_variances), ("Mean (running standard deviations)", "Variance (|log ratio|)"), strict=True
    ):
        for place, arm in enumerate(series):
            _draw_gaps(axes, arm, np.arange(len(paths)) + (place - (len(series) - 1) / 2) * 0.16 / height)
        axes.set_xlabel(unit)
        axes.set_xlim(left=0)
    _label_rows(panels[0], paths)
    panels[1].grid(True, axis="x")
    panels[1].tick_params(axis="y", length=0)
    panels[1].spines["left"].set_visible(False)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower left", ncols=2)
    set_title(figure, "Distance from the running statistics, by layer")
    return figure


def _draw_gaps(axes: Axes, arm: GapSeries, y: NDArray[np.floating]) -> None:
    """Draw means over seeds, filled for batch statistics and hollow for precise ones, with the range over seeds."""
    for kind, values, face in (("batch", arm.batch, arm.style.color), ("precise", arm.precise, "white")):
        if not len(values):
            continue
        axes.hlines(y, values.min(0), values.max(0), color=arm.style.color, linewidth=1.2)
        axes.plot(
            values.mean(0), y, linestyle="", marker=arm.style.marker, markersize=6, color=arm.style.color,
            markerfacecolor=face, label=f"{arm.label}, {kind}",
        )  # fmt: skip


@house_style()
def corruption_panels(panels: Mapping[str, Sequence[CorruptionSeries]], ticks: Mapping[str, Sequence[str]]) -> Figure:
    """Draw accuracy against strength, a panel per kind: the mean over seeds and the band of their range."""
    arms = next(iter(panels.values()))
    widest = max(len(arm.label) for arm in arms)
    columns = max(1, min(len(arms), 100 // (widest + 8)))
    figure = new_figure(9.2, 2.9 + 0.2 * -(-len(arms) // columns))
    grid = figure.subplots(1, len(panels), sharey=True)
    for axes, (kind, series) in zip(np.atleast_1d(grid), panels.items(), strict=True):
        for arm in series:
            _draw_strengths(axes, arm)
        axes.set_title(kind)
        axes.set_xticks(range(len(ticks[kind])), ticks[kind], fontsize=8)
        axes.grid(True)
    np.atleast_1d(grid)[0].set_ylabel("Test accuracy (%)")
    handles = np.atleast_1d(grid)[0].get_legend_handles_labels()
    figure.legend(*handles, loc="outside lower left", ncols=columns, handlelength=3.2)
    set_title(figure, "Test accuracy under corruption, by strength")
    return figure


def _draw_strengths(axes: Axes, arm: CorruptionSeries) -> None:
    x, values = np.arange(arm.values.shape[1]), 100 * arm.values
    axes.plot(
        x, values.mean(0), color=arm.style.color, linestyle=arm.style.line, marker=arm.style.marker, label=arm.label
    )
    if len(values) > 1:
        axes.fill_between(x, values.min(0), values.max(0), color=arm.style.color, alpha=0.16, linewidth=0)


def _label_rows(axes: Axes, labels: Sequence[str]) -> None:
    axes.set_yticks(range(len(labels)), [textwrap.fill(label, 28, break_on_hyphens=False) for label in labels])
    axes.set_ylim(len(labels) - 0.5, -0.5)
    axes.grid(True, axis="x")
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6))
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
