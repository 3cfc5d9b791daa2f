"""Drawing: numbers and arrays in, matplotlib figures out. Nothing is estimated here, and nothing written to disk."""

import io
import textwrap
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter
from numpy.typing import NDArray

from whichnorm.report.curves import Curve
from whichnorm.report.text import shorten
from whichnorm.stats import Call

Split = Literal["val", "test"]
SPLIT_NAMES = {"train": "training", "val": "validation", "test": "test"}
# Okabe and Ito's colours, safe for colour-blind readers; line and marker tell arms apart in print.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
LINES = ("-", "--", "-.", (0, (1, 1)), (0, (5, 1, 1, 1, 1, 1)))
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
CALL_COLORS: dict[Call, str] = {"better": "#0072B2", "worse": "#D55E00", "cannot tell": "#5f6368"}
INK, FAINT = "#1f2328", "#d5d9de"
MOST_CLASSES_WITH_TEXT = 20  # above this a cell has no room for its count, nor an axis for its names
LOG_RATIO = 50  # largest to smallest loss above which a linear axis would flatten most of the curves
STYLE: Any = {  # the type of its keys differs between versions of matplotlib
    "font.family": ["DejaVu Sans"],
    "font.size": 10,
    "text.parse_math": False,  # a class may be called "$x$"
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": "#8b9199",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.titlesize": 10.5,
    "axes.titlelocation": "left",
    "figure.titlesize": 12,
    "figure.titleweight": "bold",
    "xtick.color": "#4a5058",
    "ytick.color": "#4a5058",
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "grid.color": "#e6e8eb",
    "grid.linewidth": 0.8,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "lines.linewidth": 1.8,
    "lines.markersize": 5,
    "savefig.dpi": 160,
    "svg.fonttype": "path",
    "svg.hashsalt": "whichnorm",  # else the ids in a file are random
}


@dataclass(frozen=True, kw_only=True)
class ArmStyle:
    """How an arm looks in every figure."""

    color: str
    line: str | tuple[int, tuple[int, ...]]
    marker: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Line:
    """A curve with its name and looks."""

    label: str
    style: ArmStyle
    curve: Curve


@dataclass(frozen=True, kw_only=True)
class AccuracyRow:
    """An arm's test accuracies in [0, 1], one per seed, and what is written beside them."""

    label: str
    style: ArmStyle
    mean: float
    ci95: tuple[float, float] | None
    values: tuple[float, ...]
    note: str


@dataclass(frozen=True, kw_only=True)
class DifferenceRow:
    """A difference of two arms' accuracies, in [-1, 1], and what is written beside it."""

    label: str
    difference: float
    ci95: tuple[float, float]
    call: Call
    note: str


def arm_style(index: int) -> ArmStyle:
    """Return the looks of a study's arm by its place; no two of the first 35 are alike."""
    return ArmStyle(
        color=COLORS[index % len(COLORS)], line=LINES[index % len(LINES)], marker=MARKERS[index % len(MARKERS)]
    )


@contextmanager
def house_style() -> Iterator[None]:
    """Set the report's style for a while, whatever the caller's own settings are."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        with matplotlib.rc_context(STYLE):
            yield


def _figure(width: float, height: float) -> Figure:
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _title(figure: Figure, text: str) -> None:
    figure.suptitle(text, x=0.01, ha="left")


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
    figure = _figure(6.4, 3.9 + 0.2 * -(-len(lines) // columns))
    axes = figure.add_subplot()
    for line in lines:
        _draw_curve(axes, line.curve, line.style, line.label, scale)
    _label_epochs(axes, max(len(line.curve.mean) for line in lines))
    figure.legend(loc="outside lower left", ncols=columns, handlelength=3.2)
    _title(figure, title)
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
    losses = np.concatenate([curve.mean for curve in curves])
    losses = losses[losses > 0]
    wide = losses.size > 0 and losses.max() > LOG_RATIO * losses.min()
    axes.set_ylabel(f"{name} loss (nats{', log scale' if wide else ''})".lstrip().capitalize())
    if wide:
        axes.set_yscale("log")
        axes.set_ylim(losses.min() / 1.5, losses.max() * 1.5)
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.yaxis.set_minor_formatter(NullFormatter())


@house_style()
def arm_curves(title: str, style: ArmStyle, split: Split, loss: tuple[Curve, Curve],
               accuracy: tuple[Curve, Curve]) -> Figure:  # fmt: skip
    """Draw one arm's training and validation curves, (train, val) each: loss on the left, accuracy on the right."""
    figure = _figure(8.0, 3.5)
    panels = figure.subplots(1, 2)
    train_style = ArmStyle(color="#6b7178", line="--", marker="x")
    held_out_style = ArmStyle(color=style.color, line="-", marker=style.marker)
    for axes, (train, held_out), scale in zip(panels, (loss, accuracy), (1, 100), strict=True):
        _draw_curve(axes, train, train_style, "training (running mean, augmented images)", scale)
        _draw_curve(axes, held_out, held_out_style, SPLIT_NAMES[split], scale)
        _label_epochs(axes, len(train.mean))
    _label_loss(panels[0], "", loss)
    panels[1].set_ylabel("Accuracy (%)")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower left", ncols=2, handlelength=3.2)
    _title(figure, f"{title}: training and {SPLIT_NAMES[split]}")
    return figure


