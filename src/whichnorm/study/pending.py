"""A run that is still to be made, in this process or in another one, on this machine or on another one."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from whichnorm.data.splits import Splits
from whichnorm.errors import StudyError, WhichnormError, in_a_line
from whichnorm.specs.study import RunSpec
from whichnorm.study.events import Event, Listener, RunFailed, RunFinished, RunStarted, together
from whichnorm.study.folder import StudyFolder
from whichnorm.training.checkpoint import write_weights
from whichnorm.training.loop import train_run
from whichnorm.training.machine import as_specified
from whichnorm.training.record import RunRecord, write_record

Beside = Callable[[RunSpec, StudyFolder, Splits], Listener]
"""Makes a listener where the run is made, beside the files that it writes: a function or class that can be sent there,
which is one of a module. The listener hears of that run only, before any other hears of the same."""


@dataclass(frozen=True, kw_only=True)
class PendingRun:
    """A run with all that it needs, which can be sent to where it is made; the images follow from its spec.

    In another process: `pending.make(load_splits(run.data, run.machine.device), listener)`.
    """

    run: RunSpec
    folder: StudyFolder
    beside: tuple[Beside, ...] = ()

    def make(self, splits: Splits, listener: Listener) -> RunRecord:
        """Train the run, from its checkpoint where there is one; put weights and record in place and return the record.

        A run that fails or diverges has a record too. What is wrong with files, or with a listener, is a StudyError.
        """
        run, folder = self.run, self.folder
        try:
            tell = self._listeners(splits, listener)
            tell(_started(run, splits))
            with as_specified(run.machine):
                record, model = train_run(run, splits, folder.checkpoint(run), tell, weights_first=bool(self.beside))
        except WhichnormError:
            raise
        except Exception as error:  # of files or of building the network: what training raises is in the record
            raise StudyError(f"run {run.key} stopped: {in_a_line(error, limit=300)}; finished runs are kept") from error
        self._keep(record, model)
        tell(_ended(record))
        return record

    def _listeners(self, splits: Splits, listener: Listener) -> Listener:
        """Return all listeners as one, whose errors stop the run: it is not the network that failed."""
        heard = together(*(make(self.run, self.folder, splits) for make in self.beside), listener)

        def tell(event: Event) -> None:
            try:
                heard(event)
            except (StudyError, OSError):
                raise
            except Exception as error:
                what = f"a listener failed with {in_a_line(error, limit=300)}"
                raise StudyError(f"run {self.run.key} stopped: {what}; finished runs are kept") from error

        return tell

    def _keep(self, record: RunRecord, model: nn.Module) -> None:
        """Put the weights in place, then the record, with which the run counts as made."""
        if record.status == "finished":
            write_weights(self.folder.weights(self.run), model)
        write_record(self.folder.record(self.run), record)
        self.folder.checkpoint(self.run).unlink(missing_ok=True)


def _started(run: RunSpec, splits: Splits) -> RunStarted:
    return RunStarted(
        arm=str(run.arm),
        seed=run.seed,
        num_epochs=run.recipe.epochs,
        num_steps=len(splits.train) // run.recipe.batch_size,
        split="val" if run.data.val_fraction else "test",
    )


def _ended(record: RunRecord) -> RunFinished | RunFailed:
    warnings = tuple(record.warnings)
    if record.status == "finished":
        return RunFinished(arm=record.arm, seed=record.seed, warnings=warnings)
    return RunFailed(arm=record.arm, seed=record.seed, status=record.status, reason=record.reason, warnings=warnings)
