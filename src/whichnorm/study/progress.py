"""What is shown while a study runs: bars for study, run and epoch on a terminal, plain lines elsewhere."""

import sys
from collections.abc import Iterator

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from whichnorm.specs.names import arm_title, named
from whichnorm.study.events import (
    EpochDone,
    Event,
    FollowUpStarted,
    Listener,
    PartStarted,
    ReportStarted,
    RunFailed,
    RunFinished,
    RunStarted,
    SeedsAdded,
    StepDone,
    StudyStarted,
    StudyStopped,
)
from whichnorm.training.record import EpochRow

HEADER = " epoch        lr   seconds   train loss   train acc   {0:>4} loss   {0:>4} acc"


def console_progress(console: Console | None = None) -> Listener:
    """Return a listener that shows bars on a terminal, plain lines on anything else."""
    console = console or _of_stdout()
    return Bars(console) if console.is_terminal else Lines(console)


def _of_stdout() -> Console:
    """Return a console that writes text to stdout, in a notebook too: there rich would make HTML of every line, and
    take the environment of the kernel, which asks for colours, for a terminal."""
    return Console(file=sys.stdout, force_jupyter=False, force_terminal=sys.stdout.isatty())


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


class Lines:
    """One line per epoch, for a file or a pipe."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.index = self.total = 0  # of the run under way, and of all

    def __call__(self, event: Event) -> None:
        for line in self.lines(event):
            self.console.print(line, markup=False, highlight=False, soft_wrap=True)

    def lines(self, event: Event) -> Iterator[str]:
        """Yield what there is to say about an event."""
        match event:
            case StudyStarted():
                self.index, self.total = len(event.done), event.num_runs
                if event.done:
                    yield f"{self.index} of {self.total} runs are finished already"
            case SeedsAdded():
                arms = named(event.arms)
                yield f"not settled after {event.num_before} seeds: going on to {event.num_now} with {arms}"
            case RunStarted():
                self.index += 1
                yield f"run {self.index} of {self.total}: {arm_title(event.arm)}, seed {event.seed}"
                yield HEADER.format(event.split)
            case EpochDone():
                yield format_row(event.row)
            case RunFailed() | RunFinished():
                if isinstance(event, RunFailed):
                    yield f"{arm_title(event.arm)}, seed {event.seed} {event.status}: {event.reason}"
                yield from (f"{arm_title(event.arm)}, seed {event.seed}: {warning}" for warning in event.warnings)
            case PartStarted() | FollowUpStarted():
                yield event.title
            case ReportStarted():
                yield "examining the networks and drawing the report"


class Bars(Lines):
    """The same lines, above three bars."""

    def __call__(self, event: Event) -> None:
        super().__call__(event)
        match event:
            case StudyStarted():
                self._start(len(event.done))
            case StudyStopped():
                self.bars.stop()
            case RunStarted():
                label = escape(f"{arm_title(event.arm)}, seed {event.seed} (epochs)")
                self.bars.reset(self.of_run, total=event.num_epochs, description=label)
                self.bars.reset(self.of_epoch, total=event.num_steps, description="epoch (steps)")
            case StepDone():
                self.bars.update(self.of_epoch, completed=event.step)
            case EpochDone():
                self.bars.update(self.of_run, completed=event.row.epoch)
                self.bars.reset(self.of_epoch)
            case RunFinished() | RunFailed():
                self.bars.advance(self.of_study)

    def _start(self, num_done: int) -> None:
        """Start new bars: those that are started a second time clear lines that are not theirs."""
        columns = (
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
            TextColumn("left"), TimeRemainingColumn(elapsed_when_finished=False),
        )  # fmt: skip
        self.bars = Progress(*columns, console=self.console, transient=True)
        self.of_study = self.bars.add_task("study (runs)", total=self.total, completed=num_done)
        self.of_run = self.bars.add_task("run")
        self.of_epoch = self.bars.add_task("epoch")
        self.bars.start()


def rough_time(seconds: float) -> str:
    """Write an estimated time: "40 s", "12 min", "2.5 h"; `render.text.duration` writes a measured one."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
