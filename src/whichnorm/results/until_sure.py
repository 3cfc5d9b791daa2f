"""Adding seeds to a study until its answer is sure, its most seeds are used, or its budget is spent."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from statistics import mean

from whichnorm.results.comparisons import Comparison, against
from whichnorm.results.results import Results
from whichnorm.specs.study import StudySpec
from whichnorm.stats import looks
from whichnorm.training.record import RunRecord

FUTILE = 0.05  # a smaller chance to settle what is open is not worth the seeds


def next_look(study: StudySpec, results: Results) -> StudySpec | None:
    """Return the study with the seeds of its next look, for the arms that are open; None if it is over.

    Where the best arm is to be named, an arm that is worse than another gets no more seeds; where every difference is
    to be settled, one whose comparisons all are. Nothing is added where even the most seeds would hardly settle what
    is open.
    """
    assert study.until_sure
    later = [number for number in looks(study.until_sure.max_seeds) if number > len(study.seeds)]
    pairs = list(open_pairs(study, results))
    if not later or not pairs or is_futile(study, pairs):
        return None
    open_arms, ended = {arm for c in pairs for arm in (c.a, c.b)}, dict(study.ended)
    for arm in map(str, study.arms):
        if arm not in open_arms:
            ended.setdefault(arm, len(study.seeds))
    return replace(study, seeds=tuple(range(later[0])), ended=tuple(ended.items()))


def open_pairs(study: StudySpec, results: Results) -> Iterator[Comparison]:
    """Yield the comparisons that stand between the study and its goal."""
    assert study.until_sure
    if study.until_sure.goal == "all":
        yield from (c for c in results.comparisons if not c.settled)
    elif results.verdict.kind == "cannot tell" and results.arms:
        front = max(results.arms, key=lambda arm: arm.test_accuracy.mean).norm
        rest = results.verdict.level or [arm.norm for arm in results.arms if arm.norm != front]
        yield from (c for arm in rest if (c := against(front, arm, results.comparisons)))


def is_futile(study: StudySpec, pairs: Sequence[Comparison]) -> bool:
    """Tell whether the most seeds would settle what is open with a chance of less than `FUTILE`."""
    assert study.until_sure
    chances = [c.chance_settled for c in pairs if c.chance_settled is not None]
    if len(chances) < len(pairs):
        return False
    return (min if study.until_sure.goal == "best" else max)(chances) < FUTILE


def affordable(study: StudySpec, grown: StudySpec, records: Sequence[RunRecord], budget: float | None) -> bool:
    """Tell whether the runs that a study grows by fit into the budget, in seconds of training and evaluation.

    What earlier calls spent counts; a run to come is taken to need the mean of those that are there.
    """
    if budget is None:
        return True
    spent = [record.train_seconds + record.evaluate_seconds for record in records]
    return sum(spent) + (len(grown.runs()) - len(study.runs())) * mean(spent) <= budget


def ending(study: StudySpec, results: Results) -> str:
    """Say why a study that adds seeds until it is sure has those that it has."""
    assert study.until_sure
    most, pairs = study.until_sure.max_seeds, list(open_pairs(study, results))
    seeds = f"after {len(study.seeds)} seeds"
    if not results.comparisons:
        return f"Ended {seeds}: there are no comparisons to settle."
    if not pairs:
        return f"Settled {seeds}: {_settled(study, results)}."
    if len(study.seeds) >= most:
        return f"Not settled {seeds}, the most that were allowed."
    if is_futile(study, pairs):
        return f"Not settled {seeds}: stopped there, since {most} would settle it in less than {FUTILE:.0%} of cases."
    return f"Not settled {seeds}: stopped there, with up to {most} allowed."


def _settled(study: StudySpec, results: Results) -> str:
    assert study.until_sure
    points = f"{100 * study.until_sure.margin:g} points"
    if study.until_sure.goal == "all":
        return f"every difference is beyond chance, or known to be less than {points}"
    return "the best is named" if results.verdict.kind == "best" else f"the best are the same within {points}"
