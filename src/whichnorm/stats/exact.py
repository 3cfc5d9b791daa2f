"""Exact tests of paired counts, and the correction for their number."""

from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray


def sign_flip_p_value(differences: ArrayLike) -> float:
    """Exact two-sided p-value of a sum of paired integer differences whose signs are as likely + as -.

    differences is (N,), one per image. With differences of -1, 0 and 1 this is McNemar's exact test.
    Fisher, "The Design of Experiments", 1935, section 21.
    """
    from scipy import stats

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
    return _stepwise(p, len(p) - np.arange(len(p)))


def shaffer(p_values: ArrayLike, num_arms: int) -> NDArray[np.float64]:
    """Return p-values (P,) of pairs of `num_arms` arms adjusted for their number; pairs may be missing.

    As Holm's, over those that are there, but no step pays for more hypotheses than can be true at once: of three arms
    one difference leaves one equality at most. Shaffer, "Modified sequentially rejective multiple test procedures",
    JASA 81, 1986, procedure S1.
    """
    p, possible = np.asarray(p_values, dtype=float), _numbers_of_equalities(num_arms)
    pairs = num_arms * (num_arms - 1) // 2
    if len(p) > pairs:
        raise ValueError(f"{num_arms} arms have {pairs} pairs, got {len(p)} p-values")
    most = [max(n for n in possible if n <= pairs - step) for step in range(len(p))]
    return _stepwise(p, np.clip(most, 1, len(p) - np.arange(len(p))))


@cache
def _numbers_of_equalities(num_arms: int) -> frozenset[int]:
    """Return how many pairs of so many arms can be equal at once: arms fall into groups of equals."""
    if num_arms < 2:
        return frozenset({0})
    groups = range(1, num_arms + 1)
    return frozenset(
        size * (size - 1) // 2 + others for size in groups for others in _numbers_of_equalities(num_arms - size)
    )


def _stepwise(p: NDArray[np.float64], multipliers: NDArray[np.int64]) -> NDArray[np.float64]:
    """Adjust p-values by a step-down procedure; multipliers are those of its steps, from the smallest p-value on."""
    order = np.argsort(p, kind="stable")
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(np.maximum.accumulate(multipliers * p[order]), 1)
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
