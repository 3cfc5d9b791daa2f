"""What a sweep found: arms and differences at every point, crossings between points, and their files."""

import csv
import io
import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from whichnorm import stats
from whichnorm.record import RunRecord, write_in_one_step
from whichnorm.results import Results
from whichnorm.spec import parse_arm
from whichnorm.stats import Call, Crossing, Interval
from whichnorm.sweeps.axes import Axis, Batch

ALPHA = 0.05


@dataclass(frozen=True, kw_only=True)
class ArmError:
    """The test error of an arm at a point, with its 95 % interval over seeds and test images."""

    arm: str
    error: Interval
    seeds: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class PointDifference:
    """Test error of arm a less that of arm b at a point, paired; the call is by the adjusted p-value."""

    point: str
    a: str
    b: str
    difference: Interval
    p_value: float
    adjusted_p_value: float  # Holm, over all pairs of all points
    call: Call  # "better": a has the lower error
    seeds: tuple[int, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class PointResult:
    """One point: its batch, its study's results, and what was left out with the reason."""

    batch: Batch
    learning_rate: float
    arms: tuple[ArmError, ...]
    skipped: tuple[tuple[str, str], ...]
    study: Results | None  # None where every arm was skipped

    @property
    def name(self) -> str:
        return self.batch.name

    def size(self, axis: Axis) -> int:
        return int(getattr(self.batch, axis))


@dataclass(frozen=True, kw_only=True)
class ArmsCrossing:
    """Where along the axis two arms change places; None where they do not. `panel` is the value of the other axis."""

    a: str
    b: str
    panel: int | None
    sizes: tuple[int, ...]
    crossing: Crossing | None


@dataclass(frozen=True, kw_only=True, eq=False)
class SweepResults:
    """Everything a sweep found."""

    description: dict[str, Any]  # sweep.json
    along: Axis
    across: Axis | None
    points: tuple[PointResult, ...]
    differences: tuple[PointDifference, ...]
    crossings: tuple[ArmsCrossing, ...]
    num_test_images: int
    folder: Path

    @property
    def arms(self) -> list[str]:
        """Every arm in the order of the call, also those that were skipped everywhere."""
        return list(self.description["arms"])

    @property
    def faults(self) -> list[tuple[str, RunRecord]]:
        """Runs that failed, diverged, or stayed at chance, with their point."""
        return [(point.name, run) for point in self.points if point.study for run in point.study.faults]

    @property
    def ok(self) -> bool:
        return not self.faults

    def panels(self) -> list[tuple[int | None, list[PointResult]]]:
        """Return the points by the value of the second axis, each along the first; None where there is one axis."""
        across = self.across
        if across is None:
            return [(None, list(self.points))]
        values = sorted({point.size(across) for point in self.points})
        return [(value, [point for point in self.points if point.size(across) == value]) for value in values]

    def to_dict(self) -> dict[str, Any]:
        """Return results.json's content."""
        return {
            "sweep": self.description,
            "points": [_point_dict(point) for point in self.points],
            "differences": [_with_interval(asdict(d), "difference") for d in self.differences],
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
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(
            ["point", "batch_size", "device_batch_size", "accumulation", "learning_rate", "norm", "seed", "status",
             "test_error", "train_seconds"]
        )  # fmt: skip
        for point in self.points:
            batch = point.batch
            sizes = [batch.name, batch.batch_size, batch.device_batch_size, batch.accumulation, point.learning_rate]
            for run in point.study.records if point.study else ():
                error = 1 - run.last.test_accuracy if run.status == "finished" else ""
                writer.writerow([*sizes, run.arm, run.seed, run.status, error, round(run.train_seconds, 3)])
        return out.getvalue()


def _point_dict(point: PointResult) -> dict[str, Any]:
    return {
        "folder": point.name,
        **asdict(point.batch),
        "accumulation": point.batch.accumulation,
        "learning_rate": point.learning_rate,
        "arms": [_with_interval(asdict(arm), "error") for arm in point.arms],
        "skipped": [{"arm": arm, "reason": reason} for arm, reason in point.skipped],
    }


def _with_interval(item: dict[str, Any], key: str) -> dict[str, Any]:
    """Write an interval as its estimate and "ci95"."""
    interval = item.pop(key)
    return {**item, key: interval["estimate"], "ci95": [interval["low"], interval["high"]]}


def summarize_sweep(
    description: dict[str, Any],
    along: Axis,
    across: Axis | None,
    studies: Mapping[str, Results],
    test_labels: Sequence[int],
    folder: Path,
) -> SweepResults:
    """Turn the studies of a sweep, by the names of its points, into its results; test_labels are (N,)."""
    labels = np.asarray(test_labels)
    points = tuple(_point(held, studies.get(held["folder"]), labels) for held in description["points"])
    results = SweepResults(
        description=description,
        along=along,
        across=across,
        points=points,
        differences=_differences(points, labels),
        crossings=(),
        num_test_images=len(labels),
        folder=folder,
    )
    return SweepResults(**{**vars(results), "crossings": tuple(_crossings(results, labels))})


def _point(held: Mapping[str, Any], study: Results | None, labels: NDArray[Any]) -> PointResult:
    arms = [arm.norm for arm in study.arms] if study else []
    return PointResult(
        batch=Batch(batch_size=held["batch_size"], device_batch_size=held["device_batch_size"]),
        learning_rate=held["learning_rate"],
        arms=tuple(_arm_error(study.finished(arm), labels) for arm in arms if study),
        skipped=tuple((item["arm"], item["reason"]) for item in held["skipped"]),
        study=study,
    )


def _arm_error(runs: Sequence[RunRecord], labels: NDArray[Any]) -> ArmError:
    accuracy = stats.crossed_interval(_correct(runs, labels))
    error = Interval(1 - accuracy.estimate, 1 - accuracy.high, 1 - accuracy.low)
    return ArmError(arm=runs[0].arm, error=error, seeds=tuple(run.seed for run in runs))


def _correct(runs: Sequence[RunRecord], labels: NDArray[Any]) -> NDArray[np.bool_]:
    """Return whether each run classified each test image rightly, (num_seeds, N)."""
    return np.stack([np.equal(run.test_predictions, labels) for run in runs])


def _at_seeds(study: Results, arm: str, seeds: Sequence[int], labels: NDArray[Any]) -> NDArray[np.bool_]:
    by_seed = {run.seed: run for run in study.finished(arm)}
    return _correct([by_seed[seed] for seed in seeds], labels)


def _common_seeds(studies: Sequence[Results], arms: Sequence[str]) -> tuple[int, ...]:
    """Return the seeds at which every one of the arms has a finished run in every study."""
    sets = [{run.seed for run in study.finished(arm)} for study in studies for arm in arms]
    return tuple(sorted(set.intersection(*sets)))


def _differences(points: Sequence[PointResult], labels: NDArray[Any]) -> tuple[PointDifference, ...]:
    """Compare every pair of arms at every point, with Holm's correction over all of them."""
    found = [
        (point.name, a.arm, b.arm, *_paired(point.study, a.arm, b.arm, seeds, labels), seeds)
        for point in points
        for a, b in itertools.combinations(point.arms, 2)
        if point.study and (seeds := _common_seeds([point.study], [a.arm, b.arm]))
    ]
    adjusted = stats.holm([p_value for *_, p_value, _ in found])
    return tuple(
        PointDifference(
            point=point, a=a, b=b, difference=difference, p_value=p_value, adjusted_p_value=float(corrected),
            call=_call(difference, float(corrected)), seeds=seeds,
        )
        for (point, a, b, difference, p_value, seeds), corrected in zip(found, adjusted, strict=True)
    )  # fmt: skip


def _paired(
    study: Results, a: str, b: str, seeds: Sequence[int], labels: NDArray[Any]
) -> tuple[Interval, float]:  # fmt: skip
    """Return the difference of two arms' errors and its p-value, over seeds and images, of one seed over images."""
    right_a, right_b = (_at_seeds(study, arm, seeds, labels) for arm in (a, b))
    if len(seeds) > 1:
        paired = stats.paired_difference(right_b, right_a)  # an error's difference is an accuracy's turned round
        return paired.interval(), paired.p_value
    of_images = right_b[0].astype(int) - right_a[0].astype(int)
    return stats.image_bootstrap(right_b[0], right_a[0]), stats.sign_flip_p_value(of_images)


def _call(difference: Interval, p_value: float) -> Call:
    if p_value >= ALPHA:
        return "cannot tell"
    return "better" if difference.estimate < 0 else "worse"


def _crossings(results: SweepResults, labels: NDArray[Any]) -> Iterator[ArmsCrossing]:
    for panel, points in results.panels():
        for a, b in _crossing_pairs(results.arms):
            both = [p for p in points if p.study and {a, b} <= {arm.arm for arm in p.arms}]
            studies = [point.study for point in both if point.study]
            if len(both) < 2 or not (seeds := _common_seeds(studies, [a, b])):
                continue
            sizes = tuple(point.size(results.along) for point in both)
            right_a, right_b = (np.stack([_at_seeds(s, arm, seeds, labels) for s in studies]) for arm in (a, b))
            crossing = stats.find_crossing(sizes, right_a, right_b)
            yield ArmsCrossing(a=a, b=b, panel=panel, sizes=sizes, crossing=crossing)


def _crossing_pairs(arms: Sequence[str]) -> list[tuple[str, str]]:
    """Return the pairs of which one arm sees the batch and one does not, which a batch size can turn; else all."""
    pairs = list(itertools.combinations(arms, 2))
    sees = {arm: parse_arm(arm).norm.sees_batch for arm in arms}
    return [(a, b) for a, b in pairs if sees[a] != sees[b]] or pairs


def better_at(difference: PointDifference) -> Literal["", "a", "b"]:
    """Name the arm with the lower error where a call is made."""
    return {"better": "a", "worse": "b", "cannot tell": ""}[difference.call]  # type: ignore[return-value]


def write_sweep_results(results: SweepResults) -> None:
    """Put results.json and results.csv in place in the sweep's folder."""
    text = json.dumps(results.to_dict(), indent=2, allow_nan=False) + "\n"
    write_in_one_step(results.folder / "results.json", text.encode())
    write_in_one_step(results.folder / "results.csv", results.to_csv().encode())
