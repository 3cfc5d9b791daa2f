"""Where along an axis of sizes the better of two arms changes."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from whichnorm.stats.crossed import CrossedMean

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Crossing:
    """The size below which one arm is better and above which the other is.

    `low` and `high` are the ends of the 95 % interval; None is an end beyond the measured sizes.
    """

    estimate: float
    low: float | None
    high: float | None
    better_below: Literal["a", "b"]
    num_seeds: int


@dataclass(frozen=True, eq=False)
class _Contrasts:
    """Estimates and errors of weighted sums over K sizes of the differences of two arms, with weights (K,)."""

    means: Floats  # (K,)
    of_seeds: Floats  # (K, K) covariance between sizes of a seed's difference
    of_images: Floats  # (K, K) that of an image's mean difference over seeds, the share of chance included
    of_rest: Floats  # (K, K) that of what seeds and images leave over
    num_seeds: int
    num_images: int

    def estimate(self, weights: Floats) -> float:
        return float(weights @ self.means)

    def half_width(self, weights: Floats, alpha: float) -> float:
        from scipy import stats

        def variance(covariance: Floats) -> float:
            return float(weights @ covariance @ weights)

        if self.num_seeds == 1:  # nothing is known of the noise between seeds
            return float(stats.norm.isf(alpha / 2) * np.sqrt(variance(self.of_images) / self.num_images))
        images = variance(self.of_images) - variance(self.of_rest) / self.num_seeds
        return CrossedMean(
            estimate=self.estimate(weights),
            num_seeds=self.num_seeds,
            seed_variance=max(variance(self.of_seeds), 1 / self.num_images**2),
            image_variance=max(images, 0.0) / self.num_images,
        ).half_width(alpha)


def find_crossing(
    sizes: ArrayLike, correct_a: ArrayLike, correct_b: ArrayLike, alpha: float = 0.05
) -> Crossing | None:  # fmt: skip
    """Find the size at which two arms are equally accurate, with its 1 - alpha interval, or None where none is crossed.

    sizes are (K,), rising; correct_a and correct_b (K, num_seeds, N) booleans of the same seeds and test images. The
    axis is log2(size). Between two sizes the mean difference is interpolated linearly, after a monotone fit (Barlow et
    al., "Statistical Inference under Order Restrictions", 1972), rising or falling, whichever is nearer: so there is
    one crossing at most.

    The interval is that of Fieller (J. Royal Statistical Society B 16, 1954): on each side it ends where the
    interpolated difference is first told from zero, with the seeds and the test images both taken as drawn at random.
    Other than a bootstrap's, which has no more than ten different resamples of three seeds, it holds with few seeds.
    With one seed it covers the choice of test images alone.
    """
    axis = np.log2(np.asarray(sizes, dtype=float))
    a, b = np.asarray(correct_a, dtype=float), np.asarray(correct_b, dtype=float)
    if a.ndim != 3 or a.shape != b.shape or axis.shape != a.shape[:1] or a.shape[1] < 1 or a.shape[2] < 2:
        raise ValueError(f"a crossing needs sizes (K,) and arms (K, num_seeds, N), got {axis.shape} and {a.shape}")
    if np.any(np.diff(axis) <= 0):
        raise ValueError(f"sizes must rise, got {axis.tolist()} as log2")
    contrasts = _contrasts(a - b)
    fit = _monotone(contrasts.means)
    place = _sign_change(axis, fit)
    if place is None:
        return None
    sign = float(np.sign(fit[0]))  # of the difference below the crossing
    low = _end(axis, contrasts, place, sign, alpha)
    high = _end(-axis[::-1], _reversed(contrasts), -place, -sign, alpha)
    return Crossing(
        estimate=float(2**place),
        low=None if low is None else float(2**low),
        high=None if high is None else float(2**-high),
        better_below="a" if sign > 0 else "b",
        num_seeds=contrasts.num_seeds,
    )


def _contrasts(d: Floats) -> _Contrasts:
    """Take differences (K, num_seeds, N) apart into what seeds, images and chance add."""
    num_sizes, num_seeds, num_images = d.shape
    of_seeds, of_images = d.mean(axis=2), d.mean(axis=1)
    means = d.mean(axis=(1, 2))
    rest = (d - of_seeds[:, :, None] - of_images[:, None, :] + means[:, None, None]).reshape(num_sizes, -1)
    df = max((num_seeds - 1) * (num_images - 1), 1)
    return _Contrasts(
        means=means,
        of_seeds=np.atleast_2d(np.cov(of_seeds)) if num_seeds > 1 else np.zeros((num_sizes, num_sizes)),
        of_images=np.atleast_2d(np.cov(of_images)),
        of_rest=rest @ rest.T / df,
        num_seeds=num_seeds,
        num_images=num_images,
    )


def _reversed(c: _Contrasts) -> _Contrasts:
    def turned(covariance: Floats) -> Floats:
        return covariance[::-1, ::-1]

    return _Contrasts(
        c.means[::-1], turned(c.of_seeds), turned(c.of_images), turned(c.of_rest), c.num_seeds, c.num_images
    )  # fmt: skip


def _monotone(values: Floats) -> Floats:
    """Return the nearer of the rising and the falling least-squares fit."""
    from sklearn.isotonic import isotonic_regression

    fits = [np.asarray(isotonic_regression(values, increasing=rising)) for rising in (False, True)]
    return min(fits, key=lambda fit: float(np.square(fit - values).sum()))


def _sign_change(axis: Floats, fit: Floats) -> float | None:
    """Return where a monotone fit goes through zero, the middle of where it is zero, or None."""
    before = np.flatnonzero(np.sign(fit) == np.sign(fit[0]))[-1]
    after = np.flatnonzero(np.sign(fit) == -np.sign(fit[0]))
    if fit[0] == 0 or len(after) == 0:
        return None
    if after[0] > before + 1:
        return float((axis[before + 1] + axis[after[0] - 1]) / 2)
    share = fit[before] / (fit[before] - fit[after[0]])
    return float(axis[before] + share * (axis[after[0]] - axis[before]))


def _end(axis: Floats, contrasts: _Contrasts, place: float, sign: float, alpha: float) -> float | None:
    """Return the place below `place` from which on the difference cannot be told to have this sign, or None."""
    from scipy import optimize

    def excess(x: float) -> float:
        weights = _weights(axis, x)
        return sign * contrasts.estimate(weights) - contrasts.half_width(weights, alpha)

    above = place
    for knot in axis[axis < place][::-1]:
        if excess(knot) > 0:
            return above if excess(above) >= 0 else float(optimize.brentq(excess, knot, above))
        above = float(knot)
    return None


def _weights(axis: Floats, x: float) -> Floats:
    """Return the weights (K,) of a linear interpolation at x."""
    return np.array([np.interp(x, axis, unit) for unit in np.eye(len(axis))])
