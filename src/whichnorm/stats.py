"""Means, paired differences, intervals and calls; arrays in, numbers out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

Call = Literal["better", "worse", "cannot tell"]


@dataclass(frozen=True)
class Interval:
    """An estimate and the ends of its 95 % interval, in the unit of the values."""

    estimate: float
    low: float
    high: float

    def clipped(self, low: float, high: float) -> "Interval":
        return Interval(self.estimate, max(self.low, low), min(self.high, high))


def mean_interval(values: Sequence[float], resolution: float = 0.0, confidence: float = 0.95) -> Interval:
    """Student's t interval of a mean over n >= 2 values.

    `resolution` is the step of the values' scale (one test image, for accuracies): the standard deviation is taken as
    no smaller, since seeds that agree by rounding do not make the mean exact.
    """
    array = np.asarray(values, dtype=float)
    if array.ndim != 1 or len(array) < 2:
        raise ValueError(f"an interval over values needs at least 2 of them, got shape {array.shape}")
    spread = max(float(array.std(ddof=1)), resolution)
    half = float(stats.t.ppf((1 + confidence) / 2, len(array) - 1)) * spread / np.sqrt(len(array))
    mean = float(array.mean())
    return Interval(mean, float(mean - half), float(mean + half))


def paired_interval(a: Sequence[float], b: Sequence[float], resolution: float = 0.0) -> Interval:
    """Student's t interval of the mean of a - b over n >= 2 pairs: the same seeds, in the same order."""
    if len(a) != len(b):
        raise ValueError(f"pairs need equal lengths, got {len(a)} and {len(b)}")
    return mean_interval(np.subtract(a, b).tolist(), resolution)


def proportion_interval(count: int, total: int, confidence: float = 0.95) -> Interval:
    """Wilson's interval of a share of test images. Wilson, JASA 22, 1927."""
    interval = stats.binomtest(count, total).proportion_ci(confidence, method="wilson")
    return Interval(count / total, float(interval.low), float(interval.high))


def proportion_difference(count_a: int, total_a: int, count_b: int, total_b: int) -> Interval:
    """Newcombe's hybrid score interval of the difference of two independent shares, a - b.

    Newcombe, Statistics in Medicine 17, 1998, method 10: the distances of Wilson's limits, added in squares.
    """
    a, b = proportion_interval(count_a, total_a), proportion_interval(count_b, total_b)
    difference = a.estimate - b.estimate
    below = np.hypot(a.estimate - a.low, b.high - b.estimate)
    above = np.hypot(a.high - a.estimate, b.estimate - b.low)
    return Interval(difference, float(difference - below), float(difference + above))


def image_bootstrap(
    correct_a: ArrayLike, correct_b: ArrayLike, confidence: float = 0.95, resamples: int = 20_000, seed: int = 0
) -> Interval:
    """Percentile bootstrap interval of the difference of two accuracies on the same images, resampling images.

    correct_a and correct_b are (N,) booleans. An image adds -1, 0 or 1 to the difference, so a resample is one draw
    from a multinomial distribution over these three, which is exact and needs no index arrays.
    Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13. With few images on which the two differ
    the bootstrap is too sure: the interval takes in zero unless McNemar's exact test leaves it out as well.
    """
    a, b = np.asarray(correct_a, dtype=int), np.asarray(correct_b, dtype=int)
    if a.shape != b.shape or a.ndim != 1 or len(a) == 0:
        raise ValueError(f"paired images need equal, non-empty shapes, got {a.shape} and {b.shape}")
    counts = np.bincount(a - b + 1, minlength=3)
    draws = np.random.default_rng(seed).multinomial(len(a), counts / len(a), size=resamples)
    differences = (draws[:, 2] - draws[:, 0]) / len(a)
    low, high = np.quantile(differences, [(1 - confidence) / 2, (1 + confidence) / 2])
    discordant = int(counts[0] + counts[2])
    if discordant == 0:  # no image tells the two apart: the exact bound on the share of images that would
        high = 1 - ((1 - confidence) / 2) ** (1 / len(a))
        low = -high
    elif stats.binomtest(int(counts[2]), discordant).pvalue > 1 - confidence:
        low, high = min(low, 0.0), max(high, 0.0)
    return Interval(float((counts[2] - counts[0]) / len(a)), float(low), float(high))


def call(difference: Interval) -> Call:
    """Say what an interval of a - b allows: a is better, a is worse, or cannot tell."""
    if difference.low > 0:
        return "better"
    return "worse" if difference.high < 0 else "cannot tell"


@dataclass(frozen=True, kw_only=True)
class RankAgreement:
    """Spearman's rank correlation of pairs of maps: mean and sample standard deviation over n pairs.

    `left_out` pairs have a map without any order, being constant. `mismatched` is the mean where each map meets that of
    another image: what the maps share whatever the image shows, such as a bright centre. None stands for too few pairs.
    """

    mean: float | None
    std: float | None
    n: int
    left_out: int
    mismatched: float | None


def rank_agreement(a: ArrayLike, b: ArrayLike) -> RankAgreement:
    """Correlate the ranks of each map of a (N, ...) with its partner in b over positions; ties share their mean rank.

    Spearman, "The proof and measurement of association between two things", 1904.
    """
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    if a.shape != b.shape or a.ndim < 2:
        raise ValueError(f"pairs of maps need equal shapes (N, ...), got {a.shape} and {b.shape}")
    a, b = a.reshape(len(a), -1), b.reshape(len(b), -1)
    ordered = (np.ptp(a, axis=1) > 0) & (np.ptp(b, axis=1) > 0)
    a, b = _standard_ranks(a[ordered]), _standard_ranks(b[ordered])
    n = len(a)
    own = (a * b).sum(axis=1)
    return RankAgreement(
        mean=float(own.mean()) if n > 0 else None,
        std=float(own.std(ddof=1)) if n > 1 else None,
        n=n,
        left_out=len(ordered) - n,
        mismatched=float((a * np.roll(b, n // 2, axis=0)).sum(axis=1).mean()) if n > 1 else None,
    )


def _standard_ranks(maps: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the ranks of each row (N, L), centered and of length 1."""
    ranks = stats.rankdata(maps, axis=1)
    ranks -= ranks.mean(axis=1, keepdims=True)
    return ranks / np.linalg.norm(ranks, axis=1, keepdims=True)
