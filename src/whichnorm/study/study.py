"""A study: its spec, its folder and its images."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import nn

from whichnorm.data.splits import Splits
from whichnorm.specs.study import RunSpec, StudySpec
from whichnorm.study.folder import StudyFolder, TestSplit, existing
from whichnorm.study.images import StudyImages
from whichnorm.study.run import read_network, read_records
from whichnorm.training.record import RunRecord


@dataclass(frozen=True, kw_only=True, eq=False)
class Study:
    """A study with its folder named; its images are loaded when they are first asked for."""

    spec: StudySpec
    folder: StudyFolder
    images: StudyImages

    @property
    def splits(self) -> Splits:
        return self.images.splits

    @property
    def test_split(self) -> TestSplit:
        """The test split's labels and class names, which the folder of a study holds."""
        return self.images.test_split

    @property
    def digest(self) -> str:
        """The hash of the data set's images, labels and class names."""
        return self.test_split.digest

    def shared(self) -> dict[str, Any]:
        """Return what all runs of the study share, as JSON values."""
        return self.spec.shared_dict(self.digest)

    def with_spec(self, spec: StudySpec, folder: StudyFolder | None = None) -> "Study":
        """Return a further study of the same images, in the same folder where no other is given."""
        return replace(self, spec=spec, folder=folder or self.folder)

    def records(self) -> list[RunRecord]:
        """Return the records that the study has so far, in its order; a StudyError where there is none."""
        return read_records(self.spec, self.test_split, self.folder)

    @property
    def has_records(self) -> bool:
        return any(self.folder.record(run).exists() for run in self.spec.runs())

    def finished_runs(self) -> list[RunSpec]:
        """Return the runs that finished, in the study's order."""
        finished = {(record.arm, record.seed) for record in self.records() if record.status == "finished"}
        return [run for run in self.spec.runs() if (str(run.arm), run.seed) in finished]

    def network(self, run: RunSpec) -> nn.Module:
        """Return the trained network of a finished run, on the CPU and in evaluation mode."""
        return read_network(run, self.splits, self.folder)


def reopen(folder: str | Path, data_dir: str | Path | None = None, download: bool = True) -> Study:
    """Return the study that a folder holds; nothing is trained, and no image is loaded.

    The network is not built: records can be read where its code is not there or has changed, and Study.network checks
    it. Raises StudyError for a folder without a readable study; so does Study.splits for data that are not the study's.
    """
    there = StudyFolder(existing(folder))
    spec = there.spec()
    data = replace(spec.data, data_dir=None if data_dir is None else str(data_dir), download=download)
    images = StudyImages(data, "cpu", known=there.test_split(), digest_there=there.digest())
    return Study(spec=replace(spec, data=data), folder=there, images=images)
