"""A study's state in a terminal: a row per run, or per arm where they would not fit, and what goes on."""

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

from rich import box
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.measure import Measurement
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from whichnorm.specs.names import arm_title, enclosed
from whichnorm.study.progress import rough_time
from whichnorm.watch.state import FollowUpState, RunState, StudyState, seconds_left

BLOCKS = "▁▂▃▄▅▆▇█"
STYLES = {
    "waiting": "dim", "training": "cyan", "stopped": "yellow", "finished": "green", "diverged": "red",
    "failed": "red", "unreadable": "red",
}  # fmt: skip
LINES_BESIDE_ROWS = 14  # title, table head, bar, what goes on, a command or a verdict
MAX_REASONS = 3
LONG_ARM = 20  # characters


@dataclass(frozen=True)
class Sparkline:
    """Values as blocks between `low` and `high`, one for each, or the last of each part where there is no room."""

    values: Sequence[float]
    low: float
    high: float

    def text(self, width: int) -> str:
        count = min(len(self.values), width)
        picked = [self.values[(i + 1) * len(self.values) // count - 1] for i in range(count)]
        span = (self.high - self.low) or 1.0
        return "".join(BLOCKS[round((value - self.low) / span * (len(BLOCKS) - 1))] for value in picked)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Text(self.text(options.max_width), style="cyan", no_wrap=True)

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(min(6, len(self.values)), len(self.values)).with_maximum(options.max_width)


def render(state: StudyState, height: int | None = None) -> list[RenderableType]:
    """Return what is shown of a study, folded to a row per arm where a row per run exceeds the height."""
    folded = height is not None and len(state.runs) + LINES_BESIDE_ROWS > height
    return [Text(state.title, style="bold"), runs_table(state, folded), *_reasons(state), _bar(state), *_ending(state)]


def runs_table(state: StudyState, folded: bool) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("arm", no_wrap=True)
    table.add_column("seeds" if folded else "seed", justify="right", no_wrap=True)
    table.add_column("status", no_wrap=True)
    table.add_column(f"{state.split} %", justify="right", no_wrap=True)
    table.add_column("loss", justify="right", no_wrap=True)
    table.add_column("s", justify="right", no_wrap=True)
    table.add_column("accuracy", min_width=8)  # the only one that gives way where the terminal is narrow
    for row in _arm_rows(state) if folded else (_run_row(state, run, str(run.seed)) for run in state.runs):
        table.add_row(*row)
    return table


def _run_row(state: StudyState, run: RunState, seed: str) -> list[RenderableType]:
    style = "yellow" if run.status == "finished" and run.reason else STYLES[run.status]
    status = Text(_status(state, run), style=style)
    if not run.epochs:
        return [_arm_name(run.arm), seed, status, "", "", "", ""]
    last = run.epochs[-1]
    loss = state.loss(last)
    return [
        _arm_name(run.arm),
        seed,
        status,
        f"{100 * state.accuracy(last):.2f}",
        "not finite" if loss is None else f"{loss:.3f}",
        f"{run.seconds:.1f}",
        _sparkline(state, [state.accuracy(row) for row in run.epochs]),
    ]


def _arm_name(arm: str) -> Text:
    """Return an arm's name, a long one in several lines."""
    return Text(textwrap.fill(arm_title(arm), LONG_ARM))


def _status(state: StudyState, run: RunState) -> str:
    if run.status == "training":
        return f"epoch {min(len(run.epochs) + 1, state.num_epochs)} of {state.num_epochs}"
    if run.status == "stopped":
        return f"stopped, {len(run.epochs)}/{state.num_epochs}"
    return run.status


def _arm_rows(state: StudyState) -> Iterator[list[RenderableType]]:
    """Yield a row of means per arm, and below it the runs of the arm that are under way."""
    for arm in dict.fromkeys(run.arm for run in state.runs):
        runs = [run for run in state.runs if run.arm == arm]
        finished = [run for run in runs if run.status == "finished"]
        yield [_arm_name(arm), str(len(runs)), _counts(runs), *_means(state, finished)]
        for run in runs:
            if run.status in ("training", "stopped"):
                yield [Text("  under way", style="dim"), *_run_row(state, run, f"seed {run.seed}")[1:]]


def _counts(runs: Sequence[RunState]) -> Text:
    """Count an arm's runs by status, those under way and waiting left out: "3 finished, 1 failed"."""
    statuses = [run.status for run in runs]
    if statuses.count("finished") == len(runs):
        return Text("finished", style=STYLES["finished"])
    said = [(s, statuses.count(s)) for s in ("finished", "diverged", "failed", "unreadable") if s in statuses]
    parts = [Text(f"{number} {status}", style=STYLES[status]) for status, number in said]
    return Text(", ").join(parts) if parts else Text("" if "training" in statuses else "waiting", style="dim")


def _means(state: StudyState, runs: Sequence[RunState]) -> list[RenderableType]:
    """Return mean accuracy, loss, seconds and curve of an arm's finished runs."""
    if not runs:
        return ["", "", "", ""]
    losses = [state.loss(run.epochs[-1]) for run in runs]
    known = [loss for loss in losses if loss is not None]
    curves = [[state.accuracy(row) for row in run.epochs] for run in runs]
    return [
        f"{100 * mean(curve[-1] for curve in curves):.2f}",
        f"{mean(known):.3f}" if known else "",
        f"{mean(run.seconds for run in runs):.1f}",
        _sparkline(state, [mean(values) for values in zip(*curves, strict=True)]),
    ]


def _sparkline(state: StudyState, values: Sequence[float]) -> Sparkline:
    """Draw a curve on the scale of all of the study's curves."""
    everywhere = [state.accuracy(row) for run in state.runs for row in run.epochs]
    return Sparkline(values, min(everywhere), max(everywhere))


def _reasons(state: StudyState) -> Iterator[Text]:
    """Say what is wrong with runs that have a fault."""
    return reason_lines([("", run) for run in state.runs if run.reason])


def reason_lines(faults: Sequence[tuple[str, RunState]]) -> Iterator[Text]:
    """Say what is wrong with the first few of these runs, each after the text in front of it."""
    for place, run in faults[:MAX_REASONS]:
        said = f"{place}{enclosed([run.arm])} seed {run.seed} {run.status}: {run.reason}"
        yield Text(said, style="yellow" if run.status == "finished" else "red", no_wrap=True, overflow="ellipsis")
    if len(faults) > MAX_REASONS:
        yield Text(f"and {len(faults) - MAX_REASONS} more", style="yellow")


def _bar(state: StudyState) -> Table:
    done = sum(run.done for run in state.runs)
    total = len(state.runs) * state.num_epochs
    return bar(state.epochs_done, total, f"{done} of {len(state.runs)} runs", seconds_left(state))


def bar(epochs_done: int, total: int, said: str, left: float | None) -> Table:
    """Return a bar with the number of epochs, more that is `said`, and the estimated seconds that are left."""
    said = f"{epochs_done} of {total} epochs, {said}" + (f", about {rough_time(left)} left" if left else "")
    grid = Table.grid(padding=(0, 2))
    grid.add_row(ProgressBar(total=total, completed=epochs_done, width=24), said)
    return grid


def _ending(state: StudyState) -> Iterator[Text]:
    """Say what goes on, how to go on, or what came out."""
    if state.follow_ups:
        yield Text(f"follow-ups: {', '.join(map(_follow_up, state.follow_ups))}")
    if state.finished:
        yield Text(state.verdict or "", style="bold")
        yield from report_line(state.root)
    elif state.at_work:
        yield Text(_at_work(state))
    else:
        yield from going_on(state.at_work, state.command, state.spec.data.name)


def _follow_up(state: FollowUpState) -> str:
    under_way = " under way" if state.at_work else ""
    return f"{state.name}{under_way} ({state.num_done} of {state.num_runs} runs)"


def _at_work(state: StudyState) -> str:
    if not state.all_done:
        return "A process is at work."
    if any(one.at_work for one in state.follow_ups):
        return "All runs are done; a follow-up is being trained."
    return "All runs are done; the report is being drawn."


def report_line(root: Path) -> Iterator[Text]:
    page = root / "report" / "index.html"
    if page.exists():
        yield Text(f"report: {page}")


def going_on(at_work: bool | None, command: str | None, data: str) -> Iterator[Text]:
    """Say how to go on where no process is at work; `command` is None where no command can."""
    if at_work is None:
        yield Text("Whether a process is at work cannot be told on this system.")
        return
    if command is None:
        yield Text("No process is at work. The same call goes on.")
        return
    yield Text(f"No process is at work. {command} goes on.")
    if data != "digits":
        yield Text("  (with the --data-dir that was given, if one was)", style="dim")
