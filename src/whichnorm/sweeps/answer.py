"""The first screen of a sweep's report: the answer in a sentence, and the points beside it."""

from collections.abc import Iterator, Sequence

from whichnorm.analyses.headline.answer import MAX_NAMES
from whichnorm.analyses.wording import faults_label
from whichnorm.render.content import KeyPoint
from whichnorm.render.text import count
from whichnorm.results.verdict import CANNOT_TELL, MIN_SEEDS
from whichnorm.specs.names import arm_title, enclosed, listed, named
from whichnorm.sweeps.axes import AXIS_NAMES
from whichnorm.sweeps.refine import next_sizes
from whichnorm.sweeps.results import ArmsCrossing, SweepResults
from whichnorm.sweeps.text import crossing_sentences, lost_sentences, standing, trend_sentences

CROSSING_HOLDS = "The two sizes hold the place with a confidence of 95 %, if the difference rises or falls throughout."
RATE_RULES = {
    "linear": "grows in proportion to the images per step",
    "sqrt": "grows with the square root of the images per step",
    "none": "is the same at every batch",
}


def is_decided(results: SweepResults) -> bool:
    """Tell whether the answer names a better arm."""
    if (chosen := _main_crossing(results)) is not None:
        return bool(chosen.better)
    return len(results.points) == 1 and bool(standing(results, results.points[0])[1])


def answer_sentence(results: SweepResults) -> str:
    """Say between which batches two norms change places, or which is best at the one batch that was measured; and
    which runs were lost."""
    return " ".join([_answer(results), *lost_sentences(results)])


def _answer(results: SweepResults) -> str:
    if (chosen := _main_crossing(results)) is not None:
        return list(crossing_sentences(results))[results.crossings.index(chosen)]
    if len(results.points) == 1:
        return _at_one_point(results)
    return "Cannot tell where two norms change places: no two have finished runs at a common seed of two batches."


def _main_crossing(results: SweepResults) -> ArmsCrossing | None:
    """Return the pair of arms that says most: they change places, then any is better; the first of several."""
    return max(results.crossings, key=lambda c: (c.crossing is not None, len(c.better)), default=None)


def _at_one_point(results: SweepResults) -> str:
    (point,) = results.points
    best, beaten, level = standing(results, point)
    if not best:
        return "Cannot tell: no run finished."
    at = f"at a batch of {point.batch.text}"
    if not beaten:
        names = named([best, *level]) if len(level) < MAX_NAMES else f"the {len(level) + 1} norms"
        return f"Cannot tell {names} apart {at}." if level else f"Cannot tell: {arm_title(best)} is the only one {at}."
    if not level:
        return f"Use {arm_title(best)} {at}: it is better than {_counted(beaten, len(beaten))}."
    rest = enclosed(level) if len(level) == 1 else f"{len(level)} others"
    others = _counted(beaten, len(beaten) + len(level))
    return f"{enclosed([best])} is better than {others} {at}; {rest} cannot be distinguished from it."


def _counted(beaten: Sequence[str], others: int) -> str:
    if len(beaten) <= MAX_NAMES:
        return named(beaten)
    return f"all {others} others" if len(beaten) == others else f"{len(beaten)} of {others} others"


def key_points(results: SweepResults) -> Iterator[KeyPoint]:
    """Yield the points: how sure, what it depends on, what was not tested, and what went wrong if anything did."""
    yield KeyPoint(label="How sure", text=_how_sure(results))
    if results.trends:
        yield KeyPoint(label="How many groups", text=" ".join(trend_sentences(results)))
    if len(results.points) > 1:
        rule = RATE_RULES[results.spec.learning_rate_rule]
        yield KeyPoint(label="What it depends on", text=f"The learning rate, which {rule}; epochs stay the same.")
    if results.any_crossing and (closer := _closer(results)):
        yield KeyPoint(label="To know it closer", text=closer)
    yield KeyPoint(label="Not tested", text=f"{'; '.join(_not_tested(results))}.")
    if not results.ok:
        wrong = f"{len(results.faults)} of {count(len(results.records), 'run')}; they are listed with the reasons."
        yield KeyPoint(label=faults_label([run for _, run in results.faults]), text=wrong)


def _how_sure(results: SweepResults) -> str:
    if not results.comparisons:
        return "There is nothing to compare."
    if all(c.comparison.basis == "test images" for c in results.comparisons):
        return f"One seed says nothing of the noise between seeds: give {MIN_SEEDS} or more."
    called = sum(c.comparison.call != CANNOT_TELL for c in results.comparisons)
    differences = count(len(results.comparisons), "difference")
    said = f"{called} of {differences} between two norms at a batch {'is' if called == 1 else 'are'} beyond chance."
    if len(results.points) == 1:
        return f"{said} {_not_distinguished(results)}".strip()
    return f"{CROSSING_HOLDS} {said}" if results.any_crossing else said


def _closer(results: SweepResults) -> str:
    """Say what makes the two sizes closer: sizes between them, or seeds where one is undecided."""
    undecided = sorted({size for crossing in results.crossings for size in crossing.undecided})
    more = [f"More seeds (--seeds) at {listed([f'{size:,}' for size in undecided])}."] if undecided else []
    if sizes := next_sizes(results):
        more.append(f"--refine trains at {listed([f'{size:,}' for size in sizes])} too.")
    return " ".join(more)


def _not_distinguished(results: SweepResults) -> str:
    (point,) = results.points
    best, beaten, level = standing(results, point)
    return f"Not distinguished from {arm_title(best)}: {named(level)}." if beaten and level else ""


def _not_tested(results: SweepResults) -> Iterator[str]:
    sizes = sorted({point.size(results.axes.along) for point in results.points})
    name = AXIS_NAMES[results.axes.along]
    if len(sizes) > 1:
        yield f"A {name} below {sizes[0]:,} or above {sizes[-1]:,}"
    else:
        yield "Other batch sizes (--batch-sizes)"
    for point in results.points:
        if point.skipped:
            yield f"{listed([arm_title(arm) for arm, _ in point.skipped])} at a batch of {point.batch.text}"
    yield "a learning rate tuned for each norm; another recipe"
