"""The pictures of a sweep: error along the batch size with its crossings, and along the number of groups."""

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import replace

from whichnorm.analyses.over_seeds import FEW_SEEDS
from whichnorm.render.picture import Picture
from whichnorm.render.style import ArmStyle, arm_styles
from whichnorm.specs.arm import parse_arm
from whichnorm.specs.names import arm_title, enclosed
from whichnorm.sweeps.axes import AXIS_NAMES
from whichnorm.sweeps.figures import CROSSING_COLOR, Band, ErrorLine, ErrorPanel, error_by_groups, error_by_size
from whichnorm.sweeps.groups import UNITS, Unit, of_groups
from whichnorm.sweeps.results import PointResult, SweepResults
from whichnorm.sweeps.text import crossing_sentences, error_text, interval_sentence

MAX_CHARACTERS = 30  # of a line of a panel's title
PICTURE_NAMES: dict[Unit, str] = {
    "number of groups": "error_by_groups",
    "channels per group": "error_by_channels_per_group",
}


def size_picture(results: SweepResults) -> Picture | None:
    """Return error against batch size; None if there is one size."""
    sizes = sorted({point.size(results.axes.along) for point in results.points if point.errors})
    if len(sizes) < 2:
        return None
    panels = [_size_panel(results, value, points) for value, points in results.panels()]
    name = AXIS_NAMES[results.axes.along]
    several = max(len(panel.bands) for panel in panels) > 1
    crossing = "bars the sizes between which two change places" if several else "grey where they change places"
    return Picture(
        name="error_by_batch",
        figure=error_by_size([panel for panel in panels if panel.lines], name, sizes),
        alt=f"Test error in % by {name}. {'. '.join(_alt(results))}. {' '.join(crossing_sentences(results))}".strip(),
        caption=f"Thick lines are means, areas their 95 % intervals{_thin(panels)}"
        f"{f', {crossing}' if any(panel.bands for panel in panels) else ''}.",
        method=f"{interval_sentence(results)} {results.rule}",
    )


def _thin(panels: Sequence[ErrorPanel]) -> str:
    return ", thin lines single seeds" if any(line.seeds for panel in panels for line in panel.lines) else ""


def _size_panel(results: SweepResults, value: int | None, points: Sequence[PointResult]) -> ErrorPanel:
    found = (_size_line(results, arm, points) for arm in results.arms)
    bands = tuple(_bands(results, value))
    title = ""
    if results.axes.across and value is not None:
        title = f"{AXIS_NAMES[results.axes.across].capitalize()} {value:,}"
        title += "".join(f"\n{textwrap.fill(band.label, MAX_CHARACTERS)}" for band in bands)
        bands = tuple(replace(band, label="") for band in bands)
    return ErrorPanel(title=title, lines=tuple(line for line in found if line), bands=bands)


def _size_line(results: SweepResults, arm: str, points: Sequence[PointResult]) -> ErrorLine | None:
    at = [(point.size(results.axes.along), found.error) for point in points if (found := point.errors.get(arm))]
    if not at:
        return None
    sizes, errors = zip(*at, strict=True)
    return ErrorLine(
        label=arm_title(arm), style=_style(results, arm), places=sizes, errors=errors,
        seeds=tuple(_seed_lines(results, arm, points)),
    )  # fmt: skip


def _seed_lines(
    results: SweepResults, arm: str, points: Sequence[PointResult]
) -> Iterator[tuple[tuple[float, ...], tuple[float, ...]]]:
    """Yield the sizes and errors of every seed, if there are few."""
    errors = {
        (point.size(results.axes.along), run.seed): 1 - run.last.test_accuracy
        for point in points
        if point.study
        for run in point.study.finished(arm)
    }
    seeds = sorted({seed for _, seed in errors})
    for seed in seeds if 1 < len(seeds) <= FEW_SEEDS else ():
        found = sorted((size, error) for (size, of_seed), error in errors.items() if of_seed == seed)
        yield tuple(size for size, _ in found), tuple(error for _, error in found)


def _bands(results: SweepResults, value: int | None) -> Iterator[Band]:
    """Yield where arms of a panel change places; several get their arm's colour."""
    crossings = [c for c in results.crossings if c.panel == value]
    for c in crossings:
        if c.crossing is None:
            continue
        other = c.a if parse_arm(c.b).norm.sees_batch else c.b
        color = _style(results, other).color if len(crossings) > 1 else CROSSING_COLOR
        arms = enclosed([c.a, c.b]) if len(crossings) > 1 else "they"
        label = f"{arms} change places between {c.crossing.low:,} and {c.crossing.high:,}"
        yield Band(label=label, low=c.crossing.low, high=c.crossing.high, color=color)


def group_pictures(results: SweepResults) -> Iterator[Picture]:
    """Yield error against the number of groups, and against channels per group, if there are two or more."""
    for unit in UNITS:
        ordered = of_groups(results.arms, unit)
        if len(ordered) > 1:
            yield _group_picture(results, unit, ordered)


def _group_picture(results: SweepResults, unit: Unit, ordered: Sequence[tuple[float, str]]) -> Picture:
    labels = [f"{number:,.0f}" if number < float("inf") else "one per\nchannel" for number, _ in ordered]
    arms = [arm for _, arm in ordered]
    shown = [point for point in results.points if set(arms) & set(point.errors)]
    panels = [_group_panel(results, point, arms, several=len(shown) > 1) for point in shown]
    references = [_reference(results, point) for point in shown]
    reference = next((line.label for line in references if line), "")
    banded = f"; the horizontal band is {reference}" if reference else ""
    return Picture(
        name=PICTURE_NAMES[unit],
        figure=error_by_groups(panels, references, labels, unit),
        alt=f"Test error in % by {unit}. {'. '.join(_alt(results))}.",
        caption=f"Lines are means, areas their 95 % intervals{banded}.",
        method=f"{interval_sentence(results)} {results.rule}",
    )


def _group_panel(results: SweepResults, point: PointResult, arms: Sequence[str], several: bool) -> ErrorPanel:
    at = [(float(place), found.error) for place, arm in enumerate(arms) if (found := point.errors.get(arm))]
    places, errors = zip(*at, strict=True)
    line = ErrorLine(label="GroupNorm", style=_style(results, arms[0]), places=places, errors=errors)
    return ErrorPanel(title=f"Batch {point.batch.text}" if several else "", lines=(line,))


def _reference(results: SweepResults, point: PointResult) -> ErrorLine | None:
    for arm, found in point.errors.items():
        if parse_arm(arm).norm.sees_batch:
            return ErrorLine(label=arm_title(arm), style=_style(results, arm), places=(0.0,), errors=(found.error,))
    return None


def _alt(results: SweepResults) -> Iterator[str]:
    for point in results.points:
        arms = "; ".join(f"{arm_title(arm)} {error_text(one.error)}" for arm, one in point.errors.items())
        yield f"Batch {point.batch.text}: {arms or 'no arm'}"


def _style(results: SweepResults, arm: str) -> ArmStyle:
    return arm_styles(results.arms)[arm]
