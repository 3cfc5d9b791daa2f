"""The size of a difference that is only spoken of because it was called: the winner's curse taken out."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whichnorm.stats.intervals import Interval
from whichnorm.stats.pairs import PairedDifference, power, variance_ratios

NODES = 150  # of the mean, at each seed variance


@dataclass(frozen=True, kw_only=True)
class SelectedDifference:
    """A difference, given that it was called, with its 95 % interval; and the probability that a new run of a wins."""

    interval: Interval
    chance_a_wins: float


def given_called(found: PairedDifference, alpha: float) -> SelectedDifference:
    """Estimate a difference of accuracies that was called at level alpha, given that it was.

    A called difference is too large on average: smaller ones of the same truth are not called, and seeds that happen
    to agree are called sooner. So what the mean and the seed variance may be, Student's posterior under flat priors,
    is weighted by one over the probability of a call, as the likelihood of what is only seen where it is called asks:
    Dawid, "Selection paradoxes of Bayesian inference", IMS Lecture Notes 24, 1994; Zhong and Prentice, "Bias-reduced
    estimators and confidence intervals for odds ratios in genome-wide association studies", Biostatistics 9, 2008.
    The estimate is the median, the interval the middle 95 %.
    """
    from scipy import special

    num_seeds, image_variance = found.mean.num_seeds, found.mean.image_variance
    ratios, chances = variance_ratios(num_seeds - 1)
    seed_variances = (found.mean.seed_variance / ratios)[:, None]
    steps = special.ndtri((np.arange(NODES) + 0.5) / NODES)
    means = found.estimate + np.sqrt(seed_variances / num_seeds + image_variance) * steps  # (variances, NODES)
    called = power(means, num_seeds, seed_variances, image_variance, alpha)
    weights = chances[:, None] / np.maximum(called, alpha / 2)
    weights /= weights.sum()
    low, middle, high = _quantiles(means, weights, (0.025, 0.5, 0.975))
    wins = special.ndtr(means / np.sqrt(seed_variances))
    return SelectedDifference(
        interval=Interval(middle, low, high).clipped(-1, 1), chance_a_wins=float((weights * wins).sum())
    )


def _quantiles(values: NDArray[np.float64], weights: NDArray[np.float64], shares: tuple[float, ...]) -> list[float]:
    order = np.argsort(values, axis=None)
    below = np.cumsum(weights.ravel()[order]) - weights.ravel()[order] / 2
    return np.interp(shares, below, values.ravel()[order]).tolist()
