"""Whether the verdict's error rates, power and intervals are what they say, on simulated studies.

    python -m benchmarks.calibration [--quick]

Studies come from a generator with the noise between seeds and between test images that was measured on real runs
(benchmarks/noise.json, made by benchmarks.noise), and go through the same functions as a real study's answers. The
exit code is 1 where a bound fails: a coverage or a power whose estimate is outside its bounds, and a rate of false
calls whose 95 % interval is above its own, since the estimate of a rate of exactly 5 % is above that in every second
simulation. benchmarks.same_norm makes the same check on real trainings of equal arms.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial

os.environ.setdefault("OMP_NUM_THREADS", "1")  # a process per core

import numpy as np
from numpy.typing import NDArray
from scipy import stats as scipy_stats

from benchmarks.noise import FILE, Noise
from whichnorm import stats
from whichnorm.results.comparisons import CANNOT_TELL, Comparison, compare_arms, fixed_rule, growing_rule
from whichnorm.results.verdict import judge
from whichnorm.specs.study import UntilSure

EFFECT = 0.01  # one point
MAX_FALSE_CALLS, MIN_POWER, COVERAGE = 0.05, 0.80, (0.93, 0.97)
PILOT = 3  # seeds from which the tool says how many are needed
LOOKS = UntilSure()
NUM_CLASSES = 10


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of the table: a share of studies, and the bounds that it has to keep."""

    what: str
    count: int
    studies: int
    low: float = 0.0
    high: float = 1.0
    by_interval: bool = False  # fails only where the interval of the share leaves out the bound
    note: str = ""

    @property
    def share(self) -> float:
        return self.count / self.studies

    @property
    def ok(self) -> bool:
        lowest = self.interval.low if self.by_interval else self.share
        return self.low <= self.share and lowest <= self.high

    @property
    def interval(self) -> stats.Interval:
        return stats.proportion_interval(self.count, self.studies)

    def __str__(self) -> str:
        ends = self.interval
        wanted = f"{100 * self.low:g} to {100 * self.high:g} %"
        share = f"{100 * self.share:6.2f} % [{100 * ends.low:5.2f}, {100 * ends.high:5.2f}]"
        return f"{self.what:<52} {self.studies:>6,}  {share}  {wanted:<13} {'ok' if self.ok else 'FAILS'}  {self.note}"


class Generator:
    """Draws studies of arms on one set of test images; more seeds can be added to a study."""

    def __init__(self, noise: Noise, accuracies: Sequence[float], rng: np.random.Generator) -> None:
        self.noise, self.rng = noise, rng
        spread = np.sqrt(1 + noise.image_shared**2 + noise.image_own**2 + noise.seed**2)
        levels = scipy_stats.norm.ppf(accuracies) * spread  # so that the mean over seeds and images is exact
        shared = noise.image_shared * self._normal(noise.num_images)
        self.ease = [level + shared + noise.image_own * self._normal(noise.num_images) for level in levels]  # (N,)

    def _normal(self, size: int) -> NDArray[np.float32]:
        return self.rng.standard_normal(size, dtype=np.float32)

    def run(self, arm: int, luck: float | None = None) -> NDArray[np.bool_]:
        """Return which images (N,) one more run of an arm gets right, with the seed's luck drawn or given."""
        luck = self.noise.seed * self.rng.standard_normal() if luck is None else luck
        return self._normal(self.noise.num_images) < self.ease[arm] + np.float32(luck)

    def study(self, seeds: Sequence[int]) -> dict[str, dict[int, NDArray[np.bool_]]]:
        return {f"arm {arm}": {seed: self.run(arm) for seed in seeds} for arm in range(len(self.ease))}


def covers(ends: tuple[float, float], truth: float) -> bool:
    return ends[0] <= truth <= ends[1]


