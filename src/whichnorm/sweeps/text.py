"""What a sweep's results say, in sentences for the page and the terminal."""

from collections.abc import Iterator

from whichnorm.render.text import count, percent_interval
from whichnorm.results.comparisons import CANNOT_TELL, Comparison
from whichnorm.specs.names import arm_title, enclosed, listed, named
from whichnorm.stats import Interval
from whichnorm.sweeps.axes import AXIS_NAMES
from whichnorm.sweeps.results import ArmsCrossing, PointComparison, PointResult, SweepResults

AXIS_WORDS = {"batch_size": "batch", "device_batch_size": "device batch", "accumulation": "accumulation"}


def size(value: float) -> str:
    """Write a size that lies between measured ones: with a decimal below ten."""
    return f"{value:,.0f}" if value >= 9.95 else f"{value:.1f}".removesuffix(".0")


def crossing_interval(c: ArmsCrossing) -> str:
    """Write a crossing with its interval: "6.2 [4, 9.1]"; an end beyond what was measured says so.
    One whose both ends are beyond it is nowhere."""
    assert c.crossing is not None
    if not c.placed:
        return "cannot be placed"
    low = f"below {c.sizes[0]:,}" if c.crossing.low is None else size(c.crossing.low)
    high = f"above {c.sizes[-1]:,}" if c.crossing.high is None else size(c.crossing.high)
    return f"{size(c.crossing.estimate)} [{low}, {high}]"


def crossing_sentences(results: SweepResults, with_interval: bool = True) -> Iterator[str]:
    """Yield a sentence for each pair of arms that a batch size could turn, in each panel."""
    for crossing in results.crossings:
        sentence, panel = crossing_sentence(results, crossing, with_interval), _in_panel(results, crossing)
        starts = sentence.startswith(("Below", "Above", "Cannot"))  # and not with a name
        yield f"{panel}{sentence[0].lower() if starts else sentence[0]}{sentence[1:]}" if panel else sentence


def _in_panel(results: SweepResults, crossing: ArmsCrossing) -> str:
    if results.axes.across is None or crossing.panel is None:
        return ""
    return f"With {AXIS_NAMES[results.axes.across]} {crossing.panel:,}, "


def crossing_sentence(results: SweepResults, c: ArmsCrossing, with_interval: bool = True) -> str:
    """Say which arm is better on which side; nothing is said of a side on which neither is better beyond chance."""
    batch = AXIS_WORDS[results.axes.along]
    if c.crossing is None or not c.placed:
        return _no_crossing(results, c, batch)
    below, above = (c.a, c.b) if c.crossing.better_below == "a" else (c.b, c.a)
    at = f"a {batch} of about {crossing_interval(c) if with_interval else size(c.crossing.estimate)}"
    better = [arm for arm in (below, above) if arm in called_better(results, c)]
    if c.crossing.num_seeds == 1:
        return f"Cannot tell: {enclosed([c.a, c.b])} cross at {at}, of one seed and over test images alone."
    if better == [below, above]:
        return f"Below {at} {enclosed([below])} is better, above it {arm_title(above)}."
    if better == [above]:
        return f"Above {at} {enclosed([above])} is better than {arm_title(below)}; below it, cannot tell."
    if better == [below]:
        return f"Below {at} {enclosed([below])} is better than {arm_title(above)}; above it, cannot tell."
    return f"Cannot tell {enclosed([c.a, c.b])} apart from a {batch} of {c.sizes[0]:,} to {c.sizes[-1]:,}."


def _no_crossing(results: SweepResults, c: ArmsCrossing, batch: str) -> str:
    """Say which arm is better throughout, and at which sizes that is beyond chance."""
    found = [d for d in _of_pair(results, c) if d.comparison.call != CANNOT_TELL]
    span = f"from a {batch} of {c.sizes[0]:,} to {c.sizes[-1]:,}"
    better = {c.a if d.comparison.call == "better" else c.b for d in found}
    if not found:
        return f"Cannot tell {enclosed([c.a, c.b])} apart {span}: no crossing can be placed."
    if len(better) > 1:
        return f"{enclosed([c.a, c.b])} change places more than once {span}: no single crossing."
    (arm,) = better
    said = f"{enclosed([arm])} is better than {enclosed([c.b if arm == c.a else c.a])}"
    if len(found) == len(c.sizes):
        return f"{said} at every {batch} measured, {c.sizes[0]:,} to {c.sizes[-1]:,}."
    at = listed([d.point.removeprefix("batch-") for d in found])
    return f"{said} at batch {at}; elsewhere {span}, cannot tell: no crossing."


