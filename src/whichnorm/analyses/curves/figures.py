"""Curves over epochs: of all arms in one figure, and of one arm in training and validation."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter
from numpy.typing import NDArray

from whichnorm.analyses.curves.measure import Curve
from whichnorm.render.style import SPLIT_NAMES, ArmStyle, Split, house_style, new_figure, set_title

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
def validation_loss(lines: Sequence[Line], split: Split) -> Figure:
    """Draw the loss of all arms over epochs, mean and band."""
    figure = _all_arms(lines, f"{SPLIT_NAMES[split].capitalize()} loss, all arms", scale=1)
    (axes,) = figure.axes
    _label_loss(axes, SPLIT_NAMES[split].capitalize(), [line.curve for line in lines])
    return figure


@house_style()
def validation_accuracy(lines: Sequence[Line], split: Split) -> Figure:
    """Draw the accuracy of all arms over epochs in percent, mean and band."""
    name = SPLIT_NAMES[split].capitalize()
    figure = _all_arms(lines, f"{name} accuracy, all arms", scale=100)
    figure.axes[0].set_ylabel(f"{name} accuracy (%)")
    return figure


def _all_arms(lines: Sequence[Line], title: str, scale: float) -> Figure:
    widest = max(len(line.label) for line in lines)
    columns = max(1, min(len(lines), 84 // (widest + 8)))
    figure = new_figure(6.4, 3.9 + 0.2 * -(-len(lines) // columns))
    axes = figure.add_subplot()
    for line in lines:
        _draw_curve(axes, line.curve, line.style, line.label, scale)
    _label_epochs(axes, max(len(line.curve.mean) for line in lines))
    figure.legend(loc="outside lower left", ncols=columns, handlelength=3.2)
    set_title(figure, title)
    return figure


def _draw_curve(axes: Axes, curve: Curve, style: ArmStyle, label: str, scale: float) -> None:
    epochs = np.arange(1, len(curve.mean) + 1)
    low, mean, high = scale * curve.low, scale * curve.mean, scale * curve.high
    axes.plot(
        epochs, mean, color=style.color, linestyle=style.line, marker=style.marker,
        markevery=max(1, len(epochs) // 10), label=label,
    )  # fmt: skip
    if curve.band != "none":
        axes.fill_between(epochs, low, high, color=style.color, alpha=0.16, linewidth=0)
        if len(epochs) == 1:  # a band needs two points to be seen
            axes.vlines(epochs, low, high, color=style.color)


def _label_epochs(axes: Axes, num_epochs: int) -> None:
    axes.set_xlabel("Epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))
    if num_epochs == 1:
        axes.set(xlim=(0.5, 1.5), xticks=[1])
    axes.grid(True)


def _label_loss(axes: Axes, name: str, curves: Sequence[Curve]) -> None:
    """Name a loss axis, and make it logarithmic where the losses differ by orders of magnitude."""
    axes.set_ylabel(loss_label(name, curves))
    if spans_magnitudes(curves):
        losses = _positive(curves)
        axes.set_yscale("log")
        axes.set_ylim(losses.min() / 1.5, losses.max() * 1.5)
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.yaxis.set_minor_formatter(NullFormatter())


def loss_label(name: str, curves: Sequence[Curve]) -> str:
    """Name the axis of a split's losses."""
    return f"{name} loss (nats{', log scale' if spans_magnitudes(curves) else ''})".lstrip().capitalize()


def spans_magnitudes(curves: Sequence[Curve]) -> bool:
    """Tell whether losses differ so much that they need a logarithmic axis."""
    losses = _positive(curves)
    return bool(losses.size > 0 and losses.max() > LOG_RATIO * losses.min())


def _positive(curves: Sequence[Curve]) -> NDArray[np.float64]:
    losses = np.concatenate([curve.mean for curve in curves])
    return losses[losses > 0]


@house_style()
def arm_curves(title: str, style: ArmStyle, split: Split, loss: tuple[Curve, Curve],
               accuracy: tuple[Curve, Curve]) -> Figure:  # fmt: skip
    """Draw one arm's training and validation curves, (train, val) each: loss on the left, accuracy on the right."""
    figure = new_figure(8.0, 3.5)
    panels = figure.subplots(1, 2)
    held_out_style = ArmStyle(color=style.color, line="-", marker=style.marker)
    for axes, (train, held_out), scale in zip(panels, (loss, accuracy), (1, 100), strict=True):
        _draw_curve(axes, train, TRAIN_STYLE, TRAIN_LABEL, scale)
        _draw_curve(axes, held_out, held_out_style, SPLIT_NAMES[split], scale)
        _label_epochs(axes, len(train.mean))
    _label_loss(panels[0], "", loss)
    panels[1].set_ylabel("Accuracy (%)")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower left", ncols=2, handlelength=3.2)
    set_title(figure, f"{title}: training and {SPLIT_NAMES[split]}")
    return figure
