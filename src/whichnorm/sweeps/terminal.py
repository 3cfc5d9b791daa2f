"""A sweep in a terminal: a table that fits 80 columns, the differences, and the answer last."""

from collections.abc import Iterator

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from whichnorm.analyses import wording
from whichnorm.render import text
from whichnorm.render.terminal import print_headline, say
from whichnorm.study.plan import Plan
from whichnorm.study.progress import rough_time
from whichnorm.sweeps.answer import answer_sentence, key_points
from whichnorm.sweeps.results import PointResult, SweepResults
from whichnorm.sweeps.run import Sweep
from whichnorm.sweeps.spec import Point
from whichnorm.sweeps.tables import comparison_row
from whichnorm.sweeps.text import (
    correction_sentence,
    crossing_sentences,
    error_text,
    interval_sentence,
    point_sentences,
    skipped_sentences,
)

MAX_COMPARISONS = 12  # more are in the report alone


def print_sweep(results: SweepResults, console: Console) -> None:
    """Print errors, differences, and what went wrong or was left out; then the answer, with the points beside it."""
    console.print(_errors(results))
    say(console, f"{interval_sentence(results)} {results.rule}", "dim")
    if results.comparisons and len(results.comparisons) <= MAX_COMPARISONS:
        console.print(_comparisons(results))
    if results.comparisons:
        say(console, correction_sentence(results), "dim")
    for sentence in skipped_sentences(results):
        say(console, sentence, "dim")
    for name, run in results.faults:
        reason = text.printable(wording.fault_reason(run))
        say(console, f"{name}: {run.arm} seed {run.seed} {run.status}: {reason}", "red")
    for sentence in _behind(results):
        say(console, sentence)
    print_headline(answer_sentence(results), key_points(results), console)


def _behind(results: SweepResults) -> Iterator[str]:
    """Yield what the answer leaves out: every point, and every pair of arms, if there are several."""
    if len(results.points) > 1:
        yield from point_sentences(results)
    if len(results.crossings) > 1:
        yield from crossing_sentences(results)


def _errors(results: SweepResults) -> Table:
    """Return a row per point and arm."""
    table = _table("Test error after the last epoch", ["batch", "norm"], ["lr", "error % [95 % interval]", "n"])
    for place, point in enumerate(results.points):
        if place:
            table.add_section()
        for row, name in enumerate(results.arms):
            batch, rate = (point.batch.text, f"{point.recipe.learning_rate:.3g}") if row == 0 else ("", "")
            table.add_row(batch, Text(name), rate, *_cells(point, name))
    return table


def _cells(point: PointResult, name: str) -> tuple[Text, str]:
    if found := point.errors.get(name):
        return Text(error_text(found.error)), str(len(found.seeds))
    return Text("skipped" if name in dict(point.skipped) else "no finished run"), "0"


def _comparisons(results: SweepResults) -> Table:
    table = _table("Differences of accuracy in points, p corrected by Holm's method", ["batch", "norms"],
                   ["difference [95 % interval]", "p", "call"])  # fmt: skip
    for d in results.comparisons:
        table.add_row(d.point.removeprefix("batch-"), *map(Text, comparison_row(d.comparison)))
    return table


def _table(title: str, texts: list[str], numbers: list[str]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, title=title, title_justify="left")
    for heading in texts:
        table.add_column(heading, overflow="fold")
    for heading in numbers:
        table.add_column(Text(heading), justify="right", overflow="fold")
    return table


def print_plan(sweep: Sweep, plans: list[tuple[Point, Plan]], console: Console) -> None:
    """Print the points with their runs, learning rates, steps and estimated time; nothing is run."""
    table = _table("", ["point", "norms"], ["lr", "steps", "runs", "done", "time"])
    jobs = [study for _, study in sweep.jobs()]
    total = 0
    for (point, plan), study in zip(plans, jobs, strict=True):
        runs = study.spec.runs()
        done = sum(study.folder.record(run).exists() for run in runs)
        steps = plan.steps_per_epoch * point.recipe.epochs
        arms = Text(" ".join(map(str, point.arms)))
        table.add_row(
            point.batch.text, arms, f"{point.recipe.learning_rate:.3g}", f"{steps:,}", f"{len(runs)}", f"{done}",
            rough_time(plan.seconds),
        )  # fmt: skip
        total += len(runs)
    console.print(table)
    say(console, sweep.spec.rule.sentence(sweep.spec.recipe))
    for left in sweep.spec.points():
        for _, reason in left.skipped:
            say(console, f"Batch {left.batch.text} without {reason}.")
    say(
        console,
        f"{text.count(total, 'run')} at {text.count(len(plans), 'point')}; about "
        f"{rough_time(sum(plan.seconds for _, plan in plans))} for all, from a few steps timed on this machine. "
        f"Folder {sweep.folder.root}. Nothing was trained or written.",
    )
