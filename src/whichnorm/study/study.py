"""A study: its spec, its folder and its images."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import nn

from whichnorm.data.splits import Splits
from whichnorm.errors import SpecError, StudyError
from whichnorm.files import place
from whichnorm.specs.study import RunSpec, StudySpec, completed
from whichnorm.study.folder import StudyFolder, TestSplit, first_difference
from whichnorm.study.images import StudyImages
from whichnorm.training import audit
from whichnorm.training.checkpoint import read_weights
from whichnorm.training.network import build_network
from whichnorm.training.record import RunRecord, check_predictions, read_record


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
        if not self.has_records:
            root = self.folder.root
            raise StudyError(f"{root}: no run has finished yet; whichnorm compare with the same --out trains them")
        return [self.record(run) for run in self.spec.runs() if self.folder.record(run).exists()]

    def record(self, run: RunSpec) -> RunRecord:
        """Read a run's record; one of another run is a StudyError."""
        return self.checked(read_record(self.folder.record(run)), run)

    def checked(self, record: RunRecord, run: RunSpec) -> RunRecord:
        """Return a record, which may be made by another process on images of its own; another run's is a StudyError."""
        path, split = self.folder.record(run), self.test_split
        if (record.arm, record.seed) != (str(run.arm), run.seed):
            raise StudyError(
                f"{path}: holds {record.arm} at seed {record.seed}, expected {run.arm} at seed {run.seed}; "
                "delete it to train this run again"
            )
        try:
            there = completed(json.loads(json.dumps(record.spec)), f"{place(path)}, spec")
        except SpecError as error:
            raise StudyError(f"{error}; delete it to train this run again") from None
        if difference := first_difference(there, json.loads(json.dumps(run.shared_dict(split.digest)))):
            raise StudyError(f"{path}: is of another study: {difference}; delete it to train this run again")
        check_predictions(record, len(split.labels), len(split.class_names), path)
        return record

    @property
    def has_records(self) -> bool:
        return any(self.folder.record(run).exists() for run in self.spec.runs())

    def finished_runs(self) -> list[RunSpec]:
        """Return the runs that finished, in the study's order."""
        finished = {(record.arm, record.seed) for record in self.records() if record.status == "finished"}
        return [run for run in self.spec.runs() if (str(run.arm), run.seed) in finished]

    def network(self, run: RunSpec) -> nn.Module:
        """Return the trained network of a finished run, on the CPU and in evaluation mode."""
        network = self.start_of(run, read_record(self.folder.record(run)))
        read_weights(self.folder.weights(run), network)
        return network.eval()

    def start_of(self, run: RunSpec, record: RunRecord) -> nn.Module:
        """Build a run's network on the CPU; one that is built differently from the record's is a StudyError."""
        path = self.folder.record(run)
        if run.model.factory is None and run.model.name.startswith("__main__:"):
            raise StudyError(
                f"{path}: its network {run.model.name} is known only to the script or notebook that trained it; put "
                "the factory into a module of its own"
            )
        model = build_network(on_cpu(run), self.splits)
        params, layers = audit.count_params(model), audit.check_norm_layers(model, run.arm.norm)
        found = (params, layers, audit.shared_weights_digest(model))
        if not record.audit or found != (record.audit.params, record.audit.norm_layers, record.audit.initial_weights):
            there = f"{record.audit.params:,} parameters" if record.audit else "no audit"
            raise StudyError(
                f"{path}: its network ({there}) did not start from the same weights and layers as this one "
                f"({params:,} parameters): the network's code has changed; choose another --out"
            )
        return model


def on_cpu(run: RunSpec) -> RunSpec:
    """Return the run as this machine can always look at it, wherever it was trained."""
    return replace(run, machine=replace(run.machine, device="cpu"))


def reopen(folder: str | Path, data_dir: str | Path | None = None, download: bool = True) -> Study:
    """Return the study that a folder holds; nothing is trained, and no image is loaded.

    The network is not built: records can be read where its code is not there or has changed, and Study.network checks
    it. Raises StudyError for a folder without a readable study; so does Study.splits for data that are not the study's.
    """
    there = StudyFolder(Path(folder).expanduser())
    spec = there.spec()
    data = replace(spec.data, data_dir=None if data_dir is None else str(data_dir), download=download)
    images = StudyImages(data, "cpu", known=there.test_split(), digest_there=there.digest())
    return Study(spec=replace(spec, data=data), folder=there, images=images)
