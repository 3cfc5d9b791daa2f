"""Two arms on the same seeds and test images: their difference, what it allows to say, and how many seeds it takes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from whichnorm.stats.crossed import CrossedMean, crossed_mean, quantile_of_two
from whichnorm.stats.intervals import Interval

POWER = 0.8  # the probability of a call that a planned number of seeds is to reach
MAX_SEEDS = 1000
MIN_P_VALUE = 1e-12
DRAWS = 4000


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
        return self._alpha_at(abs(self.estimate))

    def chance_below(self, value: float) -> float:
        """The confidence that the true difference is below a value: the level of the one-sided interval up to it.

        The distribution whose quantiles are the ends of all intervals. Schweder and Hjort, "Confidence and likelihood",
        Scandinavian Journal of Statistics 29, 2002.
        """
        tail = self._alpha_at(abs(value - self.estimate)) / 2
        return 1 - tail if value > self.estimate else tail

    def equivalence_p_value(self, margin: float) -> float:
        """The p-value of a difference of the margin or more: the larger of two one-sided tests.

        Below 0.05 where the 90 % interval lies within the margin on both sides. Schuirmann, "A comparison of the two
        one-sided tests procedure and the power approach", J. Pharmacokinetics and Biopharmaceutics 15, 1987.
        """
        return max(1 - self.chance_below(margin), self.chance_below(-margin))

    def _alpha_at(self, distance: float) -> float:
        """Return the alpha whose interval is this long on each side."""
        from scipy import optimize

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
    effect: ArrayLike, num_seeds: int, seed_variance: ArrayLike, image_variance: float, alpha: float = 0.05
) -> NDArray[np.float64]:
    """The probability that an effect is called at this number of seeds; effects and seed variances are broadcast.

    The mean is normal; the estimated seed variance is chi-squared and independent of it, and is integrated out.
    """
    from scipy import special

    ratio, weights = variance_ratios(num_seeds - 1)  # of estimated to true variance
    of_mean = np.asarray(seed_variance, dtype=float)[..., None] / num_seeds
    half = np.sqrt(of_mean * ratio + image_variance)
    half = half * quantile_of_two(of_mean * ratio, image_variance, num_seeds - 1, alpha)
    spread, means = np.sqrt(of_mean + image_variance), np.asarray(effect, dtype=float)[..., None]
    called = special.ndtr((means - half) / spread) + special.ndtr((-means - half) / spread)
    return np.asarray(called @ weights)


def variance_ratios(df: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return what an estimated variance may be, as multiples of the true one, and the probability that each stands for.

    Gauss-Legendre nodes on the quantiles of chi-squared / df.
    """
    from scipy import special

    nodes, weights = special.roots_legendre(64)
    return special.chdtri(df, (1 - nodes) / 2) / df, weights / 2


def seeds_needed(
    found: PairedDifference, effect: float, alpha: float = 0.05, confidence: float = 0.8
) -> tuple[int | None, int | None]:  # fmt: skip
    """The least and the most seeds at which an effect of this size is called with a probability of 80 %.

    The seed variance is itself an estimate from few seeds: the range is that of the central `confidence` interval of
    it, from scaled inverse chi-squared with num_seeds - 1 degrees of freedom. None stands for more than MAX_SEEDS: no
    number of seeds helps where the choice of test images alone hides the effect.
    """
    from scipy import special

    df = found.mean.num_seeds - 1
    tails = np.array([1 - confidence, 1 + confidence]) / 2
    low, high = found.mean.seed_variance * df / special.chdtri(df, tails)
    return _least_seeds(effect, low, found.mean.image_variance, alpha), _least_seeds(
        effect, high, found.mean.image_variance, alpha
    )


def _least_seeds(effect: float, seed_variance: float, image_variance: float, alpha: float) -> int | None:
    def enough(num_seeds: int) -> bool:
        return bool(power(effect, num_seeds, seed_variance, image_variance, alpha) >= POWER)

    if not enough(MAX_SEEDS):
        return None
    low, high = 1, MAX_SEEDS
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def chance_settled(found: PairedDifference, num_seeds: int, alpha: float, margin: float) -> float:
    """The probability that at this larger number of seeds the difference is called, or known to be below the margin.

    The seed variance and the true difference are drawn from what is known of them, the means of the seeds to come from
    these: a predictive probability. Spiegelhalter, Freedman and Blackburn, "Monitoring clinical trials: conditional or
    predictive power?", Controlled Clinical Trials 7, 1986.
    """
    rng, now, images = np.random.default_rng(0), found.mean.num_seeds, found.mean.image_variance
    variances = found.mean.seed_variance * (now - 1) / rng.chisquare(now - 1, size=DRAWS)
    truths = found.estimate + np.sqrt(variances / now) * rng.standard_normal(DRAWS)  # on these test images
    coming = truths + np.sqrt(variances / (num_seeds - now)) * rng.standard_normal(DRAWS)
    means = (now * found.estimate + (num_seeds - now) * coming) / num_seeds
    of_mean = variances / num_seeds
    spread = np.sqrt(of_mean + images)
    half, equivalent = (spread * quantile_of_two(of_mean, images, num_seeds - 1, level) for level in (alpha, 2 * alpha))
    return float(np.mean((np.abs(means) > half) | (np.abs(means) + equivalent < margin)))
