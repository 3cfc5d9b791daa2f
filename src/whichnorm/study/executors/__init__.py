"""Executors: where the runs of a study are made, and nothing else. `serial` is the reference."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from whichnorm.data.splits import Splits
from whichnorm.study.events import Listener
from whichnorm.study.pending import PendingRun
from whichnorm.training.record import RunRecord


class Executor(Protocol):
    """Makes runs."""

    def __call__(self, pending: Sequence[PendingRun], splits: Splits, listener: Listener) -> Iterator[RunRecord]:
        """Make the runs, in any order, and yield the record of each when it is there; the listener hears of all.

        `splits` are the images of these runs in this process; another process loads its own from a run's spec.
        Everything else that a run needs is in a PendingRun, which can be pickled unless its network is one of the
        user's own that cannot.
        """