@house_style()
def mistake_grid(title: str, images: Sequence[NDArray[np.uint8]], notes: Sequence[str]) -> Figure:
    """Draw images, each (C, H, W) uint8, in rows of five with a note above each; unused places stay empty."""
    rows = -(-len(images) // 5)
    figure = _figure(8.4, 0.4 + 2.08 * rows)
    places = figure.subplots(rows, 5, squeeze=False).flat
    for axes in places:
        axes.set_axis_off()
    for axes, image, note in zip(figure.axes, images, notes, strict=False):
        # "none" keeps the pixels sharp squares, in the SVG too
        axes.imshow(_picture(image), interpolation="none", cmap="gray", vmin=0, vmax=255)
        axes.set_title(note, fontsize=8.5, linespacing=1.25)
    _title(figure, title)
    return figure


def _picture(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return (H, W, 3) for colour; any other number of channels becomes grey, (H, W)."""
    if len(image) == 3:
        return image.transpose(1, 2, 0)
    return image.mean(axis=0).astype(np.uint8)


@house_style()
def confusion(title: str, counts: NDArray[np.int64], class_names: Sequence[str]) -> Figure:
    """Draw counts of true class (rows) by predicted class (columns), coloured by the share of the row.

    Up to 20 classes have names and counts; more have class numbers only.
    """
    num_classes = len(counts)
    side = max(4.6, 0.46 * num_classes + 1.6) if num_classes <= MOST_CLASSES_WITH_TEXT else 7.0
    figure = _figure(side + 1.0, side + 0.35)
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
    _title(figure, title)
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


@house_style()
def accuracy_forest(rows: Sequence[AccuracyRow]) -> Figure:
    """Draw each arm's test accuracies: a hollow dot per seed, the mean and its 95 % interval."""
    figure = _figure(6.4, 1.25 + 0.55 * len(rows))
    axes = figure.add_subplot()
    for y, row in enumerate(rows):
        if row.ci95:
            _draw_interval(axes, y, row.ci95, row.style.color)
        if len(row.values) > 1:
            _draw_seeds(axes, y, row.values)
        axes.plot(100 * row.mean, y, marker=row.style.marker, markersize=8, color=row.style.color, zorder=3)
    _label_rows(axes, [row.label for row in rows], [row.note for row in rows])
    axes.set_xlabel("Test accuracy (%)")
    _title(figure, "Test accuracy after the last epoch")
    return figure


def _draw_interval(axes: Axes, y: float, ci95: tuple[float, float], color: str) -> None:
    low, high = 100 * ci95[0], 100 * ci95[1]
    axes.hlines(y, low, high, color=color, linewidth=2.2)
    axes.plot([low, high], [y, y], linestyle="", marker="|", markersize=9, color=color)


def _draw_seeds(axes: Axes, y: float, values: Sequence[float]) -> None:
    """Draw one hollow dot per seed just below its arm, so that the interval does not cover them."""
    axes.plot(
        [100 * v for v in values], [y + 0.26] * len(values), linestyle="", marker="o", markersize=4.5,
        markerfacecolor="white", markeredgecolor="#4a5058",
    )  # fmt: skip


@house_style()
def difference_forest(rows: Sequence[DifferenceRow]) -> Figure:
    """Draw each paired difference and its 95 % interval about the zero line."""
    figure = _figure(6.4, 1.25 + 0.5 * len(rows))
    axes = figure.add_subplot()
    axes.axvline(0, color=INK, linewidth=1)
    for y, row in enumerate(rows):
        color = CALL_COLORS[row.call]
        _draw_interval(axes, y, row.ci95, color)
        filled = "white" if row.call == "cannot tell" else color
        axes.plot(100 * row.difference, y, marker="s", markersize=7, color=color, markerfacecolor=filled, zorder=3)
    _label_rows(axes, [row.label for row in rows], [row.note for row in rows])
    axes.set_xlabel("Difference in test accuracy (percentage points)")
    _title(figure, "Paired differences between arms")
    return figure


def _label_rows(axes: Axes, labels: Sequence[str], notes: Sequence[str]) -> None:
    """Name the rows on the left and write their numbers on the right, the first row on top."""
    axes.set_yticks(range(len(labels)), [textwrap.fill(label, 26, break_on_hyphens=False) for label in labels])
    axes.set_ylim(len(labels) - 0.45, -0.55)
    axes.grid(True, axis="x")
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6))
    right = axes.twinx()
    right.set_ylim(axes.get_ylim())
    right.set_yticks(range(len(notes)), notes)
    for side in (axes, right):
        side.tick_params(axis="y", length=0)
        side.spines[["left", "right"]].set_visible(False)


def saved(figure: Figure) -> dict[Literal["svg", "png"], bytes]:
    """Return a figure as the content of an SVG and of a PNG file: the same bytes for the same figure."""
    svg, png = io.BytesIO(), io.BytesIO()
    with house_style(), warnings.catch_warnings():
        # Names in scripts that the font lacks are drawn as boxes; the page has them as text.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure.draw_without_rendering()
        figure.set_layout_engine("none")  # laid out once, not again for each format
        figure.savefig(svg, format="svg", metadata={"Date": None, "Creator": None})
        figure.savefig(png, format="png")
    return {"svg": svg.getvalue(), "png": png.getvalue()}
