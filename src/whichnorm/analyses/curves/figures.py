"""Curves over epochs: of all arms in one figure, and of one arm in training and held out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from whichnorm.analyses.curves.measure import Curve
from whichnorm.analyses.curves.tables import Quantity
from whichnorm.analyses.drawing import WIDTH, legend_columns, make_logarithmic, wrapped
from whichnorm.analyses.over_seeds import FEW_SEEDS
from whichnorm.render.style import SPLIT_NAMES, ArmStyle, Split, house_style, new_figure, set_title
from whichnorm.render.text import capitalized

QUANTITIES: Final[tuple[Quantity, ...]] = ("loss", "accuracy")
LOG_RATIO = 50  # largest to smallest loss above which a linear axis would flatten most of the curves
TRAIN_LABEL = "training (running mean, augmented images)"
TRAIN_STYLE = ArmStyle(color="#6b7178", line="--", marker="x")


@dataclass(frozen=True, kw_only=True, eq=False)
class Line:
    """A curve with its name and looks."""

    label: str
    style: ArmStyle
    curve: Curve


@house_style()
def all_arms(lines: Sequence[Line], quantity: Quantity, split: Split) -> Figure:
    """Draw the loss, or the accuracy in percent, of all arms over epochs."""
    name = f"{SPLIT_NAMES[split].capitalize()} {quantity}"
    columns = legend_columns([line.label for line in lines])
    figure = new_figure(WIDTH, 3.4 + 0.2 * -(-len(lines) // columns))
    axes = figure.add_subplot()
    _draw_panel(axes, SPLIT_NAMES[split], quantity, lines)
    axes.set_xlabel("Epoch")
    figure.legend(loc="outside lower left", ncols=columns, handlelength=3.2)
    set_title(figure, f"{name}, all arms")
    return figure


@house_style()
def one_arm(title: str, panels: Sequence[tuple[Quantity, Sequence[Line]]]) -> Figure:
    """Draw one arm's training and held-out curves, a panel below the other for each quantity."""
    figure = new_figure(WIDTH, 5.6)
    axes = figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
    for panel, (quantity, lines) in zip(axes, panels, strict=True):
        _draw_panel(panel, "", quantity, lines)
    axes[-1].set_xlabel("Epoch")
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower left", ncols=legend_columns(labels), handlelength=3.2)
    set_title(figure, wrapped(title))
    return figure


def _draw_panel(axes: Axes, name: str, quantity: Quantity, lines: Sequence[Line]) -> None:
    curves = [line.curve for line in lines]
    thin = seeds_are_drawn(curves)
    for line in lines:
        _draw_curve(axes, line, 100 if quantity == "accuracy" else 1, thin)
    _label_epochs(axes, max(len(curve.mean) for curve in curves))
    axes.set_ylabel(axis_label(name, quantity, curves))
    if quantity == "loss" and spans_magnitudes(curves):
        losses = _positive(curves)
        make_logarithmic(axes)
        axes.set_ylim(losses.min() / 1.5, losses.max() * 1.5)


def _draw_curve(axes: Axes, line: Line, scale: float, thin: bool) -> None:
    curve, look = line.curve, line.style
    epochs = np.arange(1, len(curve.mean) + 1)
    axes.plot(
        epochs, scale * curve.mean, color=look.color, linestyle=look.line, marker=look.marker,
        markevery=max(1, len(epochs) // 10), label=line.label, zorder=3,
    )  # fmt: skip
    if curve.band == "none":
        return
    if thin:
        mark = "_" if len(epochs) == 1 else "None"  # a line needs two points to be seen
        axes.plot(epochs, scale * curve.values.T, color=look.color, linewidth=0.7, alpha=0.6, marker=mark)
        return
    low, high = scale * curve.low, scale * curve.high
    axes.fill_between(epochs, low, high, color=look.color, alpha=0.16, linewidth=0)
    if len(epochs) == 1:
        axes.vlines(epochs, low, high, color=look.color)


def seeds_are_drawn(curves: Sequence[Curve]) -> bool:
    """Tell whether seeds are few enough to be drawn one by one."""
    return all(curve.num_seeds <= FEW_SEEDS for curve in curves)


def _label_epochs(axes: Axes, num_epochs: int) -> None:
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))
    if num_epochs == 1:
        axes.set(xlim=(0.5, 1.5), xticks=[1])
    axes.grid(True)


def axis_label(name: str, quantity: Quantity, curves: Sequence[Curve]) -> str:
    """Name the axis of losses or accuracies, with what they are of before it: a split, an arm, or "" for neither."""
    unit = "%" if quantity == "accuracy" else f"nats{', log scale' if spans_magnitudes(curves) else ''}"
    return capitalized(f"{name} {quantity} ({unit})".lstrip())


def spans_magnitudes(curves: Sequence[Curve]) -> bool:
    """Tell whether losses differ so much that they need a logarithmic axis."""
    losses = _positive(curves)
    return bool(losses.size > 0 and losses.max() > LOG_RATIO * losses.min())


def _positive(curves: Sequence[Curve]) -> NDArray[np.float64]:
    losses = np.concatenate([curve.mean for curve in curves])
    return losses[losses > 0]
