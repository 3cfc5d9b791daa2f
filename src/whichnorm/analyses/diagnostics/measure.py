"""Estimating the diagnostics' curves: the files of an arm's runs in, one mean over seeds per layer and epoch out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whichnorm.analyses.analysis import NoOptions
from whichnorm.analyses.diagnostics.diagnose import Diagnosis
from whichnorm.analyses.diagnostics.files import RunDiagnoses, read_diagnoses
from whichnorm.errors import StudyError
from whichnorm.norms import NoNormSpec
from whichnorm.results.results import Results
from whichnorm.specs.arm import parse_arm
from whichnorm.specs.study import RunSpec
from whichnorm.study.folder import StudyFolder
from whichnorm.study.study import Study

Runs = Mapping[tuple[str, int], RunDiagnoses]  # by arm and seed


@dataclass(frozen=True, kw_only=True, eq=False)
class Tracks:
    """A figure of several layers over epochs: the mean over seeds, (num_layers, num_epochs), NaN if one has none."""

    paths: tuple[str, ...]  # in the order of the forward pass
    values: NDArray[np.float64]

    @property
    def last(self) -> dict[str, float]:
        """Each layer's figure after the last epoch."""
        return dict(zip(self.paths, self.values[:, -1].tolist(), strict=True))

    @property
    def first(self) -> dict[str, float]:
        """Each layer's figure before the first epoch, or at the first that was measured."""
        return dict(zip(self.paths, self.values[:, 0].tolist(), strict=True))


@dataclass(frozen=True, kw_only=True, eq=False)
class ArmDiagnostics:
    """An arm's diagnostics over its seeds; `epochs` counts those that were done, from 0."""

    arm: str
    seeds: tuple[int, ...]
    num_images: int
    epochs: NDArray[np.int64]
    gradient_norm: Tracks
    dead_relu: Tracks  # fractions
    cosine_distance: Tracks

    @property
    def norm_layers(self) -> tuple[str, ...]:
        """The paths of the norm layers: distances are measured at these, and without any at the convolutions."""
        return () if isinstance(parse_arm(self.arm).norm, NoNormSpec) else self.cosine_distance.paths


@dataclass(frozen=True, kw_only=True, eq=False)
class StudyDiagnostics:
    """What was measured in a study's arms, the runs (arm, seed) that were not measured, and files that are damaged."""

    arms: tuple[ArmDiagnostics, ...]
    missing: tuple[tuple[str, int], ...]
    faults: tuple[str, ...]


def measure(study: Study, results: Results, options: NoOptions) -> StudyDiagnostics | None:
    """Read what the runs of these arms left behind, and take means; None if none of them was diagnosed."""
    arms = results.arm_names
    found, faults = read_runs([run for run in study.spec.runs() if str(run.arm) in arms], study.folder)
    return summary(results, found, faults) if found or faults else None


def read_runs(runs: Sequence[RunSpec], folder: StudyFolder) -> tuple[Runs, tuple[str, ...]]:
    """Return what was measured in runs, and what is wrong with files that cannot be read."""
    found, faults = {}, []
    for run in runs:
        path = folder.diagnostics(run)
        if path.exists():
            try:
                found[str(run.arm), run.seed] = read_diagnoses(path, str(run.arm), run.seed)
            except StudyError as error:
                faults.append(str(error))
    return found, tuple(faults)


def summary(results: Results, found: Runs, faults: tuple[str, ...] = ()) -> StudyDiagnostics:
    """Take the means of every arm that was diagnosed, and name the runs that were not."""
    by_arm = (of_arm(results, arm, found) for arm in results.arm_names)
    return StudyDiagnostics(
        arms=tuple(estimate(runs) for runs in by_arm if runs),
        missing=tuple((r.arm, r.seed) for r in results.records if (r.arm, r.seed) not in found),
        faults=faults,
    )


def of_arm(results: Results, arm: str, found: Runs) -> list[RunDiagnoses]:
    """Return the runs that stand for an arm: the finished ones, or else those that got anywhere."""
    measured = [r for r in results.records if r.arm == arm and (r.arm, r.seed) in found]
    finished = [r for r in measured if r.status == "finished"]
    return [found[r.arm, r.seed] for r in finished or measured]


def estimate(runs: Sequence[RunDiagnoses]) -> ArmDiagnostics:
    """Take the mean over an arm's seeds."""
    epochs = np.arange(min(min(run.rows) for run in runs), max(max(run.rows) for run in runs) + 1)
    return ArmDiagnostics(
        arm=runs[0].arm,
        seeds=tuple(run.seed for run in runs),
        num_images=runs[0].num_images,
        epochs=epochs,
        gradient_norm=_tracks(runs, epochs, lambda row: row.gradient_norm),
        dead_relu=_tracks(runs, epochs, lambda row: row.dead_relu),
        cosine_distance=_tracks(runs, epochs, lambda row: row.cosine_distance),
    )


def _tracks(
    runs: Sequence[RunDiagnoses], epochs: NDArray[np.int64], get: Callable[[Diagnosis], Mapping[str, float | None]]
) -> Tracks:
    paths = tuple(dict.fromkeys(path for run in runs for row in run.rows.values() for path in get(row)))
    table = np.full((len(runs), len(paths), len(epochs)), np.nan)  # (num_seeds, num_layers, num_epochs)
    for of_seed, run in zip(table, runs, strict=True):
        for epoch, row in run.rows.items():
            values = [get(row).get(path) for path in paths]
            of_seed[:, epoch - epochs[0]] = [np.nan if value is None else value for value in values]
    return Tracks(paths=paths, values=table.mean(axis=0))
