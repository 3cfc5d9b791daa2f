"""Estimating the curves: one value per seed and epoch in, mean and band per epoch out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from whichnorm import stats
from whichnorm.analyses.analysis import NoOptions
from whichnorm.errors import StudyError
from whichnorm.results.results import Results
from whichnorm.specs.names import enclosed
from whichnorm.study.study import Study
from whichnorm.training.record import EpochRow, RunRecord, Status

Band = Literal["none", "range", "interval"]
Split = Literal["train", "val", "test"]
ENOUGH_SEEDS = 3  # a t interval of two values spans 25 standard errors: no use in a picture


@dataclass(frozen=True, kw_only=True, eq=False)
class Curve:
    """A quantity over epochs: values are (num_seeds, num_epochs); mean, low and high are (num_epochs,).

    A value is NaN if the run has none, and so are mean, low and high if one seed has none. The band from low to high is
    the 95 % t interval of the mean over the seeds, their range, or none for one seed.
    """

    values: NDArray[np.float64]
    mean: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    band: Band

    @property
    def num_seeds(self) -> int:
        return len(self.values)


@dataclass(frozen=True, kw_only=True, eq=False)
class SplitCurves:
    """Loss in nats per image and accuracy in [0, 1] on one split."""

    loss: Curve
    accuracy: Curve


@dataclass(frozen=True, kw_only=True, eq=False)
class ArmCurves:
    """An arm's curves in training and on the split that was held out, over the runs of `seeds`.

    `status` is theirs: "finished", or what became of the first if none finished. `left_out` are the seeds of runs that
    did not finish, beside others that did.
    """

    status: Status
    seeds: tuple[int, ...]
    left_out: tuple[int, ...]
    train: SplitCurves
    held_out: SplitCurves


@dataclass(frozen=True, kw_only=True, eq=False)
class CurvesFound:
    """The curves of every arm with a run that got through an epoch, and the names of the other arms."""

    split: Literal["val", "test"]  # that was held out
    arms: Mapping[str, ArmCurves]
    without: tuple[str, ...]


def measure(study: Study, results: Results, options: NoOptions) -> CurvesFound:
    """Estimate the curves of all arms; a StudyError if no run got through an epoch."""
    runs = {arm: drawn_runs(results, arm) for arm in results.arm_names}
    if not any(runs.values()):
        raise StudyError(f"no run of {enclosed(results.arm_names)} got through an epoch, so there are no curves")
    return CurvesFound(
        split=results.curves_split,
        arms={arm: _arm_curves(results, arm, of_arm) for arm, of_arm in runs.items() if of_arm},
        without=tuple(arm for arm, of_arm in runs.items() if not of_arm),
    )


def drawn_runs(results: Results, arm: str) -> list[RunRecord]:
    """Return the runs whose curves stand for an arm: the finished ones, or else those that got anywhere."""
    finished = list(results.finished(arm))
    return finished or [r for r in results.records if r.arm == arm and r.epochs]


def _arm_curves(results: Results, arm: str, runs: Sequence[RunRecord]) -> ArmCurves:
    seeds = tuple(run.seed for run in runs)
    others = [r.seed for r in results.records if r.arm == arm and r.seed not in seeds]
    return ArmCurves(
        status=runs[0].status,
        seeds=seeds,
        left_out=tuple(others) if runs[0].status == "finished" else (),
        train=split_curves(runs, "train"),
        held_out=split_curves(runs, results.curves_split),
    )


def split_curves(runs: Sequence[RunRecord], split: Split) -> SplitCurves:
    """Estimate loss and accuracy on a split."""
    return SplitCurves(
        loss=estimate_curve(_column(runs, lambda row: getattr(row, f"{split}_loss"))),
        accuracy=estimate_curve(_column(runs, lambda row: getattr(row, f"{split}_accuracy")), bounds=(0, 1)),
    )


def estimate_curve(values: Sequence[Sequence[float | None]], bounds: tuple[float, float] = (0, float("inf"))) -> Curve:
    """Estimate a curve from one sequence per seed; a run that stopped early has no values after its end."""
    table = np.full((len(values), max(map(len, values))), np.nan)  # (num_seeds, num_epochs)
    for row, run in zip(table, values, strict=True):
        row[: len(run)] = [np.nan if v is None else v for v in run]
    mean = table.mean(axis=0)
    if len(table) < ENOUGH_SEEDS:
        band: Band = "range" if len(table) > 1 else "none"
        # min and max give NaN where a seed has none, like the mean
        return Curve(values=table, mean=mean, low=table.min(axis=0), high=table.max(axis=0), band=band)
    intervals = [stats.mean_interval(column) for column in table.T.tolist()]
    low, high = np.array([(i.low, i.high) for i in intervals]).T
    low, high = np.maximum(low, bounds[0]), np.minimum(high, bounds[1])
    return Curve(values=table, mean=mean, low=low, high=high, band="interval")


def _column(runs: Sequence[RunRecord], get: Callable[[EpochRow], float | None]) -> list[list[float | None]]:
    return [[get(row) for row in run.epochs] for run in runs]
