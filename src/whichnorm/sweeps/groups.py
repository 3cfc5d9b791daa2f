"""GroupNorm over its number of groups: which arms these are, and whether accuracy has a trend over the number."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from whichnorm import stats
from whichnorm.norms import GroupNormSpec
from whichnorm.results.results import Results
from whichnorm.specs.arm import parse_arm

Unit = Literal["number of groups", "channels per group"]
UNITS: tuple[Unit, ...] = ("number of groups", "channels per group")
MIN_ARMS = 3  # of a trend: two are a difference


@dataclass(frozen=True, kw_only=True)
class GroupTrend:
    """The change of test accuracy with each doubling of a number of groups, or of channels in each, at one point.

    It is the slope of a straight line over log2 of the number, paired by seed and test image. The interval is 95 % on
    its own; `adjusted_p` is corrected by Holm's method over the trends of a sweep.
    """

    point: str
    unit: Unit
    numbers: tuple[int, ...]
    seeds: tuple[int, ...]
    per_doubling: float
    ci95: tuple[float, float]
    p_value: float
    adjusted_p: float

    @property
    def error_ci95(self) -> tuple[float, float]:
        """The interval of the change of test error."""
        return -self.ci95[1], -self.ci95[0]

    @property
    def called(self) -> bool:
        return self.adjusted_p < 0.05


def of_groups(arms: Sequence[str], unit: Unit) -> list[tuple[float, str]]:
    """Return (number, arm) of plain GroupNorm arms, by number; one channel per group is infinitely many groups."""
    return sorted(_numbered(arms, unit))


def _numbered(arms: Sequence[str], unit: Unit) -> Iterator[tuple[float, str]]:
    for arm in arms:
        norm = parse_arm(arm).norm
        if not isinstance(norm, GroupNormSpec) or arm != norm.kind:
            continue
        if unit == "channels per group":
            if norm.channels_per_group:
                yield norm.channels_per_group, arm
        elif norm.num_groups:
            yield norm.num_groups, arm
        elif norm.channels_per_group == 1:
            yield math.inf, arm


def all_groups(arms: Sequence[str]) -> set[str]:
    """Return the arms that differ in their groups alone; none where there are fewer than three."""
    found = {arm for unit in UNITS for _, arm in of_groups(arms, unit)}
    return found if len(found) >= MIN_ARMS else set()


def find_trends(studies: Sequence[tuple[str, Results]], labels: Sequence[int]) -> tuple[GroupTrend, ...]:
    """Return the trends at every point that has three numbers or more at two common seeds; labels are (N,)."""
    found = [trend for name, study in studies for unit in UNITS for trend in _trend(name, study, unit, labels)]
    adjusted = stats.holm([trend.p_value for trend in found]).tolist() if found else []
    return tuple(replace(trend, adjusted_p=p) for trend, p in zip(found, adjusted, strict=True))


def _trend(name: str, study: Results, unit: Unit, labels: Sequence[int]) -> Iterator[GroupTrend]:
    runs = {number: {run.seed: run for run in study.finished(arm)} for number, arm in of_groups(study.arm_names, unit)}
    numbers = [int(number) for number, of_seeds in runs.items() if of_seeds and number < math.inf]
    if len(numbers) < MIN_ARMS:
        return
    seeds = sorted(set.intersection(*(set(runs[number]) for number in numbers)))
    if len(seeds) < 2:
        return
    correct = [[np.equal(runs[number][seed].test_predictions, labels) for seed in seeds] for number in numbers]
    slope = stats.trend(np.log2(numbers), correct)
    interval, p = slope.interval(), slope.p_value
    yield GroupTrend(
        point=name, unit=unit, numbers=tuple(numbers), seeds=tuple(seeds), per_doubling=slope.estimate,
        ci95=(interval.low, interval.high), p_value=p, adjusted_p=p,
    )  # fmt: skip
