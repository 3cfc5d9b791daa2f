"""How often the two sizes that a sweep names hold the true crossing, and how often equal groups are told apart.

    python -m benchmarks.crossings [--quick]

Studies of two arms at seven batch sizes come from a generator of its own: the difference falls linearly in log2 of the
size, in one step between two sizes, or hardly at all. Seeds and test images add noise. They go through the same
comparisons as a real sweep's. Numbers of groups come from a generator without a difference, or
with the same one for each doubling. The exit code is 1 where the 95 % interval of a share lies outside its bound.
"""

import argparse
import os
import sys
from collections.abc import Callable, Iterator
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
GROUPS = (1, 2, 4, 8, 16, 32)

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


@dataclass(frozen=True, kw_only=True)
class Line:
    """A share of studies, and the bounds that its 95 % interval must not leave out altogether."""

    what: str
    count: int
    studies: int
    low: float = 0.0
    high: float = 1.0

    @property
    def ok(self) -> bool:
        ends = stats.proportion_interval(self.count, self.studies)
        return ends.high >= self.low and ends.low <= self.high

    def __str__(self) -> str:
        ends = stats.proportion_interval(self.count, self.studies)
        share = f"{100 * ends.estimate:6.2f} % [{100 * ends.low:5.2f}, {100 * ends.high:5.2f}]"
        wanted = f"{100 * self.low:g} to {100 * self.high:g} %"
        return f"{self.what:<60} {self.studies:>6,}  {share}  {wanted:<12} {'ok' if self.ok else 'FAILS'}"


def crossed(place: int, num_seeds: int, index: int) -> tuple[bool, bool]:
    """Draw a study; tell whether the sizes hold the truth, and whether both ends are there."""
    curve = CURVES[place]
    low, high = bracket(study(curve, num_seeds, np.random.default_rng([1, place, num_seeds, index])))
    return low <= curve.place <= high, low > 0 and high < np.inf


def grouped(step: float, num_seeds: int, index: int) -> tuple[bool, bool, bool, bool]:
    """Draw a study of numbers of groups, `step` apart for each doubling.

    Tell whether a pair with the best one is called, after the correction for all pairs and for those with the best
    alone; whether a trend is called; and whether its interval holds the truth.
    """
    rng = np.random.default_rng([2, round(1e4 * step), num_seeds, index])
    correct = [draw(ACCURACY + step * place, num_seeds, rng) for place in range(len(GROUPS))]
    best = int(np.argmax([table.mean() for table in correct]))
    pairs = [(a, b) for a in range(len(GROUPS)) for b in range(a)]
    p_values = np.array([stats.paired_difference(correct[a], correct[b]).p_value for a, b in pairs])
    with_best = np.array([best in pair for pair in pairs])
    slope = stats.trend(np.log2(GROUPS), correct)
    ends = slope.interval()
    return (
        bool((stats.holm(p_values)[with_best] < ALPHA).any()), bool((stats.holm(p_values[with_best]) < ALPHA).any()),
        slope.p_value < ALPHA, ends.low <= step <= ends.high,
    )  # fmt: skip


def draw(accuracy: float, num_seeds: int, rng: np.random.Generator, num_images: int = 600) -> NDArray[np.bool_]:
    """Draw which images an arm gets right, (num_seeds, N)."""
    of_seeds = accuracy + rng.normal(0, SEED_DEVIATION, size=(num_seeds, 1))
    return rng.random((num_seeds, num_images)) < of_seeds


def crossing_lines(studies: int, pool: ProcessPoolExecutor) -> Iterator[Line]:
    for place, curve in enumerate(CURVES):
        for num_seeds in (3, 5):
            held, closed = np.array(list(pool.map(partial(crossed, place, num_seeds), range(studies), chunksize=25))).T
            what = f"{curve.name}, {num_seeds} seeds"
            yield Line(what=f"the two sizes hold the place: {what}", count=held.sum(), studies=studies, low=0.95)
            yield Line(what=f"both sizes are named: {what}", count=closed.sum(), studies=studies)


def group_lines(studies: int, pool: ProcessPoolExecutor) -> Iterator[Line]:
    for num_seeds in (3, 5):
        drawn = pool.map(partial(grouped, 0.0, num_seeds), range(studies), chunksize=25)
        pair, few, trend, held = np.array(list(drawn)).T.sum(axis=1).tolist()
        what = f"{len(GROUPS)} equal groups, {num_seeds} seeds"
        yield Line(what=f"false calls with the best: {what}", count=pair, studies=studies, high=ALPHA)
        yield Line(what=f"if corrected for these pairs alone: {what}", count=few, studies=studies)
        yield Line(what=f"false trends: {what}", count=trend, studies=studies, high=ALPHA)
        yield Line(what=f"the trend's interval: {what}", count=held, studies=studies, low=1 - ALPHA)
        drawn = pool.map(partial(grouped, 0.01, num_seeds), range(studies), chunksize=25)
        pair, _, trend, held = np.array(list(drawn)).T.sum(axis=1).tolist()
        what = f"1 point a doubling, {num_seeds} seeds"
        yield Line(what=f"a pair with the best is called: {what}", count=pair, studies=studies)
        yield Line(what=f"the trend is called: {what}", count=trend, studies=studies)
        yield Line(what=f"the trend's interval: {what}", count=held, studies=studies, low=1 - ALPHA)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="500 studies per setting in place of 2,000")
    studies = 500 if parser.parse_args().quick else 2000
    with ProcessPoolExecutor() as pool:
        lines = [*crossing_lines(studies, pool), *group_lines(studies, pool)]
    print(f"{'':<60} {'studies':>6}  {'share [95 % interval]':<24}  {'wanted':<12}")
    print("\n".join(map(str, lines)))
    return 0 if all(line.ok for line in lines) else 1


if __name__ == "__main__":
    sys.exit(main())
