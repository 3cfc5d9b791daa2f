"""What a sweep found: arms and differences at every point, crossings between points, and their files."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whichnorm import stats
from whichnorm.files import as_csv, write_in_one_step, write_json
from whichnorm.results.comparisons import Comparison, correct_all
from whichnorm.results.results import ArmResult, Results
from whichnorm.specs.arm import parse_arm
from whichnorm.stats import Crossing, Interval
from whichnorm.sweeps.axes import Axes, Axis
from whichnorm.sweeps.spec import Point, SweepSpec
from whichnorm.training.record import RunRecord


@dataclass(frozen=True, kw_only=True)
class ArmError:
    """The test error of an arm at a point, with its 95 % interval over seeds and test images."""

    error: Interval
    seeds: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class PointComparison:
    """Two arms at a point; the p-value is corrected by Holm's method over all pairs of all points."""

    point: str
    comparison: Comparison


@dataclass(frozen=True, kw_only=True, eq=False)
class PointResult(Point):
    """One point with the results of its study, None if every arm was skipped."""

    study: Results | None

    @property
    def errors(self) -> dict[str, ArmError]:
        """The errors of the arms that have finished runs, by their names."""
        return {arm.norm: _arm_error(arm) for arm in self.study.arms} if self.study else {}

    def size(self, axis: Axis) -> int:
        return int(getattr(self.batch, axis))

    def to_dict(self) -> dict[str, Any]:
        """Return what results.json says of it."""
        found = [
            {"norm": arm, "error": one.error.estimate, "ci95": [one.error.low, one.error.high],
             "seeds": list(one.seeds)}
            for arm, one in self.errors.items()
        ]  # fmt: skip
        return {**super().to_dict(), "arms": found}

    def csv_rows(self) -> Iterator[list[Any]]:
        """Yield what results.csv says of its runs."""
        batch, rate = self.batch, self.recipe.learning_rate
        for run in self.study.records if self.study else ():
            error = 1 - run.last.test_accuracy if run.status == "finished" else ""
            yield [batch.name, batch.batch_size, batch.device_batch_size, batch.accumulation, rate, run.arm, run.seed,
                   run.status, error, round(run.train_seconds, 3)]  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class ArmsCrossing:
    """Where along the axis two arms change places; None if they do not. `panel` is the value of the other axis."""

    a: str
    b: str
    panel: int | None
    sizes: tuple[int, ...]
    crossing: Crossing | None

    @property
    def placed(self) -> bool:
        """Tell whether there is a crossing whose interval leaves out some of the measured sizes."""
        return self.crossing is not None and (self.crossing.low is not None or self.crossing.high is not None)


@dataclass(frozen=True, kw_only=True, eq=False)
class SweepResults:
    """Everything a sweep found."""

    spec: SweepSpec
    data_digest: str
    points: tuple[PointResult, ...]
    comparisons: tuple[PointComparison, ...]
    crossings: tuple[ArmsCrossing, ...]
    num_test_images: int
    folder: Path

    @property
    def description(self) -> dict[str, Any]:
        """sweep.json's content."""
        return self.spec.to_dict(self.data_digest)

    @property
    def axes(self) -> Axes:
        return self.spec.axes

    @property
    def rule(self) -> str:
        """How the learning rate follows the batch, in a sentence."""
        return self.spec.rule.sentence(self.spec.recipe)

    @property
    def arms(self) -> list[str]:
        """Every arm in the order of the call, also those that were skipped everywhere."""
        return list(map(str, self.spec.arms))

    @property
    def records(self) -> list[RunRecord]:
        """The records of all points."""
        return [run for point in self.points if point.study for run in point.study.records]

    @property
    def faults(self) -> list[tuple[str, RunRecord]]:
        """Runs that failed, diverged, or stayed at chance, with their point."""
        return [(point.batch.name, run) for point in self.points if point.study for run in point.study.faults]

    @property
    def ok(self) -> bool:
        return not self.faults

    def panels(self) -> list[tuple[int | None, list[PointResult]]]:
        """Return the points by the value of the second axis, each along the first; None if there is one axis."""
        across = self.axes.across
        if across is None:
            return [(None, list(self.points))]
        values = sorted({point.size(across) for point in self.points})
        return [(value, [point for point in self.points if point.size(across) == value]) for value in values]

    def to_dict(self) -> dict[str, Any]:
        """Return results.json's content."""
        return {
            "sweep": self.description,
            "points": [point.to_dict() for point in self.points],
            "comparisons": [{"point": c.point, **asdict(c.comparison)} for c in self.comparisons],
            "crossings": [asdict(c) for c in self.crossings],
            "faults": [
                {"point": point, "norm": r.arm, "seed": r.seed, "status": r.status,
                 "reason": r.reason or "; ".join(r.warnings)}
                for point, r in self.faults
            ],
            "num_test_images": self.num_test_images,
        }  # fmt: skip

    def to_csv(self) -> str:
        """Return results.csv's content: one line per run."""
        heading = ["point", "batch_size", "device_batch_size", "accumulation", "learning_rate", "norm", "seed",
                   "status", "test_error", "train_seconds"]  # fmt: skip
        return as_csv([heading, *(row for point in self.points for row in point.csv_rows())])