def called_better(results: SweepResults, c: ArmsCrossing) -> set[str]:
    """Return which of two arms is better beyond chance somewhere."""
    calls = [d.comparison.call for d in _of_pair(results, c)]
    return {arm for arm, call in ((c.a, "better"), (c.b, "worse")) if call in calls}


def _of_pair(results: SweepResults, c: ArmsCrossing) -> list[PointComparison]:
    panel = next(points for value, points in results.panels() if value == c.panel)
    names = {point.batch.name for point in panel}
    pairs = [d for d in results.comparisons if (d.comparison.a, d.comparison.b) == (c.a, c.b)]
    return [d for d in pairs if d.point in names]


def point_sentences(results: SweepResults) -> list[str]:
    """Say which arm is best at every point, and which others it is distinguished from; points of which the same is
    said are named together."""
    batches: dict[str, list[str]] = {}
    for point in results.points:
        batches.setdefault(_said_of(results, point), []).append(point.batch.text)
    return [f"Batch{'es' if len(names) > 1 else ''} {listed(names)}: {said}." for said, names in batches.items()]


def _said_of(results: SweepResults, point: PointResult) -> str:
    best, beaten, level = standing(results, point)
    if not best:
        return "no arm to compare"
    if not beaten and not level:
        return f"{arm_title(best)} is the only arm"
    if not beaten:
        return f"cannot tell {enclosed(list(point.errors))} apart"
    rest = f"; not distinguished from {named(level)}" if level else ""
    return f"{enclosed([best])} is better than {named(beaten)}{rest}"


def standing(results: SweepResults, point: PointResult) -> tuple[str, list[str], list[str]]:
    """Return a point's best arm, those that it is better than, and those that it is not distinguished from."""
    if not point.errors:
        return "", [], []
    best = min(point.errors, key=lambda arm: point.errors[arm].error.estimate)
    here = [c.comparison for c in results.comparisons if c.point == point.batch.name]
    beaten = [name for name in (_beaten(c, best) for c in here) if name]
    return best, beaten, [arm for arm in point.errors if arm != best and arm not in beaten]


def _beaten(c: Comparison, best: str) -> str:
    """Return the arm that the best is better than in this comparison, or ""."""
    if best not in (c.a, c.b):
        return ""
    turned = c if c.a == best else c.turned()
    return turned.b if turned.call == "better" else ""


def skipped_sentences(results: SweepResults) -> list[str]:
    return [f"Batch {p.batch.text} without {reason}." for p in results.points for _, reason in p.skipped]


def correction_sentence(results: SweepResults) -> str:
    """Say what the p-values and the crossings are corrected for."""
    number = count(len(results.comparisons), "comparison")
    crossing = "; the interval of a crossing is 95 % on its own" if results.crossings else ""
    return f"P-values at a batch are corrected for all {number} by Holm's method{crossing}."


def error_text(error: Interval) -> str:
    return f"{100 * error.estimate:.2f} {percent_interval((error.low, error.high))}"


def interval_sentence(results: SweepResults) -> str:
    """Say what the intervals are over."""
    numbers = sorted({len(one.seeds) for point in results.points for one in point.errors.values()})
    n = f"n = {' or '.join(map(str, numbers))} seed{'' if numbers == [1] else 's'}"
    images = f"{results.num_test_images:,} test images"
    if numbers == [1]:
        return f"Intervals are 95 % over {images}, {n}: they do not cover the noise between seeds."
    alone = "; an arm with one seed has one over the images alone" if 1 in numbers else ""
    return f"Intervals are 95 % over seeds and {images} together, {n}{alone}."


def runs_text(results: SweepResults) -> str:
    return f"{count(len(results.records), 'run')} at {count(len(results.points), 'point')}"
