"""The search for an arm's learning rate: which rates are tried, and which is chosen. It knows no test accuracy."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from whichnorm.specs.arm import ArmSpec, parse_arm
from whichnorm.training.record import RunRecord

FACTORS = (0.25, 0.5, 1.0, 2.0, 4.0)  # of the shared rate
STEP = 2.0  # from one factor to the next
MAX_FURTHER = 2  # rates beyond the grid, if the best is at its end
FIRST_SEED = 1000  # far from the seeds that a study has or will be given, so that the search is not made again


@dataclass(frozen=True, kw_only=True)
class Search:
    """An arm's validation accuracy after one training at each rate, None for a training that did not finish.

    `accuracies` are by learning rate, smallest first; `shared` is the recipe's.
    """

    arm: str
    shared: float
    accuracies: Mapping[float, float | None]

    @property
    def best(self) -> float | None:
        """The rate of the highest validation accuracy; of equal ones that nearest the shared rate, then the smaller."""
        found = {rate: accuracy for rate, accuracy in self.accuracies.items() if accuracy is not None}
        return min(found, key=lambda rate: (-found[rate], abs(math.log2(rate / self.shared)), rate), default=None)

    @property
    def rate(self) -> float:
        """The chosen rate: the best, or the shared one if no training finished."""
        return self.shared if self.best is None else self.best

    @property
    def accuracy(self) -> float | None:
        """The validation accuracy at the chosen rate."""
        return self.accuracies.get(self.rate)

    @property
    def end(self) -> Literal["", "smallest", "largest"]:
        """Say at which end of the rates tried the best one is. If no training finished, a smaller rate may."""
        rates = list(self.accuracies)
        if self.best in (None, rates[0]):
            return "smallest"
        return "largest" if self.best == rates[-1] else ""

    @property
    def next_rate(self) -> float | None:
        """The rate to try next, one factor beyond the end at which the best is; None if the search is over."""
        if not self.end or len(self.accuracies) >= len(FACTORS) + MAX_FURTHER:
            return None
        rates = list(self.accuracies)
        return rates[0] / STEP if self.end == "smallest" else rates[-1] * STEP

    @property
    def tuned(self) -> ArmSpec:
        """The arm at the chosen rate; at the shared one it is the study's own arm."""
        arm = parse_arm(self.arm)
        return arm if self.rate == self.shared else replace(arm, learning_rate=self.rate)


def first_rates(shared: float) -> list[float]:
    """Return the rates that every arm is trained at."""
    return [factor * shared for factor in FACTORS]


def search_seed(seeds: Sequence[int]) -> int:
    """Return the search's seed, which is none of the study's."""
    return next(seed for seed in range(FIRST_SEED, FIRST_SEED + len(seeds) + 1) if seed not in seeds)


def search_of(arm: ArmSpec, shared: float, rates: Sequence[float], records: Sequence[RunRecord]) -> Search:
    """Take an arm's validation accuracies after the last epoch from the records of its trainings at these rates."""
    by_arm = {record.arm: record for record in records}
    accuracies = {rate: _accuracy(by_arm[str(replace(arm, learning_rate=rate))]) for rate in sorted(rates)}
    return Search(arm=str(arm), shared=shared, accuracies=accuracies)


def _accuracy(record: RunRecord) -> float | None:
    return record.last.val_accuracy if record.status == "finished" else None
