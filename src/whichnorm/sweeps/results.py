"""What a sweep found: arms and differences at every point, crossings between points, and their files."""

import itertools
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from whichnorm import stats
from whichnorm.files import as_csv, write_in_one_step, write_json
from whichnorm.results.comparisons import Comparison, correct_all
from whichnorm.results.results import ArmResult, Results
from whichnorm.specs.arm import parse_arm
from whichnorm.stats import Call, Crossing, Interval
from whichnorm.sweeps.axes import Axes, Axis
from whichnorm.sweeps.groups import GroupTrend, all_groups, find_trends
from whichnorm.sweeps.spec import Point, SweepSpec
from whichnorm.training.record import RunRecord


@dataclass(frozen=True, kw_only=True)
class ArmError:
    """The test error of an arm at a point, with its 95 % interval over seeds and test images."""

    error: Interval
    seeds: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class PointComparison:
    """Two arms at a point; the p-value is corrected by Holm's method over the pairs of all points.

    Pairs of numbers of groups are corrected for all pairs of these, and are here where one is the best of its point:
    which one that is was chosen by the same runs.
    """

    point: str
    comparison: Comparison

    def within(self, arms: Collection[str]) -> bool:
        """Tell whether both arms are among these."""
        return self.comparison.a in arms and self.comparison.b in arms


@dataclass(frozen=True, kw_only=True, eq=False)
class PointResult(Point):
    """One point with the results of its study, None if every arm was skipped."""

    study: Results | None

    @property
    def errors(self) -> dict[str, ArmError]:
        """The errors of the arms that have finished runs, by their names."""
        return {arm.norm: _arm_error(arm) for arm in self.study.arms} if self.study else {}

    @property
    def lost(self) -> list[tuple[str, str, int, int]]:
        """Arm, status, the number of its runs with that status, and that of all: of runs that did not finish."""
        records = self.study.records if self.study else ()
        statuses = Counter((run.arm, run.status) for run in records)
        runs = Counter(run.arm for run in records)
        return [(arm, status, n, runs[arm]) for (arm, status), n in statuses.items() if status != "finished"]

    def best(self, arms: Collection[str]) -> str:
        """Return which of these arms has the lowest error, "" where none has a finished run."""
        found = self.errors
        return min((arm for arm in found if arm in arms), key=lambda arm: found[arm].error.estimate, default="")

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
    """Between which sizes two arms change places; None if they do not. `panel` is the value of the other axis."""

    a: str
    b: str
    panel: int | None
    sizes: tuple[int, ...]  # at which both have finished runs at a common seed
    calls: tuple[Call, ...]  # of a at each of them
    crossing: Crossing | None

    def sizes_of(self, call: Call) -> tuple[int, ...]:
        """Return the sizes at which this is said of a."""
        return tuple(size for size, found in zip(self.sizes, self.calls, strict=True) if found == call)

    @property
    def better(self) -> tuple[str, ...]:
        """The arms that are better beyond chance somewhere."""
        return tuple(arm for arm, call in ((self.a, "better"), (self.b, "worse")) if call in self.calls)

    @property
    def undecided(self) -> tuple[int, ...]:
        """The measured sizes between the two at which the arms change places."""
        between = self.crossing
        return tuple(size for size in self.sizes if between and between.low < size < between.high)


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class SweepResults:
    """Everything a sweep found."""

    spec: SweepSpec
    data_digest: str
    points: tuple[PointResult, ...]
    comparisons: tuple[PointComparison, ...]
    crossings: tuple[ArmsCrossing, ...]
    trends: tuple[GroupTrend, ...]
    num_test_images: int
    folder: Path

    def __repr__(self) -> str:
        runs, at = len(self.records), ", ".join(point.batch.text for point in self.points)
        return f"<{type(self).__name__}: {', '.join(self.arms)} at a batch of {at}; {runs} runs. In {self.folder}>"

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
    def any_crossing(self) -> bool:
        """Tell whether two arms change places anywhere."""
        return any(crossing.crossing for crossing in self.crossings)

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
            "trends": [asdict(trend) for trend in self.trends],
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
    points = tuple(PointResult(**vars(point), study=studies.get(point.batch.name)) for point in spec.points())
    results = SweepResults(
        spec=spec, data_digest=data_digest, points=points, comparisons=_comparisons(points, list(map(str, spec.arms))),
        crossings=(), trends=find_trends(list(studies.items()), test_labels), num_test_images=len(test_labels),
        folder=folder,
    )  # fmt: skip
    results = replace(results, crossings=tuple(_crossings(results)))
    return replace(results, comparisons=_with_the_best(results))


