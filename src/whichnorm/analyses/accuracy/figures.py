"""Forest plots: estimates with their intervals, one row each."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from whichnorm.analyses.drawing import WIDTH, wrapped
from whichnorm.render.style import CALL_COLORS, INK, ArmStyle, house_style, new_figure, set_title
from whichnorm.stats import Call

MAX_CHARACTERS = 18  # of a line of a name


@dataclass(frozen=True, kw_only=True)
class AccuracyRow:
    """An arm's test accuracies in [0, 1], one per finished seed, and what is written beside them."""

    label: str
    style: ArmStyle
    values: tuple[float, ...]
    ci95: tuple[float, float] | None
    note: str


@dataclass(frozen=True, kw_only=True)
class DifferenceRow:
    """A difference of two arms' accuracies, in [-1, 1], and what is written beside it."""

    label: str
    difference: float
    ci95: tuple[float, float]
    call: Call
    note: str


@house_style()
def accuracy_forest(rows: Sequence[AccuracyRow], chance: float | None = None) -> Figure:
    """Draw each arm's test accuracies: a hollow dot per seed, the mean and its 95 % interval; and chance if given."""
    figure = new_figure(WIDTH, 1.0 + 0.54 * len(rows))
    axes = figure.add_subplot()
    for y, row in enumerate(rows):
        if row.values:
            _draw_accuracy(axes, y, row)
    if chance is not None:
        axes.axvline(100 * chance, color=INK, linewidth=1, linestyle=(0, (2, 2)))
        axes.annotate("chance", (100 * chance, 1), (3, -2), xycoords=("data", "axes fraction"),
                      textcoords="offset points", va="top", fontsize=9)  # fmt: skip
    _label_rows(axes, [row.label for row in rows], [row.note for row in rows])
    axes.set_xlabel("Test accuracy (%)")
    set_title(figure, "Test accuracy after the last epoch")
    return figure


def _draw_accuracy(axes: Axes, y: float, row: AccuracyRow) -> None:
    if row.ci95:
        _draw_interval(axes, y, row.ci95, row.style.color)
    if len(row.values) > 1:
        _draw_seeds(axes, y, row.values)
    mean = 100 * sum(row.values) / len(row.values)
    axes.plot(mean, y, marker=row.style.marker, markersize=9, color=row.style.color, zorder=3)


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
    figure = new_figure(WIDTH, 1.1 + 0.55 * len(rows))
    axes = figure.add_subplot()
    axes.axvline(0, color=INK, linewidth=1)
    for y, row in enumerate(rows):
        color = CALL_COLORS[row.call]
        _draw_interval(axes, y, row.ci95, color)
        filled = "white" if row.call == "cannot tell" else color
        axes.plot(100 * row.difference, y, marker="s", markersize=7, color=color, markerfacecolor=filled, zorder=3)
    _label_rows(axes, [row.label for row in rows], [row.note for row in rows])
    axes.set_xlabel("Difference in test accuracy (percentage points)")
    set_title(figure, "Paired differences between arms")
    return figure


def _label_rows(axes: Axes, labels: Sequence[str], notes: Sequence[str]) -> None:
    """Name the rows on the left and write their numbers on the right, the first row on top."""
    axes.set_yticks(range(len(labels)), [_in_lines(label) for label in labels])
    axes.set_ylim(len(labels) - 0.45, -0.55)
    axes.grid(True, axis="x")
    axes.xaxis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 5, 10]))
    right = axes.twinx()
    right.set_ylim(axes.get_ylim())
    right.set_yticks(range(len(notes)), notes)
    for side in (axes, right):
        side.tick_params(axis="y", length=0, labelcolor=INK)
        side.spines[["left", "right"]].set_visible(False)


def _in_lines(label: str) -> str:
    """Break a name after its commas first, then between words."""
    return "\n".join(wrapped(part, MAX_CHARACTERS) for part in label.replace(", ", ",\n").split("\n"))
