"""The state of a sweep, read from its folder. Files may change or vanish between two reads."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from whichnorm.errors import SpecError
from whichnorm.results.comparisons import CANNOT_TELL
from whichnorm.specs.json_files import read_json
from whichnorm.specs.names import arm_title
from whichnorm.sweeps.axes import Batch
from whichnorm.sweeps.folder import SweepFolder
from whichnorm.sweeps.spec import Point, SweepSpec
from whichnorm.watch.state import FolderState, Reader, StudyState, seconds_left, seconds_per_epoch

Runs = set[tuple[str, str, int]]  # point, arm and seed


@dataclass(frozen=True, kw_only=True)
class PointState:
    """A point as its files show it; its study is None where every arm is left out."""

    batch: Batch
    study: StudyState | None


@dataclass(frozen=True, kw_only=True)
class SweepState(FolderState):
    """A sweep as its files show it."""

    spec: SweepSpec
    points: tuple[PointState, ...]
    answers: Mapping[str, str] | None  # by the names of the points, where the results are about all of these runs

    @property
    def studies(self) -> list[StudyState]:
        """The studies of the points that have one, in the order in which they are made."""
        return [point.study for point in self.points if point.study]

    @property
    def all_done(self) -> bool:
        return all(study.all_done for study in self.studies)

    @property
    def finished(self) -> bool:
        return self.all_done and self.answers is not None and not self.at_work

    @property
    def shown(self) -> PointState | None:
        """The point whose runs are shown: the one that is made, or was stopped, or the only one."""
        begun = [point for point in self.points if point.study and any(run.epochs for run in point.study.runs)]
        made = [point for point in self.points if point.study and point.study.at_work]
        stopped = [point for point in begun if point.study and not point.study.all_done]
        only = self.points if len(self.points) == 1 else ()
        return next(iter((*made, *stopped, *only)), None)


def sweep_seconds_left(state: SweepState) -> float | None:
    """Estimate the time until all runs are done; a point without an epoch takes what the nearest one by size does."""
    known = [seconds_per_epoch(study) for study in state.studies]
    measured = [place for place, rates in enumerate(known) if rates]
    if not measured:
        return None
    nearest = [min(measured, key=lambda other: abs(other - place)) for place in range(len(known))]
    left = (seconds_left(study, known[place]) for study, place in zip(state.studies, nearest, strict=True))
    return sum(seconds or 0.0 for seconds in left)


class SweepReader:
    """Reads a sweep's state again and again; a file that is the same as before is not read twice."""

    def __init__(self, root: Path) -> None:
        self.folder = SweepFolder(root)
        self.own, self.of_points = Reader(root), dict[str, Reader]()

    def read(self) -> SweepState:
        """Return the present state. Raises StudyError for a folder without a readable sweep."""
        root = self.folder.root
        at_work = self.folder.at_work()  # first: a sweep that ends meanwhile is then at work, not stopped
        spec = self.folder.spec()
        points = tuple(self._point(spec, point) for point in spec.points())
        about, answers = self.own.unchanged(root / "results.json", read_answers) or (None, None)
        return SweepState(
            root=root,
            spec=spec,
            points=points,
            at_work=at_work,
            answers=answers if about == set(_runs(points)) else None,
        )

    def _point(self, spec: SweepSpec, point: Point) -> PointState:
        if not point.arms:
            return PointState(batch=point.batch, study=None)
        folder = self.folder.of_point(point.batch.name)
        reader = self.of_points.setdefault(point.batch.name, Reader(folder.root))
        at_work = folder.at_work()
        return PointState(batch=point.batch, study=reader.state_of(spec.study_at(point), at_work))


def _runs(points: tuple[PointState, ...]) -> Iterator[tuple[str, str, int]]:
    for point in points:
        for run in point.study.runs if point.study else ():
            yield point.batch.name, run.arm, run.seed


def read_answers(path: Path) -> tuple[Runs, dict[str, str]] | None:
    """Return the runs that a sweep's results.json is about, and each point's answer; None where it is not readable."""
    try:
        results = read_json(path)
        about = {(p["folder"], arm["norm"], seed) for p in results["points"] for arm in p["arms"]
                 for seed in arm["seeds"]}  # fmt: skip
        about |= {(fault["point"], fault["norm"], fault["seed"]) for fault in results["faults"]}
        return about, {point["folder"]: _answer(point, results["comparisons"]) for point in results["points"]}
    except (SpecError, LookupError, TypeError, ValueError):
        return None


def _answer(point: Mapping[str, Any], comparisons: list[dict[str, Any]]) -> str:
    """Name the arm that is better than every other at a point; "" where there are no two."""
    if len(point["arms"]) < 2:
        return ""
    best = min(point["arms"], key=lambda arm: float(arm["error"]))["norm"]
    calls = {(c["a"], c["b"]): c["call"] for c in comparisons if c["point"] == point["folder"]}
    others = [arm["norm"] for arm in point["arms"] if arm["norm"] != best]
    beaten = [calls.get((best, o)) == "better" or calls.get((o, best)) == "worse" for o in others]
    return arm_title(str(best)) if all(beaten) else CANNOT_TELL
