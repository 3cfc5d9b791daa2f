"""A study: its spec, its folder, its images, and the records and networks of its runs."""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from torch import nn

from whichnorm.data.splits import Splits, load_splits
from whichnorm.errors import SpecError, StudyError
from whichnorm.files import place
from whichnorm.specs.data import DataSpec
from whichnorm.specs.study import RunSpec, StudySpec, completed
from whichnorm.study.folder import Folder, StudyFolder, TestSplit, existing, first_difference
from whichnorm.training import audit
from whichnorm.training.checkpoint import read_weights
from whichnorm.training.network import build_network
from whichnorm.training.record import RunRecord, check_predictions, read_record


@dataclass(frozen=True, eq=False)
class StudyImages:
    """Images that several studies can share; `known` is what a folder holds of them, so that many need no images."""

    spec: DataSpec
    device: str
    known: TestSplit | None = None
    digest_there: str = ""  # of the images that a folder's study was trained on

    @classmethod
    def of(cls, there: Folder, data: DataSpec) -> "StudyImages":
        """Return the images that the study or the sweep of a folder was trained on; they may lie elsewhere now."""
        return cls(data, "cpu", known=there.test_split(), digest_there=there.digest())

    @cached_property
    def splits(self) -> Splits:
        """The images themselves; a StudyError for others than the study was trained on."""
        found = load_splits(self.spec, self.device)
        if self.digest_there and found.digest != self.digest_there:
            raise StudyError(
                f"the images of {self.spec.name} are not those of the study: data.digest is {self.digest_there!r} "
                f"there and {found.digest!r} here; --data-dir names the folder that holds them"
            )
        return found

    @cached_property
    def test_split(self) -> TestSplit:
        """The test split's labels and class names, without its images."""
        if self.known:
            return self.known
        splits = self.splits
        labels = tuple(splits.test.labels.tolist())
        return TestSplit(digest=splits.digest, class_names=splits.class_names, labels=labels)


@dataclass(frozen=True, kw_only=True, eq=False)
class Study:
    """A study with its folder named; its images are loaded when they are first asked for."""

    spec: StudySpec
    folder: StudyFolder
    images: StudyImages

    @classmethod
    def new(cls, spec: StudySpec, folder: Path) -> "Study":
        """Return a study in a folder, with images that are not known yet."""
        return cls(spec=spec, folder=StudyFolder(folder), images=StudyImages(spec.data, spec.machine.device))

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

    def with_looks(self) -> "Study":
        """Return the study with the seeds for which its folder holds an answer already: those are looks at it."""
        if self.spec.until_sure or not self.folder.file.exists():
            return self
        there = self.folder.spec()
        answered = (there.seeds,) if (self.folder.root / "results.json").exists() else ()
        looks = [seeds for seeds in dict.fromkeys((*there.looks, *answered)) if seeds != self.spec.seeds]
        return self.with_spec(replace(self.spec, looks=tuple(looks)))

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
            there = completed(record.spec, f"{place(path)}, spec")
        except SpecError as error:
            raise StudyError(f"{error}; delete it to train this run again") from None
        if difference := first_difference(there, run.shared_dict(split.digest)):
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
    there = StudyFolder(existing(folder))
    spec = there.spec()
    data = replace(spec.data, data_dir=None if data_dir is None else str(data_dir), download=download)
    return Study(spec=replace(spec, data=data), folder=there, images=StudyImages.of(there, data))
