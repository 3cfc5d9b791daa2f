"""Test error along a sweep: by batch size as in the figure of the GroupNorm paper, and by number of groups."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from whichnorm.analyses.drawing import WIDTH
from whichnorm.render.style import INK, ArmStyle, house_style, new_figure, set_title
from whichnorm.stats import Interval

CROSSING_COLOR = "#5f6368"


@dataclass(frozen=True, kw_only=True, eq=False)
class ErrorLine:
    """An arm's errors in [0, 1] with their intervals, at some of the places of an axis.

    `seeds` are the places and errors of single seeds, which are drawn as thin lines; of many seeds there are none.
    """

    label: str
    style: ArmStyle
    places: tuple[float, ...]
    errors: tuple[Interval, ...]
    seeds: tuple[tuple[tuple[float, ...], tuple[float, ...]], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Band:
    """Two sizes between which two arms change places."""

    label: str
    low: float
    high: float
    color: str = CROSSING_COLOR


@dataclass(frozen=True, kw_only=True, eq=False)
class ErrorPanel:
    """One of the pictures that share an axis."""

    title: str
    lines: tuple[ErrorLine, ...]
    bands: tuple[Band, ...] = ()


@house_style()
def error_by_size(panels: Sequence[ErrorPanel], axis_name: str, sizes: Sequence[int]) -> Figure:
    """Draw error against size on a logarithmic axis, with the sizes between which two arms change places as bands."""
    figure, axes = _panels(panels, f"Test error by {axis_name}")
    for panel, place in zip(panels, axes, strict=True):
        place.set_xscale("log", base=2)
        place.set_xticks(sizes, [f"{size:,}" for size in sizes])
        place.xaxis.set_minor_locator(NullLocator())
        place.set_xlim(min(sizes) / 2**0.25, max(sizes) * 2**0.25)
        place.set_xlabel(f"{axis_name.capitalize()} (log scale)")
        for line in panel.lines:
            _draw_line(place, line)
        _draw_bands(place, panel.bands)
    _legend(figure, axes)
    return figure


@house_style()
def error_by_groups(panels: Sequence[ErrorPanel], references: Sequence[ErrorLine | None], labels: Sequence[str],
                    axis_name: str) -> Figure:  # fmt: skip
    """Draw error against groups at evenly spaced places; each panel's reference, BatchNorm, is a horizontal band."""
    figure, axes = _panels(panels, f"Test error by {axis_name}")
    for panel, place, reference in zip(panels, axes, references, strict=True):
        place.set_xticks(range(len(labels)), labels)
        place.set_xlim(-0.4, len(labels) - 0.6)
        place.set_xlabel(axis_name.capitalize())
        for line in panel.lines:
            _draw_line(place, line)
        if reference:
            (error,), style = reference.errors, reference.style
            place.axhspan(100 * error.low, 100 * error.high, color=style.color, alpha=0.14, linewidth=0)
            place.axhline(100 * error.estimate, color=style.color, linestyle=style.line, label=reference.label)
    _legend(figure, axes)
    return figure


def _panels(panels: Sequence[ErrorPanel], title: str) -> tuple[Figure, Sequence[Axes]]:
    columns = 1 if len(panels) < 3 else 2
    rows = -(-len(panels) // columns)
    titles = 0.17 * max(panel.title.count("\n") for panel in panels)
    figure = new_figure(WIDTH, 0.7 + (2.7 if len(panels) == 1 else 2.1 + titles) * rows)
    grid = figure.subplots(rows, columns, squeeze=False, sharey=True).ravel()
    for place in grid[len(panels) :]:
        place.remove()
    for number, (panel, place) in enumerate(zip(panels, grid, strict=False)):
        place.set_title(panel.title, fontsize=9.5)
        place.grid(True)
        if number % columns == 0:
            place.set_ylabel("Test error (%)")
    set_title(figure, title)
    return figure, list(grid[: len(panels)])


def _draw_line(axes: Axes, line: ErrorLine) -> None:
    low, mean, high = ([100 * getattr(e, end) for e in line.errors] for end in ("low", "estimate", "high"))
    style = line.style
    axes.plot(
        line.places, mean, color=style.color, linestyle=style.line, marker=style.marker, label=line.label, zorder=3
    )
    for places, errors in line.seeds:
        axes.plot(places, [100 * error for error in errors], color=style.color, linewidth=0.6, alpha=0.6)
    axes.fill_between(line.places, low, high, color=style.color, alpha=0.16, linewidth=0)
    if len(line.places) == 1:  # a band needs two points to be seen
        axes.vlines(line.places, low, high, color=style.color)


def _draw_bands(axes: Axes, bands: Sequence[Band]) -> None:
    """Draw one band as an area; several as bars near the bottom, as areas would hide each other."""
    for number, band in enumerate(bands):
        if len(bands) == 1:
            axes.axvspan(
                band.low, band.high, color=band.color, alpha=0.16, linewidth=0, zorder=0.5, label=band.label
            )  # fmt: skip
        else:
            axes.hlines(
                0.03 + 0.045 * number, band.low, band.high, color=band.color, linewidth=4, alpha=0.5,
                transform=axes.get_xaxis_transform(), label=band.label,
            )  # fmt: skip


def _legend(figure: Figure, axes: Sequence[Axes]) -> None:
    """Name everything that is drawn once, below the panels; what has no label is named by its panel's title."""
    named = {
        label: handle
        for place in axes
        for handle, label in zip(*place.get_legend_handles_labels(), strict=True)
        if label
    }
    widest = max(map(len, named))
    width, height = figure.get_size_inches()
    columns = max(1, min(len(named), int(width * 14) // (widest + 8)))
    figure.set_size_inches(width, height + 0.2 * -(-len(named) // columns))
    figure.legend(
        list(named.values()), list(named), loc="outside lower left", ncols=columns, handlelength=3.2, labelcolor=INK
    )
