"""TensorBoard event files of a study, one folder per run.

They follow from records and checkpoints: a run's file is written anew from what it has so far when the study starts or
goes on, so that after any interruption no epoch is missing and none is there twice.
"""

import json
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from whichnorm.errors import MissingExtraError
from whichnorm.specs.arm import run_key
from whichnorm.specs.study import RunSpec, StudySpec
from whichnorm.study.events import EpochDone, Event, RunFailed, RunFinished, RunStarted, StudyStarted, StudyStopped
from whichnorm.study.folder import StudyFolder
from whichnorm.training.checkpoint import read_progress
from whichnorm.training.record import EpochRow, read_record


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


class EventFiles:
    """A listener that writes a study's event files."""

    def __init__(self, study: StudySpec, folder: StudyFolder) -> None:
        require_tensorboard()
        self.study, self.folder = study, folder
        self.open: dict[str, EventFile] = {}  # of the runs that are being made, by their keys

    def __call__(self, event: Event) -> None:
        match event:
            case StudyStarted():
                for arm, seed in event.done:
                    run = self._run(arm, seed)
                    self._file(run, read_record(self.folder.record(run)).epochs).close()
            case RunStarted():
                run = self._run(event.arm, event.seed)
                self.open[run.key] = self._file(run, read_progress(self.folder.checkpoint(run))[0])
            case EpochDone():
                self.open[run_key(event.arm, event.seed)].add(event.row)
            case RunFinished() | RunFailed():
                self.open.pop(run_key(event.arm, event.seed)).close()
            case StudyStopped():
                while self.open:  # of runs that were interrupted
                    self.open.popitem()[1].close()

    def _run(self, arm: str, seed: int) -> RunSpec:
        """Return a run of the study by its name, also at a seed that was added to it."""
        (named,) = [run for run in replace(self.study, seeds=(seed,), ended=()).runs() if str(run.arm) == arm]
        return named

    def _file(self, run: RunSpec, epochs: Sequence[EpochRow]) -> "EventFile":
        return EventFile(self.folder.root / "tensorboard" / run.key, run, epochs)


class EventFile:
    """A run's event file: a text of what is trained, and scalars with the epoch as step.

    Times are those of training alone, so that the relative time axis holds no interruption.
    """

    def __init__(self, folder: Path, run: RunSpec, epochs: Sequence[EpochRow]) -> None:
        from torch.utils.tensorboard import SummaryWriter

        for older in folder.glob("events.out.tfevents.*"):
            older.unlink(missing_ok=True)
        self.writer = SummaryWriter(str(folder), purge_step=0)  # a TensorBoard that is open drops what it has of it
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

    def close(self) -> None:
        self.writer.close()


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