def fixed(noise: Noise, num_arms: int, num_seeds: int, index: int) -> dict[str, bool]:
    """A study of equal arms with a fixed number of seeds: what is called, and which intervals hold the truth."""
    generator = Generator(noise, [noise.accuracy] * num_arms, np.random.default_rng([1, num_arms, num_seeds, index]))
    correct = generator.study(range(num_seeds))
    comparisons = compare_arms(correct, fixed_rule([tuple(range(num_seeds))]))
    arm = np.stack(list(correct["arm 0"].values()))
    accuracies = arm.mean(axis=1).tolist()
    of_class = stats.crossed_interval(arm[:, : noise.num_images // NUM_CLASSES])
    of_arm = stats.crossed_interval(arm)
    found = {
        "call": any(c.call != CANNOT_TELL for c in comparisons),
        "arm": covers((of_arm.low, of_arm.high), noise.accuracy),
        "class": covers((of_class.low, of_class.high), noise.accuracy),
    }
    if num_seeds > 1:
        of_seeds = stats.mean_interval(accuracies)  # of these images, as for training and validation accuracies
        found["difference"] = covers(comparisons[0].ci95, 0.0)
        found["mean"] = covers((of_seeds.low, of_seeds.high), float(_given_images(generator, noise)))
    return found


def _given_images(generator: Generator, noise: Noise) -> float:
    """Return the mean accuracy over seeds on a study's own images."""
    return float(scipy_stats.norm.cdf(generator.ease[0] / np.sqrt(1 + noise.seed**2)).mean())


def one_seed(noise: Noise, index: int) -> dict[str, bool]:
    """Two runs of equal arms: whether anything is called, and the intervals over test images of these two runs."""
    rng = np.random.default_rng([2, index])
    generator = Generator(noise, [noise.accuracy] * 2, rng)
    luck = noise.seed * rng.standard_normal(2)
    answers = [generator.run(arm, luck[arm]) for arm in range(2)]
    spread = np.sqrt(1 + noise.image_shared**2 + noise.image_own**2)
    level = scipy_stats.norm.ppf(noise.accuracy) * np.sqrt(spread**2 + noise.seed**2)
    truth = scipy_stats.norm.cdf((level + luck) / spread)  # over all images, of these two runs
    (comparison,) = compare_arms({"a": {0: answers[0]}, "b": {0: answers[1]}}, fixed_rule([(0,)]))
    wilson = stats.crossed_interval(answers[0][None])
    return {
        "call": comparison.call != CANNOT_TELL,
        "difference": covers(comparison.ci95, float(truth[0] - truth[1])),
        "arm": covers((wilson.low, wilson.high), float(truth[0])),
    }


def planned(noise: Noise, index: int) -> dict[str, float]:
    """A study with a true difference of one point: a pilot, then as many seeds as it says are needed."""
    truth = [noise.accuracy + EFFECT / 2, noise.accuracy - EFFECT / 2]
    generator = Generator(noise, truth, np.random.default_rng([3, index]))
    correct = generator.study(range(PILOT))
    tables = [np.stack(list(arm.values())) for arm in correct.values()]
    _, next_share = stats.unplanned_shares(2)
    low, needed = stats.seeds_needed(stats.paired_difference(*tables), EFFECT, 0.05 * next_share)
    if low is None or needed is None:
        return {"planned": False, "call": False, "needed": np.nan, "wrong": False}
    for seed in range(PILOT, needed):
        for place, arm in enumerate(correct.values()):
            arm[seed] = generator.run(place)
    (comparison,) = compare_arms(correct, fixed_rule([tuple(range(PILOT)), tuple(range(needed))]))
    return {
        "planned": True,
        "call": comparison.call == "better",
        "needed": needed,
        "wrong": comparison.call == "worse",
    }


def until_sure(noise: Noise, effect: float, index: int) -> dict[str, float]:
    """A study of two arms to which seeds are added until it is sure."""
    truth = [noise.accuracy + effect / 2, noise.accuracy - effect / 2]
    generator = Generator(noise, truth, np.random.default_rng([4, int(1e4 * effect), index]))
    correct: dict[str, dict[int, NDArray[np.bool_]]] = {"a": {}, "b": {}}
    for num_seeds in stats.looks(LOOKS.max_seeds):
        for place, arm in enumerate(correct.values()):
            for seed in range(len(arm), num_seeds):
                arm[seed] = generator.run(place)
        comparison = look(correct)
        if comparison.settled:
            break
    return {
        "call": comparison.call == "better",
        "wrong": comparison.call == "worse" or (effect == 0 and comparison.call == "better"),
        "settled": comparison.settled,
        "seeds": num_seeds,
        "covers": covers(comparison.ci95, effect),
    }


def look(correct: dict[str, dict[int, NDArray[np.bool_]]]) -> Comparison:
    (comparison,) = compare_arms(correct, growing_rule(tuple(correct["a"]), LOOKS))
    return comparison


def naming(noise: Noise, leads: Sequence[float], num_seeds: int, index: int) -> dict[str, float]:
    """A study of arms that are better than a common accuracy by their leads: which is named, which are the same."""
    accuracies = [noise.accuracy + lead for lead in leads]
    generator = Generator(
        noise, accuracies, np.random.default_rng([5, len(leads), num_seeds, int(1e4 * leads[0]), index])
    )
    correct = generator.study(range(num_seeds))
    means = {arm: float(np.mean(list(runs.values()))) for arm, runs in correct.items()}
    comparisons = compare_arms(correct, fixed_rule([tuple(range(num_seeds))]))
    outcome, _ = judge(means, comparisons)
    assert outcome is not None
    truly = dict(zip(correct, accuracies, strict=True))
    return {
        "named": outcome.kind == "best",
        "right": outcome.kind == "best" and outcome.front == "arm 0",
        "same": any(c.same for c in comparisons if abs(truly[c.a] - truly[c.b]) >= c.margin - 1e-9),
    }


def naming_lines(noise: Noise, studies: int, pool: ProcessPoolExecutor) -> list[Line]:
    lines = []
    for num_arms in (3, 5):
        found = simulate(partial(naming, noise, [0.0] * num_arms, 5), studies, pool)
        lines.append(false_calls(f"one of {num_arms} equal arms is named best, 5 seeds", found["named"]))
    found = simulate(partial(naming, noise, [0.03, 0.0, 0.0, 0.0, 0.0], 5), studies, pool)
    lines.append(
        Line(what="the best of 5, 3 points ahead, is named, 5 seeds", count=int(found["right"].sum()), studies=studies)
    )
    found = simulate(
        partial(naming, replace(noise, seed=noise.seed / 4), [0.005, 0.0, 0.0, 0.0, 0.0], 5), studies, pool
    )
    return [*lines, false_calls("0.5 points apart said to be the same, 5 arms", found["same"])]


def simulate(draw: Callable[[int], Mapping[str, float]], studies: int, pool: ProcessPoolExecutor) -> dict[str, NDArray]:
    """Draw studies in all processes and return what they found, by name."""
    found = list(pool.map(draw, range(studies), chunksize=max(1, studies // 40)))
    return {key: np.array([study[key] for study in found]) for key in found[0]}


def coverage(what: str, held: NDArray) -> Line:
    return Line(
        what=f"95 % interval: {what}", count=int(held.sum()), studies=len(held), low=COVERAGE[0], high=COVERAGE[1]
    )


def false_calls(what: str, called: NDArray) -> Line:
    what, count = f"false calls: {what}", int(called.sum())
    return Line(what=what, count=count, studies=len(called), high=MAX_FALSE_CALLS, by_interval=True)


def fixed_lines(noise: Noise, num_arms: int, num_seeds: int, studies: int, pool: ProcessPoolExecutor) -> list[Line]:
    found = simulate(partial(fixed, noise, num_arms, num_seeds), studies, pool)
    seeds = f"{num_seeds} seeds"
    lines = [false_calls(f"{num_arms} equal arms, {seeds}", found["call"])]
    if num_arms > 2:
        return lines
    return [
        *lines,
        coverage(f"paired difference, {seeds}", found["difference"]),
        coverage(f"an arm's accuracy, {seeds}", found["arm"]),
        coverage(f"accuracy on one class, {seeds}", found["class"]),
        coverage(f"mean over seeds (Student), {seeds}", found["mean"]),
    ]


def one_seed_lines(noise: Noise, studies: int, pool: ProcessPoolExecutor) -> list[Line]:
    found = simulate(partial(one_seed, noise), studies, pool)
    return [
        false_calls("2 equal arms, 1 seed", found["call"]),
        coverage("two runs over test images, 1 seed", found["difference"]),
        coverage("one run over test images, 1 seed", found["arm"]),
    ]


def planned_lines(noise: Noise, studies: int, pool: ProcessPoolExecutor) -> list[Line]:
    found = simulate(partial(planned, noise), studies, pool)
    quartiles = np.nanpercentile(found["needed"], [25, 50, 75]).astype(int).tolist()
    return [
        Line(
            what=f"1 point found at the seeds said from {PILOT}", count=int(found["call"].sum()), studies=studies,
            low=MIN_POWER, note=f"seeds: median {quartiles[1]}, quartiles {quartiles[0]} and {quartiles[2]}",
        ),
        Line(what="1 point called the wrong way round", count=int(found["wrong"].sum()), studies=studies, high=0.025),
    ]  # fmt: skip


def until_sure_lines(noise: Noise, effect: float, studies: int, pool: ProcessPoolExecutor) -> list[Line]:
    found = simulate(partial(until_sure, noise, effect), studies, pool)
    settled = f"settled {found['settled'].mean():.0%}, seeds: mean {found['seeds'].mean():.1f}"
    if effect == 0:
        line = false_calls(f"2 equal arms, until sure to {100 * LOOKS.margin:g} points", found["wrong"])
        lines = [replace(line, note=settled)]
    else:
        what = f"until sure: {100 * effect:g} points found by {LOOKS.max_seeds} seeds"
        lines = [Line(what=what, count=int(found["call"].sum()), studies=studies, note=settled)]
    what = f"until sure, interval over all looks, {100 * effect:g} points apart"
    return [*lines, Line(what=what, count=int(found["covers"].sum()), studies=studies, low=COVERAGE[0])]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="1,000 studies per setting, the settings of most use")
    args = parser.parse_args()
    noise = Noise(**json.loads(FILE.read_text()))
    studies = 1000 if args.quick else 2000
    started = time.perf_counter()
    with ProcessPoolExecutor() as pool:
        lines = one_seed_lines(noise, studies, pool)
        for num_seeds in (3, 5) if args.quick else (2, 3, 4, 5, 10):
            lines += fixed_lines(noise, 2, num_seeds, studies, pool)
        lines += [] if args.quick else fixed_lines(noise, 4, 3, studies, pool)
        lines += naming_lines(noise, studies, pool)
        lines += planned_lines(noise, studies, pool)
        for effect in (0.0,) if args.quick else (0.0, EFFECT, 2 * EFFECT):
            lines += until_sure_lines(noise, effect, studies, pool)
    print(f"noise: {noise}")
    print(f"{time.perf_counter() - started:.0f} s\n")
    print(f"{'':<52} {'studies':>6}  {'share [95 % interval]':<24}  {'wanted':<13}")
    print("\n".join(map(str, lines)))
    return 0 if all(line.ok for line in lines) else 1


if __name__ == "__main__":
    sys.exit(main())
