"""TensorBoard event files of a study, one folder per run.

They follow from records and checkpoints: a run's file is written anew from what it has so far when the study starts or
goes on, so that after any interruption no epoch is missing and none is there twice.
"""

import json
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from whichnorm.errors import MissingExtraError
from whichnorm.specs.study import RunSpec, StudySpec
from whichnorm.study.folder import StudyFolder
from whichnorm.study.progress import PassingProgress, Progress
from whichnorm.training.checkpoint import read_progress
from whichnorm.training.record import EpochRow, RunRecord, read_record

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter


def scalars(row: EpochRow) -> dict[str, float]:
    """Return an epoch's scalars by tag; a loss that was not finite and a split that does not exist have none."""
    values = {
        "accuracy/train": row.train_accuracy,
        "accuracy/val": row.val_accuracy,
        "accuracy/test": row.test_accuracy,
        "loss/train": row.train_loss,
        "loss/val": row.val_loss,
        "loss/test": row.test_loss,
        "learning_rate": row.learning_rate,
        "seconds": row.seconds,
    }
    return {tag: value for tag, value in values.items() if value is not None}


class TensorBoardProgress(PassingProgress):
    """Writes a study's event files and passes everything on to another progress."""

    def __init__(self, shown: Progress, folder: StudyFolder) -> None:
        require_tensorboard()
        super().__init__(shown)
        self.folder = folder
        self.file: EventFile | None = None

    def start_study(self, study: StudySpec, num_done: int) -> None:
        for run in study.runs():
            if self.folder.record(run).exists():
                self._open(run, read_record(self.folder.record(run)).epochs)
        self._close()
        super().start_study(study, num_done)

    def start_run(self, run: RunSpec, num_steps: int) -> None:
        epochs, _ = read_progress(self.folder.checkpoint(run))
        self._open(run, epochs)
        super().start_run(run, num_steps)

    def on_epoch(self, row: EpochRow) -> None:
        if self.file:
            self.file.add(row)
        super().on_epoch(row)

    def end_run(self, record: RunRecord) -> None:
        self._close()
        super().end_run(record)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()
        super().__exit__(kind, error, trace)

    def _open(self, run: RunSpec, epochs: Sequence[EpochRow]) -> None:
        self._close()
        self.file = EventFile(self.folder.root / "tensorboard" / run.key, run, epochs)

    def _close(self) -> None:
        if self.file:
            self.file.writer.close()
        self.file = None


class EventFile:
    """A run's event file: a text of what is trained, and scalars with the epoch as step.

    Times are those of training alone, so that the relative time axis holds no interruption.
    """

    def __init__(self, folder: Path, run: RunSpec, epochs: Sequence[EpochRow]) -> None:
        for older in folder.glob("events.out.tfevents.*"):
            older.unlink(missing_ok=True)
        self.writer = open_writer(folder)
        self.time = time.time() - sum(row.seconds for row in epochs)
        self.writer.add_text("run", description(run), global_step=0, walltime=self.time)
        for row in epochs:
            self.add(row)
        self.writer.flush()

    def add(self, row: EpochRow) -> None:
        self.time += row.seconds
        for tag, value in scalars(row).items():
            self.writer.add_scalar(tag, value, global_step=row.epoch, walltime=self.time)
        self.writer.flush()


def description(run: RunSpec) -> str:
    """Return a run's arm, seed, network, recipe and machine as a Markdown code block."""
    shared = {key: value for key, value in run.shared_dict("").items() if key != "data"}
    text = json.dumps({"arm": str(run.arm), "seed": run.seed, "data": run.data.name, **shared}, indent=2)
    return "\n".join(f"    {line}" for line in text.splitlines())


def require_tensorboard() -> None:
    """Raise MissingExtraError where TensorBoard is not installed."""
    try:
        import tensorboard  # noqa: F401
    except ImportError as error:
        raise MissingExtraError(
            f"--tensorboard needs {error.name}, not installed: pip install whichnorm[tensorboard]"
        ) from None


def open_writer(folder: Path) -> "SummaryWriter":
    """Return a writer whose first event tells a TensorBoard that is open to drop what it has of this run."""
    from torch.utils.tensorboard import SummaryWriter

    return SummaryWriter(str(folder), purge_step=0)
