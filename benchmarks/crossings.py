"""How often the two sizes that a sweep names hold the true crossing, and how often equal groups are told apart.

    python -m benchmarks.crossings [--quick]

Studies of two arms at seven batch sizes come from a generator of its own: the difference falls linearly in log2 of the
size, in one step between two sizes, or hardly at all. Seeds and test images add noise. They go through the same
comparisons as a real sweep's. The exit code is 1 where the 95 % interval of a share lies outside its bound.
"""

import argparse
import os
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial

os.environ.setdefault("OMP_NUM_THREADS", "1")  # a process per core

import numpy as np
from numpy.typing import NDArray
from scipy import stats as scipy_stats

from whichnorm import stats

SIZES = (2, 4, 8, 16, 32, 64, 128)
ALPHA = 0.05
SEED_DEVIATION = 0.01  # of one arm's accuracy, as a fraction
ACCURACY = 0.7

Arms = tuple[NDArray[np.bool_], NDArray[np.bool_]]  # (K, num_seeds, N) each


@dataclass(frozen=True, kw_only=True)
class Curve:
    """The true difference of two arms, which is zero at `place` alone; `of` has it by octaves above this."""

    name: str
    place: float
    of: Callable[[NDArray[np.float64]], NDArray[np.float64]]

    def __str__(self) -> str:
        return self.name

    def differences(self) -> NDArray[np.float64]:
        """Return the accuracy of a less that of b at each size, (K,)."""
        return np.asarray(self.of(np.log2(SIZES) - np.log2(self.place)))


CURVES = (
    Curve(name="linear", place=2**2.5, of=lambda octaves: -0.03 * octaves),
    Curve(name="steep step", place=2**2.9, of=lambda octaves: np.where(octaves < 0, 0.3, -0.08)),
    Curve(name="flat", place=2**3.5, of=lambda octaves: -0.001 * np.sign(octaves)),
)


def study(curve: Curve, num_seeds: int, rng: np.random.Generator, num_images: int = 600) -> Arms:
    """Draw which images the two arms get right at every size; the mean accuracies are those of the curve."""
    ease, deviation = rng.normal(size=num_images), np.sqrt(1 + 1 + 0.25)  # of shared, single and an arm's own noise
    arms = []
    for half in (0.5, -0.5):
        accuracy = ACCURACY + half * curve.differences()[:, None]
        of_seeds = accuracy + rng.normal(0, SEED_DEVIATION, size=(len(SIZES), num_seeds))
        level = scipy_stats.norm.ppf(np.clip(of_seeds, 0.001, 0.999)) * deviation
        own = ease + rng.normal(0, 0.5, size=num_images)
        arms.append(level[:, :, None] + own + rng.normal(size=(len(SIZES), num_seeds, num_images)) > 0)
    return arms[0], arms[1]


def bracket(arms: Arms) -> tuple[float, float]:
    """Return between which sizes the arms change places; an end without a call is open, 0 or infinite."""
    found = [stats.paired_difference(a, b) for a, b in zip(*arms, strict=True)]
    called = stats.holm([one.p_value for one in found]) < ALPHA
    signs = np.array([np.sign(one.estimate) for one in found]) * called
    low = max((size for size, sign in zip(SIZES, signs, strict=True) if sign > 0), default=0)
    high = min((size for size, sign in zip(SIZES, signs, strict=True) if sign < 0), default=np.inf)
    return low, high