def summarize_sweep(
    spec: SweepSpec, data_digest: str, studies: Mapping[str, Results], test_labels: Sequence[int], folder: Path
) -> SweepResults:
    """Turn the studies of a sweep, by the names of its points, into its results; test_labels are (N,)."""
    labels = np.asarray(test_labels)
    points = tuple(PointResult(**vars(point), study=studies.get(point.batch.name)) for point in spec.points())
    results = SweepResults(
        spec=spec, data_digest=data_digest, points=points, comparisons=_comparisons(points), crossings=(),
        num_test_images=len(labels), folder=folder,
    )  # fmt: skip
    return replace(results, crossings=tuple(_crossings(results, labels)))


def _arm_error(arm: ArmResult) -> ArmError:
    accuracy = arm.test_accuracy
    low, high = accuracy.ci95 or (accuracy.mean, accuracy.mean)
    return ArmError(error=Interval(1 - accuracy.mean, 1 - high, 1 - low), seeds=arm.seeds)


def _at_seeds(study: Results, arm: str, seeds: Sequence[int], labels: NDArray[Any]) -> NDArray[np.bool_]:
    """Return whether each test image was classified rightly, (num_seeds, N)."""
    by_seed = {run.seed: run for run in study.finished(arm)}
    return np.stack([np.equal(by_seed[seed].test_predictions, labels) for seed in seeds])


def _common_seeds(studies: Sequence[Results], arms: Sequence[str]) -> tuple[int, ...]:
    """Return the seeds at which every one of the arms has a finished run in every study."""
    sets = [{run.seed for run in study.finished(arm)} for study in studies for arm in arms]
    return tuple(sorted(set.intersection(*sets)))


def _comparisons(points: Sequence[PointResult]) -> tuple[PointComparison, ...]:
    """Return every pair of arms at every point, with Holm's correction over all of them in place of each study's."""
    found = [(p.batch.name, c) for p in points if p.study for c in p.study.comparisons]
    corrected = correct_all([c for _, c in found])
    return tuple(PointComparison(point=name, comparison=c) for (name, _), c in zip(found, corrected, strict=True))


def _crossings(results: SweepResults, labels: NDArray[Any]) -> Iterator[ArmsCrossing]:
    for panel, points in results.panels():
        for a, b in _crossing_pairs(results.arms):
            both = [p for p in points if p.study and {a, b} <= set(p.errors)]
            studies = [point.study for point in both if point.study]
            if len(both) < 2 or not (seeds := _common_seeds(studies, [a, b])):
                continue
            sizes = tuple(point.size(results.axes.along) for point in both)
            right_a, right_b = (np.stack([_at_seeds(s, arm, seeds, labels) for s in studies]) for arm in (a, b))
            crossing = stats.find_crossing(sizes, right_a, right_b)
            yield ArmsCrossing(a=a, b=b, panel=panel, sizes=sizes, crossing=crossing)


def _crossing_pairs(arms: Sequence[str]) -> list[tuple[str, str]]:
    """Return the pairs of which one arm sees the batch and one does not, which a batch size can turn; else all."""
    pairs = list(itertools.combinations(arms, 2))
    sees = {arm: parse_arm(arm).norm.sees_batch for arm in arms}
    return [(a, b) for a, b in pairs if sees[a] != sees[b]] or pairs


def write_sweep_results(results: SweepResults) -> None:
    """Put results.json and results.csv in place in the sweep's folder."""
    write_json(results.folder / "results.json", results.to_dict())
    write_in_one_step(results.folder / "results.csv", results.to_csv().encode())
