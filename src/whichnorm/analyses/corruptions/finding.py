"""What corruption shows, in a line: the kind that sets two arms apart most, if one does."""

import math
from collections.abc import Sequence

import numpy as np

from whichnorm.analyses.corruptions.measure import STRENGTHS, CorruptionScores
from whichnorm.analyses.over_seeds import Arms, brief
from whichnorm.specs.names import enclosed

CLEARLY = 2  # standard errors


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
        clean = float(np.mean([one.clean_accuracy for one in found]))
        return f"At {strongest(kind)} {enclosed([arm])} falls from {brief(clean)} to {brief(low)}"
    reached = brief(low) if brief(low) == brief(high) else f"between {brief(low)} and {brief(high)}"
    return f"No clear difference between the arms: at {strongest(kind)} they fall to {reached}"


def strongest(kind: str) -> str:
    """Name a kind of corruption at its greatest strength: "contrast 0.2"."""
    return f"{kind} {STRENGTHS[kind][-1]:g}"


def at_strongest(found: Sequence[CorruptionScores], kind: str) -> list[float]:
    """Return the accuracies at the greatest strength, one per seed."""
    return [one.accuracies[kind][-1] for one in found]


def _means(arms: Arms[CorruptionScores], kind: str) -> dict[str, float]:
    return {arm: float(np.mean(at_strongest(found, kind))) for arm, found in arms}


def _ends(means: dict[str, float]) -> tuple[float, float]:
    return min(means.values()), max(means.values())


def _name(means: dict[str, float], value: float) -> str:
    return next(arm for arm, mean in means.items() if mean == value)


def _clearly_apart(arms: Arms[CorruptionScores], kind: str) -> bool:
    """Tell whether the best arm is above the worst at every seed, and by more than the choice of test images explains.

    The arms saw the same images, so the standard error of two independent accuracies is on the safe side.
    """
    scores = sorted((at_strongest(found, kind) for _, found in arms), key=np.mean)
    worst, best = scores[0], scores[-1]
    num_images = arms[0][1][0].num_images
    error = math.sqrt(sum(np.mean(one) * (1 - np.mean(one)) / num_images for one in (worst, best)))
    return max(worst) < min(best) and bool(np.mean(best) - np.mean(worst) > CLEARLY * error)
