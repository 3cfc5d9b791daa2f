"""A sweep in a terminal: the errors, the differences, and the answer last."""

from collections.abc import Iterator

from rich.console import Console

from whichnorm.analyses import wording
from whichnorm.analyses.arms import label
from whichnorm.render import text
from whichnorm.render.table import Cell, Table, cells
from whichnorm.render.terminal import print_headline, print_table, say
from whichnorm.specs.names import enclosed
from whichnorm.study.plan import Plan
from whichnorm.study.progress import rough_time
from whichnorm.study.study import Study
from whichnorm.sweeps.answer import answer_sentence, key_points
from whichnorm.sweeps.results import PointResult, SweepResults
from whichnorm.sweeps.run import Sweep
from whichnorm.sweeps.spec import Point
from whichnorm.sweeps.tables import comparison_row, lost_note
from whichnorm.sweeps.text import (
    correction_sentence,
    crossing_sentences,
    error_text,
    interval_sentence,
    point_sentences,
    skipped_sentences,
)

REFINES = (
    "--refine then adds the size in the middle of each two between which two norms change places, one after the other, "
    "as far as these runs do not show it yet."
)
MAX_COMPARISONS = 12  # more are in the report alone


def print_sweep(results: SweepResults, console: Console) -> None:
    """Print errors, differences, and what went wrong or was left out; then the answer, with the points beside it."""
    print_table(_errors(results), console)
    say(console, f"{interval_sentence(results)} {results.rule}", "dim")
    if results.comparisons and len(results.comparisons) <= MAX_COMPARISONS:
        print_table(_comparisons(results), console)
    if results.comparisons:
        say(console, correction_sentence(results), "dim")
    for sentence in skipped_sentences(results):
        say(console, sentence, "dim")
    for name, run in results.faults:
        reason = text.printable(wording.fault_reason(run))
        say(console, f"{name}: {enclosed([run.arm])} seed {run.seed} {run.status}: {reason}", "red")
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
    return Table(
        caption="Test error after the last epoch",
        headings=("Batch", "Norm", "Learning rate", "Error % [95 % interval]", "Seeds"),
        rows=tuple(
            cells(point.batch.text, label(name), f"{point.recipe.learning_rate:.3g}", *_numbers(point, name))
            for point in results.points
            for name in results.arms
        ),
        numeric_from=2,
    )


def _numbers(point: PointResult, name: str) -> tuple[str, str]:
    if found := point.errors.get(name):
        return error_text(found.error), ", ".join(filter(None, [str(len(found.seeds)), lost_note(point, name)]))
    return "skipped" if name in dict(point.skipped) else lost_note(point, name) or "no finished run", "0"


def _comparisons(results: SweepResults) -> Table:
    return Table(
        caption="Differences of accuracy in points, p corrected by Holm's method",
        headings=("Batch", "Norms", "Difference [95 % interval]", "p", "Result"),
        rows=tuple(cells(d.point.removeprefix("batch-"), *comparison_row(d.comparison)) for d in results.comparisons),
        numeric_from=5,
    )


def print_plan(sweep: Sweep, plans: list[tuple[Point, Plan]], console: Console) -> None:
    """Print the points with their runs, learning rates, steps and estimated time; nothing is run."""
    jobs = list(zip(plans, (study for _, study in sweep.jobs()), strict=True))
    print_table(
        Table(
            caption="",
            headings=("Batch", "Norms", "Learning rate", "Steps", "Runs", "Done", "Time"),
            rows=tuple(_planned(point, plan, study) for (point, plan), study in jobs),
            numeric_from=2,
        ),
        console,
    )
    total = sum(len(study.spec.runs()) for _, study in jobs)
    if sweep.spec.refine:
        say(console, REFINES)
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


def _planned(point: Point, plan: Plan, study: Study) -> tuple[Cell, ...]:
    runs = study.spec.runs()
    done = sum(study.folder.record(run).exists() for run in runs)
    steps = plan.steps_per_epoch * point.recipe.epochs
    return cells(
        point.batch.text, ", ".join(map(str, point.arms)), f"{point.recipe.learning_rate:.3g}", f"{steps:,}",
        f"{len(runs)}", f"{done}", rough_time(plan.seconds),
    )  # fmt: skip
