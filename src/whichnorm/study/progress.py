"""What is shown while a study runs: bars for study, run and epoch on a terminal, plain lines elsewhere."""

import sys
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from whichnorm.specs.study import RunSpec, StudySpec
from whichnorm.training.record import EpochRow, RunRecord

if TYPE_CHECKING:
    from torch import nn

HEADER = " epoch        lr   seconds   train loss   train acc   {0} loss   {0} acc"


class Progress:
    """Shows nothing; the base of the two that do."""

    def start_part(self, title: str) -> None:
        """Begin one of several studies that are made one after the other."""

    def start_study(self, study: StudySpec, num_done: int) -> None:
        """Begin: `num_done` of the study's runs have a record already."""

    def add_seeds(self, study: StudySpec, grown: StudySpec) -> None:
        """The study's comparisons are not settled: it goes on as `grown`."""

    def start_run(self, run: RunSpec, num_steps: int) -> None:
        """Begin a run of `num_steps` steps per epoch."""

    def on_step(self, num_done: int) -> None:
        """`num_done` steps of the epoch are done."""

    def on_epoch(self, row: EpochRow) -> None:
        """An epoch is done."""

    def on_weights(self, model: "nn.Module", num_epochs: int) -> None:
        """The network that trains, after a number of epochs: before the first one or the one to go on with, and after
        each, before the epoch counts as done. It must stay as it is."""

    def end_run(self, record: RunRecord) -> None:
        """A run has its record."""

    def start_follow_up(self, title: str) -> None:
        """The study is done; a further one begins that looks whether its answer holds."""

    def start_report(self) -> None:
        """All runs have records; the networks are being examined and the report drawn."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass


class PassingProgress(Progress):
    """Passes everything on to another progress; the base of those that do something on the side."""

    def __init__(self, shown: Progress) -> None:
        self.shown = shown

    def start_part(self, title: str) -> None:
        self.shown.start_part(title)

    def start_study(self, study: StudySpec, num_done: int) -> None:
        self.shown.start_study(study, num_done)

    def add_seeds(self, study: StudySpec, grown: StudySpec) -> None:
        self.shown.add_seeds(study, grown)

    def start_run(self, run: RunSpec, num_steps: int) -> None:
        self.shown.start_run(run, num_steps)

    def on_step(self, num_done: int) -> None:
        self.shown.on_step(num_done)

    def on_epoch(self, row: EpochRow) -> None:
        self.shown.on_epoch(row)

    def on_weights(self, model: "nn.Module", num_epochs: int) -> None:
        self.shown.on_weights(model, num_epochs)

    def end_run(self, record: RunRecord) -> None:
        self.shown.end_run(record)

    def start_follow_up(self, title: str) -> None:
        self.shown.start_follow_up(title)

    def start_report(self) -> None:
        self.shown.start_report()

    def __enter__(self) -> Self:
        self.shown.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.shown.__exit__(kind, error, trace)


def format_row(row: EpochRow) -> str:
    """Return an epoch's line, under HEADER; the curves' split is the validation split, or else the test split."""
    held_loss, held_accuracy = (
        (row.test_loss, row.test_accuracy) if row.val_accuracy is None else (row.val_loss, row.val_accuracy)
    )
    return (
        f"{row.epoch:6d}  {row.learning_rate:8.6f}  {row.seconds:8.1f}  {_loss(row.train_loss):>11}"
        f"  {row.train_accuracy:10.2%}  {_loss(held_loss):>9}  {held_accuracy or 0:8.2%}"
    )


def _loss(value: float | None) -> str:
    return "not finite" if value is None else f"{value:.6f}"


class PlainProgress(Progress):
    """One line per epoch, for a file or a pipe."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.index = 0
        self.total = 0

    def print(self, text: str) -> None:
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def start_part(self, title: str) -> None:
        self.print(title)

    def start_study(self, study: StudySpec, num_done: int) -> None:
        self.index, self.total = num_done, len(study.runs())
        if num_done:
            self.print(f"{num_done} of {self.total} runs are finished already")

    def add_seeds(self, study: StudySpec, grown: StudySpec) -> None:
        ended = dict(grown.ended)
        arms = ", ".join(str(arm) for arm in grown.arms if str(arm) not in ended)
        self.print(f"not settled after {len(study.seeds)} seeds: going on to {len(grown.seeds)} with {arms}")

    def start_run(self, run: RunSpec, num_steps: int) -> None:
        self.index += 1
        self.print(f"run {self.index} of {self.total}: {run.arm}, seed {run.seed}")
        self.print(HEADER.format("test" if run.data.val_fraction == 0 else " val"))

    def on_epoch(self, row: EpochRow) -> None:
        self.print(format_row(row))

    def start_follow_up(self, title: str) -> None:
        self.print(title)

    def start_report(self) -> None:
        self.print("examining the networks and drawing the report")

    def end_run(self, record: RunRecord) -> None:
        if record.status != "finished":
            self.print(f"{record.arm}, seed {record.seed} {record.status}: {record.reason}")
        for warning in record.warnings:
            self.print(f"{record.arm}, seed {record.seed}: {warning}")


class BarProgress(PlainProgress):
    """The same lines, above three bars."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self._make_bars()

    def _make_bars(self) -> None:
        columns = (
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
            TextColumn("left"), TimeRemainingColumn(elapsed_when_finished=False),
        )  # fmt: skip
        self.bars = Bars(*columns, console=self.console, transient=True)
        self.of_study = self.bars.add_task("study")
        self.of_run = self.bars.add_task("run")
        self.of_epoch = self.bars.add_task("epoch")

    def start_part(self, title: str) -> None:
        super().start_part(title)
        self._make_bars()  # bars that are started a second time clear lines that are not theirs

    def start_study(self, study: StudySpec, num_done: int) -> None:
        super().start_study(study, num_done)
        self.bars.reset(self.of_study, total=self.total, completed=num_done, description="study (runs)")

    def start_run(self, run: RunSpec, num_steps: int) -> None:
        super().start_run(run, num_steps)
        label = escape(f"{run.arm}, seed {run.seed} (epochs)")
        self.bars.reset(self.of_run, total=run.recipe.epochs, description=label)
        self.bars.reset(self.of_epoch, total=num_steps, description="epoch (steps)")

    def on_step(self, num_done: int) -> None:
        self.bars.update(self.of_epoch, completed=num_done)

    def on_epoch(self, row: EpochRow) -> None:
        super().on_epoch(row)
        self.bars.update(self.of_run, completed=row.epoch)
        self.bars.reset(self.of_epoch)

    def end_run(self, record: RunRecord) -> None:
        super().end_run(record)
        self.bars.advance(self.of_study)

    def __enter__(self) -> Self:
        self.bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.bars.stop()


def console_progress(console: Console | None = None) -> Progress:
    """Return bars for a terminal, plain lines for anything else."""
    console = console or Console(file=sys.stdout)
    return BarProgress(console) if console.is_terminal else PlainProgress(console)


def duration(seconds: float) -> str:
    """Write a time to wait: "40 s", "12 min", "2.5 h"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
