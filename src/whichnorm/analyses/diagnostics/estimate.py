"""Estimating the diagnostics' curves: the files of an arm's runs in, one mean over seeds per layer and epoch out."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whichnorm.analyses.diagnostics.files import RunDiagnoses, read_diagnoses
from whichnorm.analyses.diagnostics.measure import Diagnosis
from whichnorm.errors import StudyError
from whichnorm.norms import NoNormSpec
from whichnorm.render import text
from whichnorm.results.results import Results
from whichnorm.results.verdict import listed
from whichnorm.specs.arm import parse_arm
from whichnorm.specs.study import RunSpec
from whichnorm.study.folder import StudyFolder
from whichnorm.training.record import RunRecord

Key = tuple[str, int]  # an arm and a seed


@dataclass(frozen=True, kw_only=True)
class StudyDiagnostics:
    """What was measured in a study's runs, and what is wrong with files that cannot be read."""

    runs: Mapping[Key, RunDiagnoses]
    faults: tuple[str, ...]

    def of_arm(self, results: Results, arm: str) -> list[RunDiagnoses]:
        """Return the runs that stand for an arm: the finished ones, or else those that got anywhere."""
        measured = [r for r in results.records if r.arm == arm and (r.arm, r.seed) in self.runs]
        finished = [r for r in measured if r.status == "finished"]
        return [self.runs[r.arm, r.seed] for r in finished or measured]

    def missing(self, results: Results) -> list[RunRecord]:
        """Return the runs of a study without diagnostics."""
        return [r for r in results.records if (r.arm, r.seed) not in self.runs]


def read_study_diagnostics(runs: Sequence[RunSpec], folder: StudyFolder) -> StudyDiagnostics | None:
    """Read what the runs of a study left behind; None where none of them was diagnosed."""
    found: dict[Key, RunDiagnoses] = {}
    faults = []
    for run in runs:
        path = folder.diagnostics(run)
        if path.exists():
            try:
                found[str(run.arm), run.seed] = read_diagnoses(path, str(run.arm), run.seed)
            except StudyError as error:
                faults.append(str(error))
    return StudyDiagnostics(runs=found, faults=tuple(faults)) if found or faults else None


def diagnostics_sentences(results: Results, found: StudyDiagnostics) -> Iterator[str]:
    """Say what was measured, how to read it, and what is missing."""
    sizes = dict.fromkeys(run.num_images for run in found.runs.values())
    if sizes:
        images = listed([text.count(size, "training image") for size in sizes])
        yield (
            f"Measured before the first epoch and after each, on the same {images} without augmentation, in training "
            "mode without dropout, in float32. The gradient is that of the cross-entropy, without a penalty or weight "
            "decay. A ReLU's channel is dead where it is zero for all of these images at every position. A cosine "
            "distance near 0 means that images can hardly be told apart at that layer."
        )
        yield (
            "Lubana, Dick and Tanaka (Beyond BatchNorm, NeurIPS 2021) report that large groups make images harder to "
            "tell apart, and that small groups give large gradients early in training."
        )
    if missing := found.missing(results):
        names = listed([f"{run.arm} at seed {run.seed}" for run in missing])
        yield f"Trained without --diagnostics, and so without figures here: {names}."
    yield from map(text.printable, found.faults)


@dataclass(frozen=True, kw_only=True, eq=False)
class Tracks:
    """A figure of several layers over epochs: the mean over seeds, (num_layers, num_epochs), NaN where one has none."""

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
    dead_relu: Tracks
    cosine_distance: Tracks

    @property
    def norm_layers(self) -> tuple[str, ...]:
        """The paths of the norm layers: distances are measured at these, and without any at the convolutions."""
        return () if isinstance(parse_arm(self.arm).norm, NoNormSpec) else self.cosine_distance.paths


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
