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


def crossed_interval(correct: ArrayLike, confidence: float = 0.95) -> Interval:
    """Interval of an accuracy that covers the choice of test images and, with several seeds, the noise between seeds.

    correct is (num_seeds, N) booleans: the same N images at every seed. One seed gives Wilson's interval. With more,
    the variance of the mean is estimated with seeds and images as crossed random effects (Owen, "The pigeonhole
    bootstrap", Annals of Applied Statistics 1, 2007). Wilson's formula is given the number of independent images with
    the same variance and Student's quantile with Satterthwaite's degrees of freedom, as for surveys (Korn and
    Graubard, Survey Methodology 24, 1998). Where nothing varies, or of one image, seeds count as copies of each other.
    """
    table = np.asarray(correct, dtype=float)
    if table.ndim != 2 or table.size == 0:
        raise ValueError(f"an interval over seeds and images needs a full table of them, got shape {table.shape}")
    num_seeds, N = table.shape
    p = float(table.mean())
    size, df = float(N), np.inf
    if num_seeds > 1 and N > 1 and 0 < p < 1:
        variance, df = _crossed_variance(table)
        size = min(p * (1 - p) / variance, table.size)
    quantile = float(stats.t.ppf((1 + confidence) / 2, df))
    return _wilson(p, size, quantile)


def _crossed_variance(table: NDArray[np.float64]) -> tuple[float, float]:
    """Return the variance of the mean of (num_seeds, N) crossed effects, and its degrees of freedom."""
    num_seeds, N = table.shape
    mean, of_seeds, of_images = table.mean(), table.mean(axis=1), table.mean(axis=0)
    seeds = N * of_seeds.var(ddof=1)  # mean squares
    images = num_seeds * of_images.var(ddof=1)
    df_rest = (num_seeds - 1) * (N - 1)
    rest = np.square(table - of_seeds[:, None] - of_images + mean).sum() / df_rest
    images = max(images, rest)  # an effect's estimated variance is zero or more
    if seeds <= rest:
        return float(images / table.size), N - 1
    total = seeds + images - rest
    df = total**2 / (seeds**2 / (num_seeds - 1) + images**2 / (N - 1) + rest**2 / df_rest)
    return float(total / table.size), float(df)


def _wilson(p: float, size: float, quantile: float) -> Interval:
    square = quantile**2 / size
    centre = (p + square / 2) / (1 + square)
    half = np.sqrt(p * (1 - p) * square + square**2 / 4) / (1 + square)
    # rounding must not leave the estimate outside where it is 0 or 1
    return Interval(p, min(max(float(centre - half), 0.0), p), max(min(float(centre + half), 1.0), p))


def sign_flip_p_value(differences: ArrayLike) -> float:
    """Exact two-sided p-value of a sum of paired integer differences whose signs are as likely + as -.

    differences is (N,), one per image. With differences of -1, 0 and 1 this is McNemar's exact test.
    Fisher, "The Design of Experiments", 1935, section 21.
    """
    array = np.asarray(differences)
    sizes, numbers = np.unique(np.abs(array[array != 0]), return_counts=True)
    chances = np.ones(1)  # of each value of the sum of the positive differences, from 0
    for size, number in zip(sizes, numbers, strict=True):
        steps = np.zeros(size * number + 1)
        steps[::size] = stats.binom.pmf(np.arange(number + 1), number, 0.5)
        chances = np.convolve(chances, steps)
    positive, negative = int(array[array > 0].sum()), -int(array[array < 0].sum())
    return min(1.0, float(2 * chances[: min(positive, negative) + 1].sum()))


def least_sign_flip_p_value(differences: ArrayLike) -> float:
    """Return the p-value that differences of these sizes would have if all of them had the same sign."""
    return float(min(1.0, 2.0 ** (1 - np.count_nonzero(differences))))


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """Return p-values (N,) adjusted for their number, under any dependence. Holm, Scand. J. Statistics 6, 1979."""
    p = np.asarray(p_values, dtype=float)
    order = np.argsort(p, kind="stable")
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(np.maximum.accumulate((len(p) - np.arange(len(p))) * p[order]), 1)
    return adjusted


def tarone_holm(p_values: ArrayLike, least_p_values: ArrayLike, alpha: float = 0.05) -> NDArray[np.float64]:
    """Return Holm's adjusted p-values (N,) over those exact tests that could be called at all; the others get 1.

    A test whose least possible p-value is too large cannot raise a false alarm, so it need not be paid for: with
    R the smallest number such that at most R tests can reach alpha / R, only these count. Tarone, Biometrics 46, 1990.
    """
    p, least = np.asarray(p_values, dtype=float), np.asarray(least_p_values, dtype=float)
    number = next((k for k in range(1, len(p) + 1) if np.count_nonzero(least <= alpha / k) <= k), 1)
    counted = least <= alpha / number
    adjusted = np.ones_like(p)
    adjusted[counted] = holm(p[counted])
    return adjusted
