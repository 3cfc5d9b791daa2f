"""What a sweep's results say, in sentences for the page and the terminal."""

from collections.abc import Iterator

from whichnorm.render.text import count, percent_interval, points, points_interval
from whichnorm.results.verdict import Comparison, p_text
from whichnorm.specs.names import arm_title, enclosed, listed, named
from whichnorm.stats import Interval
from whichnorm.sweeps.axes import AXIS_NAMES
from whichnorm.sweeps.groups import GroupTrend, all_groups
from whichnorm.sweeps.results import ArmsCrossing, PointResult, SweepResults

AXIS_WORDS = {"batch_size": "batch", "device_batch_size": "device batch", "accumulation": "accumulation"}


def crossing_sentences(results: SweepResults) -> Iterator[str]:
    """Yield a sentence for each pair of arms that a batch size could turn, in each panel."""
    for crossing in results.crossings:
        sentence, panel = crossing_sentence(results, crossing), _in_panel(results, crossing)
        starts = sentence.startswith("Cannot")  # and not with a name
        yield f"{panel}{sentence[0].lower() if starts else sentence[0]}{sentence[1:]}" if panel else sentence


def _in_panel(results: SweepResults, crossing: ArmsCrossing) -> str:
    if results.axes.across is None or crossing.panel is None:
        return ""
    return f"With {AXIS_NAMES[results.axes.across]} {crossing.panel:,}, "


def crossing_sentence(results: SweepResults, c: ArmsCrossing) -> str:
    """Say between which sizes two arms change places, or which is better where."""
    batch, at = AXIS_WORDS[results.axes.along], c.crossing
    if at is None:
        return _no_crossing(c, batch)
    below, above = (c.a, c.b) if at.better_below == "a" else (c.b, c.a)
    said = f"{enclosed([c.a, c.b])} change places between a {batch} of {at.low:,} and {at.high:,}"
    between = f" At {listed([f'{size:,}' for size in c.undecided])}, cannot tell." if c.undecided else ""
    return f"{said}: {enclosed([below])} is better at the smaller, {arm_title(above)} at the larger.{between}"


def _no_crossing(c: ArmsCrossing, batch: str) -> str:
    """Say which arm is better, and at which sizes that is beyond chance."""
    span = f"from a {batch} of {c.sizes[0]:,} to {c.sizes[-1]:,}"
    if not c.better:
        return f"Cannot tell {enclosed([c.a, c.b])} apart {span}."
    if len(c.better) > 1:
        return f"{enclosed([c.a, c.b])} change places more than once {span}."
    (arm,) = c.better
    said = f"{enclosed([arm])} is better than {enclosed([c.b if arm == c.a else c.a])}"
    found = c.sizes_of("better" if arm == c.a else "worse")
    if found == c.sizes:
        return f"{said} at every {batch} measured, {c.sizes[0]:,} to {c.sizes[-1]:,}."
    at = listed([f"{size:,}" for size in found])
    return f"{said} at a {batch} of {at}; elsewhere {span}, cannot tell."


def lost_sentences(results: SweepResults) -> list[str]:
    """Say of each arm which of its runs diverged or failed: "2 of 5 runs of BatchNorm diverged at batch 2."."""
    found: dict[tuple[str, str], list[str]] = {}
    for point in results.points:
        for arm, status, number, runs in point.lost:
            said = found.setdefault((arm, status), [])
            of = "" if said else f" {'run' if runs == 1 else 'runs'} of {enclosed([arm])} {status}"
            said.append(f"{number} of {runs}{of} at batch {point.batch.text}")
    return [f"{listed(said)}." for said in found.values()]


def trend_sentences(results: SweepResults) -> list[str]:
    """Say how the test error changes with each doubling of the number of groups, if it is called to change."""
    return [f"{_at_batch(results, trend.point)}{_trend_sentence(trend)}" for trend in results.trends]


def _at_batch(results: SweepResults, name: str) -> str:
    if len(results.points) == 1:
        return ""
    (text,) = (point.batch.text for point in results.points if point.batch.name == name)
    return f"Batch {text}: "


def _trend_sentence(trend: GroupTrend) -> str:
    change = f"{points(-trend.per_doubling)} points {points_interval(trend.error_ci95)}, p {p_text(trend.adjusted_p)}"
    said = f"{change}, with each doubling of the {trend.unit} from {trend.numbers[0]:,} to {trend.numbers[-1]:,}"
    verb = "falls" if trend.per_doubling > 0 else "rises"
    return f"The test error {verb}: {said}." if trend.called else f"Cannot tell a trend of the test error: {said}."


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
    groups = all_groups(results.arms)
    others = [d for d in results.comparisons if not d.within(groups)]
    said = f"P-values at a batch are corrected for all {count(len(others), 'comparison')} by Holm's method"
    if groups:
        said += ", those between numbers of groups for all pairs of these, of which those with the best one are shown"
    places = " Sizes between which two norms change places rest on these." if results.any_crossing else ""
    return f"{said}.{places}"


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
