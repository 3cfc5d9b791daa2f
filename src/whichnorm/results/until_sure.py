"""Adding seeds to a study until its comparisons are settled, its most seeds are used, or its budget is spent."""

from collections.abc import Sequence
from dataclasses import replace
from statistics import mean

from whichnorm.results.results import Results
from whichnorm.specs.study import StudySpec
from whichnorm.stats import looks
from whichnorm.training.record import RunRecord


def next_look(study: StudySpec, results: Results) -> StudySpec | None:
    """Return the study with the seeds of its next look, for the arms that are not settled; None if it is over.

    An arm all of whose comparisons are settled, or that has none, gets no more seeds.
    """
    assert study.until_sure
    later = [number for number in looks(study.until_sure.max_seeds) if number > len(study.seeds)]
    open_arms = {arm for c in results.comparisons if not c.settled for arm in (c.a, c.b)}
    if not later or not open_arms:
        return None
    ended = dict(study.ended)
    for arm in map(str, study.arms):
        if arm not in open_arms:
            ended.setdefault(arm, len(study.seeds))
    return replace(study, seeds=tuple(range(later[0])), ended=tuple(ended.items()))


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
    points, most = f"{100 * study.until_sure.margin:g}", study.until_sure.max_seeds
    seeds = f"after {len(study.seeds)} seeds"
    if results.comparisons and all(c.settled for c in results.comparisons):
        return f"Settled {seeds}: every difference is beyond chance, or known to be less than {points} points."
    if len(study.seeds) >= most:
        return f"Not settled to {points} points {seeds}, the most that were allowed."
    if not any(not c.settled for c in results.comparisons):
        return f"Ended {seeds}: there are no comparisons to settle."
    return f"Not settled to {points} points {seeds}: stopped there, with up to {most} allowed."
