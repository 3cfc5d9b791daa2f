"""The section of batch dependence."""

import numpy as np

from whichnorm.analyses.asking import Answers
from whichnorm.analyses.batch_dependence.measure import DependenceScores
from whichnorm.analyses.over_seeds import Arms, Column, brief, by_arm, means_table
from whichnorm.render import text
from whichnorm.render.content import Folded, Section
from whichnorm.render.table import Table
from whichnorm.results.results import Results
from whichnorm.specs.names import enclosed, listed

MAX_NAMED = 2  # arms in a title


def section(found: Answers[DependenceScores], results: Results) -> Section | None:
    """Say how many predictions change with the rest of the batch."""
    arms = by_arm(results, found)
    if not arms:
        return None
    return Section(
        title=finding(arms),
        sentences=(_in_evaluation(arms),),
        tables=(dependence_table(results, arms),),
        folded=(Folded(summary="How batch dependence was measured", sentences=(_method(arms[0][1][0]),)),),
    )


def dependence_table(results: Results, arms: Arms[DependenceScores]) -> Table:
    """Return how many predictions of every arm change with the rest of the batch."""
    return means_table(
        results, arms, "Test images whose predicted class changes with the rest of their batch.",
        Column("Changed, norm layers in training mode", lambda one: one.changed_in_batch_mode),
        Column("Changed, evaluation mode", lambda one: one.changed_in_evaluation),
    )  # fmt: skip


def finding(arms: Arms[DependenceScores]) -> str:
    """Say what changes: "The rest of the batch changes 13 % of the predictions of BatchNorm in training mode"."""
    leaking, changed = _changed(arms, "changed_in_evaluation"), _changed(arms, "changed_in_batch_mode")
    if leaking:
        return f"The rest of the batch changes {_whose(leaking)} even in evaluation"
    if changed:
        only = ", no other arm's" if len(changed) < len(arms) else ""
        return f"The rest of the batch changes {_whose(changed)} in training mode{only}"
    if all(one.changed_in_batch_mode is None for _, found in arms for one in found):
        return "In evaluation no prediction depends on the rest of the batch"
    return "No prediction depends on the rest of the batch"


def _in_evaluation(arms: Arms[DependenceScores]) -> str:
    leaking = list(_changed(arms, "changed_in_evaluation"))
    if not leaking:
        return "In evaluation mode every arm predicts the same class for an image whatever else is in the batch."
    return f"In evaluation mode a prediction should depend on its image only; the networks of {enclosed(leaking)} leak."


def _changed(arms: Arms[DependenceScores], mode: str) -> dict[str, float]:
    """Return the mean fraction of changed predictions of every arm that has any."""
    values = {arm: [getattr(one, mode) for one in found] for arm, found in arms}
    means = {arm: float(np.mean(of_arm)) for arm, of_arm in values.items() if None not in of_arm}
    return {arm: mean for arm, mean in means.items() if mean}


def _whose(changed: dict[str, float]) -> str:
    if len(changed) > MAX_NAMED:
        low, high = brief(min(changed.values())), brief(max(changed.values()))
        return f"{low if low == high else f'{low} to {high}'} of the predictions of {len(changed)} arms"
    return listed([f"{brief(mean)} of the predictions of {enclosed([arm])}" for arm, mean in changed.items()])


def _method(first: DependenceScores) -> str:
    return (
        f"{text.count(first.num_images, 'test image')}, evenly spread over the split, are predicted "
        f"{first.num_draws} times in random batches of {first.batch_size}; changed are those whose predicted class is "
        "not the same every time. In training mode only the norm layers train: there is no dropout, and nothing is "
        "updated."
    )
