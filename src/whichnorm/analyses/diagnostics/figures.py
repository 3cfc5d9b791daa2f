"""Diagnostics over epochs: panels with a line per layer, coloured from the first layer to the last."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, ListedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from whichnorm.analyses.drawing import WIDTH, make_logarithmic
from whichnorm.render.style import house_style, new_figure, set_title

MAX_MARKS = 12  # epochs with a marker each; more would hide the lines


@dataclass(frozen=True, kw_only=True, eq=False)
class LayerPanel:
    """A quantity of all layers, (num_layers, num_epochs), first layer first; `limits` are those of its axis."""

    title: str
    unit: str
    values: NDArray[np.float64]
    limits: tuple[float, float]
    log: bool = False
    dashed: Sequence[bool] = ()  # by layer; none if it is empty
    note: str = ""  # what stands in the middle, for a panel with nothing to see


@house_style()
def layer_panels(title: str, epochs: NDArray[np.int64], panels: Sequence[LayerPanel]) -> Figure:
    """Draw the panels one below the other, with one bar for the depth of all lines."""
    figure = new_figure(WIDTH, 1.1 + 1.95 * len(panels))
    rows = figure.subplots(len(panels), 1, sharex=True)
    for axes, panel in zip(rows, panels, strict=True):
        _draw_panel(axes, epochs, panel)
    _label_epochs(rows[-1], epochs)
    bar = figure.colorbar(
        ScalarMappable(cmap=_depths()), ax=rows, ticks=[0, 1], location="bottom", aspect=36, pad=0.015
    )
    first, last = bar.ax.set_xticklabels(["first layer", "last layer"])
    first.set_horizontalalignment("left")
    last.set_horizontalalignment("right")
    bar.ax.tick_params(length=0)
    bar.outline.set_visible(False)
    set_title(figure, title)
    return figure


def _draw_panel(axes: Axes, epochs: NDArray[np.int64], panel: LayerPanel) -> None:
    marker = "o" if len(epochs) <= MAX_MARKS else ""
    # A logarithm of 0 would be drawn far below the axis, since marks at its edge are not clipped.
    shown = np.where(panel.values > 0, panel.values, np.nan) if panel.log else panel.values
    for layer, values in enumerate(shown):
        color = _depths()(layer / max(1, len(panel.values) - 1))
        dashes = (0, (3.5, 1.5)) if any(panel.dashed) and panel.dashed[layer] else "-"
        axes.plot(
            epochs, values, color=color, linestyle=dashes, marker=marker, markersize=2.8, linewidth=1.4, clip_on=False
        )  # fmt: skip
    axes.text(0.5, 0.5, panel.note, transform=axes.transAxes, ha="center", va="center", fontsize=9, color="#59636e")
    axes.set_title(panel.title)
    _label_values(axes, panel)
    axes.grid(True)


def _label_epochs(axes: Axes, epochs: NDArray[np.int64]) -> None:
    axes.set_xlabel("Epochs trained")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    if len(epochs) == 1:
        axes.set(xlim=(epochs[0] - 0.5, epochs[0] + 0.5), xticks=epochs)


def _label_values(axes: Axes, panel: LayerPanel) -> None:
    axes.set_ylabel(panel.unit)
    axes.set_ylim(panel.limits)
    if panel.log:
        make_logarithmic(axes)
    else:
        axes.yaxis.set_major_locator(MaxNLocator(nbins=5))


def _depths() -> Colormap:
    """Return "viridis" without its lightest end, which is faint on white."""
    return ListedColormap(colormaps["viridis"](np.linspace(0, 0.92, 256)))
