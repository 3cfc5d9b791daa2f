"""Estimating the curves: one value per seed and epoch in, mean and band per epoch out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from whichnorm import stats
from whichnorm.results.results import Results
from whichnorm.training.record import EpochRow, RunRecord

Band = Literal["none", "range", "interval"]
Split = Literal["train", "val", "test"]
ENOUGH_SEEDS = 3  # a t interval of two values spans 25 standard errors: no use in a picture


@dataclass(frozen=True, kw_only=True, eq=False)
class Curve:
    """A quantity over epochs: mean, low and high are (num_epochs,), NaN where a seed has no value.

    The band is the 95 % t interval of the mean over the seeds, their range, or none for one seed.
    """

    mean: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    num_seeds: int
    band: Band

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values, None for what is not finite."""
        means, lows, highs = (
            [value if np.isfinite(value) else None for value in part.tolist()]
            for part in (self.mean, self.low, self.high)
        )
        return {"mean": means, "low": lows, "high": highs, "num_seeds": self.num_seeds, "band": self.band}


def estimate_curve(values: Sequence[Sequence[float | None]], bounds: tuple[float, float] = (0, float("inf"))) -> Curve:
    """Estimate a curve from one sequence per seed; a run that stopped early has no values after its end."""
    table = np.full((len(values), max(map(len, values))), np.nan)  # (num_seeds, num_epochs)
    for row, run in zip(table, values, strict=True):
        row[: len(run)] = [np.nan if v is None else v for v in run]
    mean = table.mean(axis=0)
    if len(table) < ENOUGH_SEEDS:
        band: Band = "range" if len(table) > 1 else "none"
        # min and max give NaN where a seed has none, like the mean
        return Curve(mean=mean, low=table.min(axis=0), high=table.max(axis=0), num_seeds=len(table), band=band)
    intervals = [stats.mean_interval(column) for column in table.T.tolist()]
    low, high = np.array([(i.low, i.high) for i in intervals]).T
    low, high = np.maximum(low, bounds[0]), np.minimum(high, bounds[1])
    return Curve(mean=mean, low=low, high=high, num_seeds=len(table), band="interval")


def drawn_runs(results: Results, arm: str) -> list[RunRecord]:
    """Return the runs whose curves stand for an arm: the finished ones, or else those that got anywhere."""
    finished = list(results.finished(arm))
    return finished or [r for r in results.records if r.arm == arm and r.epochs]


def loss_curve(runs: Sequence[RunRecord], split: Split) -> Curve:
    """Estimate the loss of a split, in nats per image."""
    return estimate_curve(_column(runs, lambda row: getattr(row, f"{split}_loss")))


def accuracy_curve(runs: Sequence[RunRecord], split: Split) -> Curve:
    """Estimate the accuracy on a split, in [0, 1]."""
    return estimate_curve(_column(runs, lambda row: getattr(row, f"{split}_accuracy")), bounds=(0, 1))


def _column(runs: Sequence[RunRecord], get: Callable[[EpochRow], float | None]) -> list[list[float | None]]:
    return [[get(row) for row in run.epochs] for run in runs]