def _arm_error(arm: ArmResult) -> ArmError:
    accuracy = arm.test_accuracy
    low, high = accuracy.ci95 or (accuracy.mean, accuracy.mean)
    return ArmError(error=Interval(1 - accuracy.mean, 1 - high, 1 - low), seeds=arm.seeds)


def _comparisons(points: Sequence[PointResult], arms: Sequence[str]) -> tuple[PointComparison, ...]:
    """Return every pair of arms at every point, with Holm's correction over all of them in place of each study's.

    Numbers of groups are a question of their own: their pairs with each other are corrected among themselves.
    """
    groups = all_groups(arms)
    found = [PointComparison(point=p.batch.name, comparison=c) for p in points if p.study for c in p.study.comparisons]
    families = [[d for d in found if d.within(groups) == inside] for inside in (False, True)]
    corrected = {(d.point, d.comparison.a, d.comparison.b): d for family in families for d in _corrected(family)}
    return tuple(corrected[d.point, d.comparison.a, d.comparison.b] for d in found)


def _corrected(family: Sequence[PointComparison]) -> Iterator[PointComparison]:
    for d, comparison in zip(family, correct_all([d.comparison for d in family]), strict=True):
        yield replace(d, comparison=comparison)


def _with_the_best(results: SweepResults) -> tuple[PointComparison, ...]:
    """Leave out pairs of numbers of groups of which neither is the best of its point."""
    groups = all_groups(results.arms)
    best = {point.batch.name: point.best(groups) for point in results.points}
    return tuple(
        d for d in results.comparisons
        if not d.within(groups) or best[d.point] in (d.comparison.a, d.comparison.b)
    )  # fmt: skip


def _crossings(results: SweepResults) -> Iterator[ArmsCrossing]:
    """Yield what the comparisons of each pair say along the axis; each rests on the seeds that its own point has."""
    for panel, points in results.panels():
        sizes = {point.batch.name: point.size(results.axes.along) for point in points}
        for a, b in _crossing_pairs(results.arms):
            found = [c for c in results.comparisons if c.point in sizes and (c.comparison.a, c.comparison.b) == (a, b)]
            if len(found) < 2:
                continue
            at, calls = tuple(sizes[c.point] for c in found), tuple(c.comparison.call for c in found)
            crossing = stats.find_crossing(at, [c.comparison.difference for c in found], calls)
            yield ArmsCrossing(a=a, b=b, panel=panel, sizes=at, calls=calls, crossing=crossing)


def _crossing_pairs(arms: Sequence[str]) -> list[tuple[str, str]]:
    """Return the pairs of which one arm sees the batch and one does not, which a batch size can turn; else all."""
    pairs = list(itertools.combinations(arms, 2))
    sees = {arm: parse_arm(arm).norm.sees_batch for arm in arms}
    return [(a, b) for a, b in pairs if sees[a] != sees[b]] or pairs


def write_sweep_results(results: SweepResults) -> None:
    """Put results.json and results.csv in place in the sweep's folder."""
    write_json(results.folder / "results.json", results.to_dict())
    write_in_one_step(results.folder / "results.csv", results.to_csv().encode())
