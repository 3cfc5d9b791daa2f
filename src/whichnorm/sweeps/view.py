"""A sweep's state in a terminal: a row per point, the runs of the one that is being made, and what goes on."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import mean

from rich import box
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from whichnorm.specs.names import arm_title
from whichnorm.sweeps.axes import AXIS_NAMES
from whichnorm.sweeps.state import PointState, SweepState, sweep_seconds_left
from whichnorm.watch.state import StudyState
from whichnorm.watch.view import LINES_BESIDE_ROWS, STYLES, bar, going_on, reason_lines, report_line, runs_table

LINES_OF_POINTS = 6  # beside their rows: a title and two table heads


@dataclass(frozen=True)
class Items:
    """Short texts in a row, with a new line between two of them where there is no room."""

    texts: Sequence[str]

    def lines(self, width: int) -> list[str]:
        lines: list[str] = []
        for text in self.texts:
            if lines and len(lines[-1]) + 2 + len(text) <= width:
                lines[-1] += f"  {text}"
            else:
                lines.append(text)
        return lines

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Text("\n".join(self.lines(options.max_width)))

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        lengths = [len(text) for text in self.texts] or [0]
        return Measurement(max(lengths), sum(lengths) + 2 * (len(lengths) - 1)).with_maximum(options.max_width)


def render_sweep(state: SweepState, height: int | None = None) -> list[RenderableType]:
    """Return what is shown of a sweep; of the shown point a row per arm where a row per run exceeds the height."""
    parts: list[RenderableType] = [Text(_title(state), style="bold"), points_table(state), *_runs(state, height)]
    return [*parts, *_reasons(state), _bar(state), *_ending(state)]


def _title(state: SweepState) -> str:
    spec = state.spec
    axis = AXIS_NAMES[spec.axes.along] if len(state.points) > 1 else "number of groups"
    return (
        f"{spec.model.name} on {spec.data.name} by {axis}: recipe {spec.recipe.name}, {spec.recipe.epochs} epochs, "
        f"{spec.machine.device}, {spec.machine.precision}"
    )


def points_table(state: SweepState) -> Table:
    """Return a row per point: its batch, runs, status, the answer where there is one, and each arm's mean accuracy."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("batch", no_wrap=True)
    table.add_column("runs", justify="right", no_wrap=True)
    table.add_column("status", no_wrap=True)
    if state.answers is not None:
        table.add_column("answer")
    table.add_column(f"{state.split} %{'' if state.all_done else ' so far'}")  # gives way where it is narrow
    for point in state.points:
        table.add_row(*_point_row(state, point))
    return table


def _point_row(state: SweepState, point: PointState) -> Iterator[RenderableType]:
    yield Text(point.batch.text)
    yield _count(point.study)
    yield _status(point.study)
    if state.answers is not None:
        yield Text(state.answers.get(point.batch.name, ""))
    yield _accuracies(point.study)


def _count(study: StudyState | None) -> str:
    return f"{sum(run.done for run in study.runs)} of {len(study.runs)}" if study else ""


def _status(study: StudyState | None) -> Text:
    if study is None:
        return Text("left out", style="dim")
    if study.all_done:
        faults = sum(run.status != "finished" for run in study.runs)
        said = "being reported" if study.at_work else "finished"
        return Text(f"{said}, {faults} went wrong", style="red") if faults else Text(said, style=STYLES["finished"])
    if study.at_work:
        return Text("under way", style=STYLES["training"])
    begun = any(run.epochs or run.done for run in study.runs)
    return Text("stopped", style=STYLES["stopped"]) if begun else Text("waiting", style=STYLES["waiting"])


def _accuracies(study: StudyState | None) -> Items:
    """Return the mean accuracy of each arm's finished runs in their last epoch: "BatchNorm 51.2  LayerNorm 47.3"."""
    finished: dict[str, list[float]] = {run.arm: [] for run in study.runs} if study else {}
    for run in study.runs if study else ():
        if study and run.status == "finished":
            finished[run.arm].append(study.accuracy(run.epochs[-1]))
    return Items([f"{arm_title(arm)} {100 * mean(values):.1f}" for arm, values in finished.items() if values])


def _runs(state: SweepState, height: int | None) -> Iterator[RenderableType]:
    """Yield the runs of one point under its name."""
    point = state.shown
    if not point or not point.study:
        return
    number = state.points.index(point) + 1
    rows = len(point.study.runs) + len(state.points) + LINES_OF_POINTS + LINES_BESIDE_ROWS
    yield Text(f"batch {point.batch.text}, point {number} of {len(state.points)}")
    yield runs_table(point.study, folded=height is not None and rows > height)


def _reasons(state: SweepState) -> Iterator[Text]:
    runs = [(point, run) for point in state.points if point.study for run in point.study.runs]
    return reason_lines([(f"batch {point.batch.text}: ", run) for point, run in runs if run.reason])


def _bar(state: SweepState) -> Table:
    runs = [run for study in state.studies for run in study.runs]
    total = sum(len(study.runs) * study.num_epochs for study in state.studies)
    said = f"{sum(run.done for run in runs)} of {len(runs)} runs"
    return bar(sum(study.epochs_done for study in state.studies), total, said, sweep_seconds_left(state))


def _ending(state: SweepState) -> Iterator[Text]:
    """Say what goes on, how to go on, or where the report is."""
    if state.finished:
        yield from report_line(state.root)
    elif state.at_work:
        yield Text("All runs are done; the report is being drawn." if state.all_done else "A process is at work.")
    else:
        yield from going_on(state.at_work, state.command, state.spec.data.name)
