"""What corruption shows, in a line: the kind that sets two arms apart most, and whether it turns the order round."""

import math
from collections.abc import Sequence

import numpy as np

from whichnorm.analyses.corruptions.measure import STRENGTHS, CorruptionScores
from whichnorm.analyses.over_seeds import Arms, brief
from whichnorm.specs.names import enclosed

CLEARLY = 2  # standard errors
MUCH_LEAD = 0.1  # of accuracy, that has to be lost to be said


def finding(arms: Arms[CorruptionScores]) -> str:
    """Say what the greatest strengths do: "At contrast 0.2 bn falls to 26 %, gn:8 keeps 75 %".

    Two arms are named if they are clearly apart; of several kinds the one where they are furthest apart.
    """
    apart = [(best - worst, kind) for kind in STRENGTHS if _clearly_apart(arms, kind)
             for worst, best in [_ends(_means(arms, kind))]]  # fmt: skip
    if apart:
        _, kind = max(apart, key=lambda pair: pair[0])
        means = _means(arms, kind)
        low, high = _ends(means)
        worst, best = (enclosed([_name(means, value)]) for value in (low, high))
        return f"At {strongest(kind)} {worst} falls to {brief(low)}, {best} keeps {brief(high)}"
    kind = min(STRENGTHS, key=lambda one: np.mean(list(_means(arms, one).values())))
    low, high = _ends(_means(arms, kind))
    if len(arms) == 1:
        (arm, found) = arms[0]
        return f"At {strongest(kind)} {enclosed([arm])} falls from {brief(_clean(found))} to {brief(low)}"
    reached = brief(low) if brief(low) == brief(high) else f"between {brief(low)} and {brief(high)}"
    return f"No clear difference between the arms: at {strongest(kind)} they fall to {reached}"


def turning(arms: Arms[CorruptionScores], best: str) -> str:
    """Say at which greatest strength another arm is clearly ahead of the best on clean images, or else where the best
    loses most of a lead that is not small; "" where neither is so.

    Of several kinds and arms it names those where most is lost.
    """
    scores = dict(arms)
    own = scores.pop(best, [])
    pairs = [(kind, arm) for kind in STRENGTHS for arm in scores] if own else []
    behind = [(kind, arm) for kind, arm in pairs if _is_ahead(scores[arm], own, kind)]
    if behind:
        kind, arm = max(behind, key=lambda pair: _lead(scores[pair[1]], own, pair[0]))
        left, kept = brief(_mean_at(own, kind)), brief(_mean_at(scores[arm], kind))
        said = f"{enclosed([best])} falls to {left}, {enclosed([arm])} keeps {kept}"
        return f"At {strongest(kind)} the order turns round: {said}."
    leads = [(_clean(own) - _clean(scores[arm]), _lead(own, scores[arm], kind), kind, arm) for kind, arm in pairs]
    lost = [one for one in leads if one[0] - one[1] >= MUCH_LEAD and one[1] < one[0] / 2]
    if not lost:
        return ""
    clean, left_over, kind, arm = max(lost, key=lambda one: one[0] - one[1])
    shrinks = f"shrinks from {100 * clean:.0f} to {100 * max(left_over, 0.0):.0f} points"
    return f"At {strongest(kind)} the lead of {enclosed([best])} over {enclosed([arm])} {shrinks}."


def strongest(kind: str) -> str:
    """Name a kind of corruption at its greatest strength: "contrast 0.2"."""
    return f"{kind} {STRENGTHS[kind][-1]:g}"


def at_strongest(found: Sequence[CorruptionScores], kind: str) -> list[float]:
    """Return the accuracies at the greatest strength, one per seed."""
    return [one.accuracies[kind][-1] for one in found]


def _mean_at(found: Sequence[CorruptionScores], kind: str) -> float:
    return float(np.mean(at_strongest(found, kind)))


def _lead(found: Sequence[CorruptionScores], other: Sequence[CorruptionScores], kind: str) -> float:
    return _mean_at(found, kind) - _mean_at(other, kind)


def _clean(found: Sequence[CorruptionScores]) -> float:
    return float(np.mean([one.clean_accuracy for one in found]))


def _means(arms: Arms[CorruptionScores], kind: str) -> dict[str, float]:
    return {arm: _mean_at(found, kind) for arm, found in arms}


def _ends(means: dict[str, float]) -> tuple[float, float]:
    return min(means.values()), max(means.values())


def _name(means: dict[str, float], value: float) -> str:
    return next(arm for arm, mean in means.items() if mean == value)


def _clearly_apart(arms: Arms[CorruptionScores], kind: str) -> bool:
    """Tell whether the best arm is clearly ahead of the worst."""
    ordered = sorted((found for _, found in arms), key=lambda found: _mean_at(found, kind))
    return _is_ahead(ordered[-1], ordered[0], kind)


def _is_ahead(found: Sequence[CorruptionScores], other: Sequence[CorruptionScores], kind: str) -> bool:
    """Tell whether an arm is above another at every seed, and by more than the choice of test images explains.

    The arms saw the same images, so the standard error of two independent accuracies is on the safe side.
    """
    means = [_mean_at(one, kind) for one in (found, other)]
    error = math.sqrt(sum(mean * (1 - mean) / found[0].num_images for mean in means))
    return max(at_strongest(other, kind)) < min(at_strongest(found, kind)) and means[0] - means[1] > CLEARLY * error
