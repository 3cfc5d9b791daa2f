"""What happens in a study, as small values that can be sent to another process, and those who listen.

A listener is any function of an event. It leaves alone what it does not know: there may be more kinds some day. An
exception that it raises, such as KeyboardInterrupt, stops the study, which goes on from there when it is given again.
"""

from collections.abc import Callable
from dataclasses import dataclass

from whichnorm.specs.study import StudySpec
from whichnorm.training.events import (
    EpochDone,
    RunEvent,
    RunFailed,
    RunFinished,
    RunStarted,
    StepDone,
    WeightsWritten,
    ignore,
)

__all__ = [
    "EpochDone", "Event", "FollowUpStarted", "Listener", "PartStarted", "ReportStarted", "RunEvent", "RunFailed",
    "RunFinished", "RunStarted", "SeedsAdded", "StepDone", "StudyStarted", "StudyStopped", "WeightsWritten", "ignore",
    "together",
]  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class PartStarted:
    """One of several studies begins that are made one after the other."""

    title: str


@dataclass(frozen=True, kw_only=True)
class StudyStarted:
    """A study begins or goes on: `done` are arm and seed of the runs that have a record already."""

    num_runs: int
    done: tuple[tuple[str, int], ...]


@dataclass(frozen=True, kw_only=True)
class StudyStopped:
    """No run is being made any more: all have records, or the study was interrupted."""


@dataclass(frozen=True, kw_only=True)
class SeedsAdded:
    """A study's comparisons are not settled: it goes on to more seeds with the arms that need them."""

    num_before: int
    num_now: int
    arms: tuple[str, ...]

    @classmethod
    def between(cls, before: StudySpec, now: StudySpec) -> "SeedsAdded":
        """Return the event of a study that has grown."""
        arms = tuple(str(arm) for arm in now.arms if str(arm) not in dict(now.ended))
        return cls(num_before=len(before.seeds), num_now=len(now.seeds), arms=arms)


@dataclass(frozen=True, kw_only=True)
class FollowUpStarted:
    """The study is done; a further one begins that looks whether its answer holds."""

    title: str


@dataclass(frozen=True, kw_only=True)
class ReportStarted:
    """All runs have records; the networks are being examined and the report drawn."""


Event = RunEvent | PartStarted | StudyStarted | StudyStopped | SeedsAdded | FollowUpStarted | ReportStarted
Listener = Callable[[Event], None]


def together(*listeners: Listener) -> Listener:
    """Return a listener that passes every event on to these, in their order."""

    def pass_on(event: Event) -> None:
        for listener in listeners:
            listener(event)

    return pass_on
