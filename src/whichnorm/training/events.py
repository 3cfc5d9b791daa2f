"""What happens in a run, as small values that can be sent to another process."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from whichnorm.training.record import EpochRow


@dataclass(frozen=True, kw_only=True)
class RunEvent:
    """Something that happened in the run of an arm, in its text form, at a seed."""

    arm: str
    seed: int


@dataclass(frozen=True, kw_only=True)
class RunStarted(RunEvent):
    """A run begins, or goes on from its checkpoint."""

    num_epochs: int
    num_steps: int  # per epoch
    split: Literal["val", "test"]  # that the curves come from


@dataclass(frozen=True, kw_only=True)
class StepDone(RunEvent):
    """One more step of the epoch under way is done."""

    step: int  # of this epoch, from 1


@dataclass(frozen=True, kw_only=True)
class WeightsWritten(RunEvent):
    """The checkpoint holds the weights as they are after `num_epochs` epochs; it stays until the next one replaces it.

    A run that goes on from a checkpoint says so once more, for those who were not there when it was written.
    """

    num_epochs: int
    path: Path


@dataclass(frozen=True, kw_only=True)
class EpochDone(RunEvent):
    """An epoch is done and scored, and its checkpoint is written."""

    row: EpochRow


@dataclass(frozen=True, kw_only=True)
class RunFinished(RunEvent):
    """A run went to its end and has its record."""

    warnings: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class RunFailed(RunEvent):
    """A run ended early and has its record, which says why."""

    status: Literal["diverged", "failed"]
    reason: str
    warnings: tuple[str, ...]


RunListener = Callable[[RunEvent], None]


def ignore(event: object) -> None:
    """Listen to nothing."""
