"""The reference executor: one run after the other, in this process."""

from collections.abc import Iterator, Sequence

from whichnorm.data.splits import Splits
from whichnorm.study.events import Listener
from whichnorm.study.pending import PendingRun
from whichnorm.training.record import RunRecord


def serial(pending: Sequence[PendingRun], splits: Splits, listener: Listener) -> Iterator[RunRecord]:
    """Make the runs in their order; see `Executor`."""
    for one in pending:
        yield one.make(splits, listener)
