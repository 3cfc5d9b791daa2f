"""Two arms on the same seeds and test images: their difference, what it allows to say, and how many seeds it takes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from whichnorm.stats.crossed import CrossedMean, crossed_mean, quantile_of_two
from whichnorm.stats.intervals import Interval

POWER = 0.8  # the probability of a call that a planned number of seeds is to reach
MAX_SEEDS = 1000
MIN_P_VALUE = 1e-12


@dataclass(frozen=True, kw_only=True)
class PairedDifference:
    """The mean difference a - b of two arms' accuracies over common seeds and images."""

    mean: CrossedMean

    @property
    def estimate(self) -> float:
        return self.mean.estimate

    def interval(self, alpha: float = 0.05) -> Interval:
        """The 1 - alpha interval, over new seeds and new test images."""
        half = self.mean.half_width(alpha)
        return Interval(self.estimate, self.estimate - half, self.estimate + half).clipped(-1, 1)

    @property
    def p_value(self) -> float:
        """The two-sided p-value of no difference: the largest alpha whose interval takes in zero."""
        from scipy import optimize

        distance = abs(self.estimate)
        if distance == 0:
            return 1.0
        if self.mean.half_width(MIN_P_VALUE) <= distance:
            return MIN_P_VALUE
        return float(optimize.brentq(lambda alpha: self.mean.half_width(alpha) - distance, MIN_P_VALUE, 1.0))

    @property
    def chance_a_wins(self) -> float:
        """The probability that at a new seed, on the same test images, a is more accurate than b.

        Student's predictive distribution of one more value; a seed gives both arms the same start and images.
        """
        from scipy import special

        num_seeds = self.mean.num_seeds
        spread = np.sqrt(self.mean.seed_variance * (1 + 1 / num_seeds))
        return float(special.stdtr(num_seeds - 1, self.estimate / spread))


def paired_difference(correct_a: ArrayLike, correct_b: ArrayLike) -> PairedDifference:
    """Compare two arms; correct_a and correct_b are (num_seeds, N) booleans of the same seeds and images.

    At least two seeds are needed: one tells nothing of the noise between seeds.
    """
    a, b = np.asarray(correct_a, dtype=float), np.asarray(correct_b, dtype=float)
    if a.shape != b.shape:
        raise ValueError(f"pairs need equal shapes (num_seeds, N), got {a.shape} and {b.shape}")
    return PairedDifference(mean=crossed_mean(a - b))


def power(
    effect: float, num_seeds: int, seed_variance: ArrayLike, image_variance: float, alpha: float = 0.05
) -> NDArray[np.float64]:
    """The probability that an effect of this size is called at this number of seeds, for each of the seed variances.

    The mean is normal; the estimated seed variance is chi-squared and independent of it, and is integrated out.
    """
    from scipy import special

    ratio, weights = _variance_ratios(num_seeds - 1)  # of estimated to true variance
    of_mean = np.atleast_1d(np.asarray(seed_variance, dtype=float))[:, None] / num_seeds
    half = np.sqrt(of_mean * ratio + image_variance)
    half = half * quantile_of_two(of_mean * ratio, image_variance, num_seeds - 1, alpha)
    spread = np.sqrt(of_mean + image_variance)
    called = special.ndtr((effect - half) / spread) + special.ndtr((-effect - half) / spread)
    return np.asarray(called @ weights)


def _variance_ratios(df: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return what an estimated variance may be, as multiples of the true one, and the probability that each stands for.

    Gauss-Legendre nodes on the quantiles of chi-squared / df.
    """
    from scipy import special

    nodes, weights = special.roots_legendre(64)
    return special.chdtri(df, (1 - nodes) / 2) / df, weights / 2


def seeds_needed(found: PairedDifference, effect: float, alpha: float = 0.05) -> int | None:
    """The least number of seeds at which an effect of this size is called with a probability of 80 %, or None.

    The seed variance is itself an estimate from few seeds, so the probability is averaged over what it may be: scaled
    inverse chi-squared with num_seeds - 1 degrees of freedom. No number of seeds helps where the choice of test images
    alone hides the effect; none above MAX_SEEDS is given.
    """
    ratios, weights = _variance_ratios(found.mean.num_seeds - 1)
    variances = found.mean.seed_variance / ratios

    def enough(num_seeds: int) -> bool:
        called = power(effect, num_seeds, variances, found.mean.image_variance, alpha)
        return bool(called @ weights >= POWER)

    if not enough(MAX_SEEDS):
        return None
    low, high = 1, MAX_SEEDS
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high
