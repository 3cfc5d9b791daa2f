"""Estimates with 95 % intervals."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from whichnorm.stats.crossed import crossed_mean, quantile_of_two

MIN_CLASSES = 3  # with mistakes; fewer say nothing of how much their variances differ
MAX_DF = 1000.0


@dataclass(frozen=True)
class Interval:
    """An estimate and the ends of its 95 % interval, in the unit of the values."""

    estimate: float
    low: float
    high: float

    def clipped(self, low: float, high: float) -> "Interval":
        return Interval(self.estimate, max(self.low, low), min(self.high, high))


def mean_interval(values: Sequence[float], confidence: float = 0.95) -> Interval:
    """Student's t interval of a mean over n >= 2 values."""
    from scipy import stats

    array = np.asarray(values, dtype=float)
    if array.ndim != 1 or len(array) < 2:
        raise ValueError(f"an interval over values needs at least 2 of them, got shape {array.shape}")
    half = float(stats.t.isf((1 - confidence) / 2, len(array) - 1)) * float(array.std(ddof=1)) / np.sqrt(len(array))
    mean = float(array.mean())
    return Interval(mean, float(mean - half), float(mean + half))


def proportion_interval(count: int, total: int, confidence: float = 0.95) -> Interval:
    """Wilson's interval of a share of test images. Wilson, JASA 22, 1927."""
    from scipy import stats

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
    from scipy import stats

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


def crossed_interval(correct: ArrayLike, confidence: float = 0.95) -> Interval:
    """Interval of an accuracy that covers the choice of test images and, with several seeds, the noise between seeds.

    correct is (num_seeds, N) booleans: the same N images at every seed. One seed gives Wilson's interval. With more,
    Wilson's formula is given the number of independent images that would have the same variance (Korn and Graubard,
    Survey Methodology 24, 1998) and the quantile of `quantile_of_two`. Where nothing varies, or of one image, seeds
    count as copies of each other.
    """
    from scipy import stats

    table = np.asarray(correct, dtype=float)
    if table.ndim != 2 or table.size == 0:
        raise ValueError(f"an interval over seeds and images needs a full table of them, got shape {table.shape}")
    num_seeds, N = table.shape
    p = float(table.mean())
    if num_seeds == 1 or N == 1 or p in (0, 1):
        return _wilson(p, N, float(stats.norm.isf((1 - confidence) / 2)))
    mean = crossed_mean(table)
    return _wilson(p, min(p * (1 - p) / mean.variance, table.size), mean.quantile(1 - confidence))


def class_intervals(tables: Sequence[ArrayLike], confidence: float = 0.95) -> list[Interval]:
    """Intervals of an arm's accuracies on several classes of images, as `crossed_interval` gives them of one.

    tables are (num_seeds, N) booleans of the same seeds, each with a class's own N. On one class, of few images and
    fewer mistakes, the noise between seeds is hardly known. So classes lend each other strength: relative to the
    variance of N single images, variances between seeds are moderated towards their common value, as far as they are
    alike (Smyth, "Linear models and empirical Bayes methods", Statistical Applications in Genetics and Molecular
    Biology 3, 2004), and the images' share is the mean of all classes.
    """
    arrays = [np.asarray(table, dtype=float) for table in tables]
    known = {place: crossed_mean(a) for place, a in enumerate(arrays) if min(a.shape) > 1 and 0 < a.mean() < 1}
    if len(known) < MIN_CLASSES:
        return [crossed_interval(array, confidence) for array in arrays]
    units = {place: mean.estimate * (1 - mean.estimate) / arrays[place].shape[1] for place, mean in known.items()}
    df, images = arrays[0].shape[0] - 1, float(np.mean([known[p].image_variance / units[p] for p in known]))
    ratios = np.array([known[place].seed_variance / units[place] for place in known])
    prior, prior_df = moderation(ratios, df)
    moderated = dict(zip(known, (prior_df * prior + df * ratios) / (prior_df + df), strict=True))
    return [
        _moderated(array, moderated.get(place, prior), images, prior_df + (df if place in known else 0), confidence)
        for place, array in enumerate(arrays)
    ]


def _moderated(table: NDArray[np.float64], seeds: float, images: float, df: float, confidence: float) -> Interval:
    """Return Wilson's interval, given what seeds and images add in multiples of the variance of N single images."""
    num_seeds, N = table.shape
    quantile = float(quantile_of_two(seeds / num_seeds, images, df, 1 - confidence))
    return _wilson(float(table.mean()), N / max(seeds / num_seeds + images, 1 / num_seeds), quantile)


def moderation(variances: NDArray[np.float64], df: int) -> tuple[float, float]:
    """Return what estimated variances (k,) have in common, and the degrees of freedom that this is worth.

    The moments of the logarithms of a scaled F distribution: Smyth 2004, section 6.2. Variances that differ by no more
    than chance are worth MAX_DF.
    """
    from scipy import optimize, special

    logs = np.log(variances) - special.digamma(df / 2) + np.log(df / 2)
    excess = float(logs.var(ddof=1)) - float(special.polygamma(1, df / 2))
    if excess <= special.polygamma(1, MAX_DF / 2):
        prior_df = MAX_DF
    else:
        prior_df = 2 * optimize.brentq(lambda half: special.polygamma(1, half) - excess, 1e-6, MAX_DF)
    return float(np.exp(logs.mean() + special.digamma(prior_df / 2) - np.log(prior_df / 2))), float(prior_df)


def _wilson(p: float, size: float, quantile: float) -> Interval:
    square = quantile**2 / size
    centre = (p + square / 2) / (1 + square)
    half = np.sqrt(p * (1 - p) * square + square**2 / 4) / (1 + square)
    # rounding must not leave the estimate outside where it is 0 or 1
    return Interval(p, min(max(float(centre - half), 0.0), p), max(min(float(centre + half), 1.0), p))


def proportion_bound(count: int, total: int, confidence: float = 0.95) -> float:
    """Return the upper bound of a share of which `count` of `total` were seen: 0 of 5 is compatible with up to 45 %.

    Clopper and Pearson, "The use of confidence or fiducial limits", Biometrika 26, 1934, one-sided.
    """
    from scipy import special

    return 1.0 if count >= total else float(special.betaincinv(count + 1, total - count, confidence))
