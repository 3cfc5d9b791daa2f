"""The tables of a sweep's report."""

from whichnorm.analyses.wording import fault_reason, outcome, p_cell
from whichnorm.render.style import arm_styles
from whichnorm.render.table import Cell, Table, cells
from whichnorm.render.text import count, percent, percent_interval, points, points_interval, printable
from whichnorm.results.comparisons import Comparison
from whichnorm.specs.names import arm_title, difference_title, enclosed, named
from whichnorm.sweeps.results import ArmsCrossing, PointResult, SweepResults
from whichnorm.sweeps.text import AXIS_WORDS, crossing_interval, interval_sentence


def finding(results: SweepResults) -> str:
    """Say where the test error is lowest."""
    found = [(one.error.estimate, arm, point) for point in results.points for arm, one in point.errors.items()]
    if not found:
        return "No run finished"
    error, arm, point = min(found, key=lambda one: one[0])
    return f"The lowest test error is {percent(error)}, of {enclosed([arm])} at a batch of {point.batch.text}"


def errors_table(results: SweepResults) -> Table:
    """One row per point, one column per arm."""
    return Table(
        caption=f"Test error in % after the last epoch, mean over seeds. {interval_sentence(results)}",
        headings=("Batch", *map(arm_title, results.arms)),
        rows=tuple((Cell(text=p.batch.text, note=p.batch.name), *_error_cells(results, p)) for p in results.points),
    )


def _error_cells(results: SweepResults, point: PointResult) -> list[Cell]:
    row = []
    for name in results.arms:
        if found := point.errors.get(name):
            error = found.error
            note = f"{percent_interval((error.low, error.high))}, n = {len(found.seeds)}"
            row.append(Cell(text=f"{100 * error.estimate:.2f}", note=note))
        else:
            row.append(Cell(text="–", note="skipped" if name in dict(point.skipped) else "no finished run"))
    return row


def arms_table(results: SweepResults) -> Table:
    """Name the arms' text forms."""
    styles = arm_styles(results.arms)
    rows = tuple((Cell(text=arm, color=styles[arm].color), *cells(arm_title(arm))) for arm in results.arms)
    return Table(
        caption="Norms and their short forms.", headings=("Short form", "Norm"), rows=rows, numeric_from=2
    )  # fmt: skip


def crossings_table(results: SweepResults) -> Table:
    """One row per pair of arms that a batch size could turn, and panel."""
    rows = tuple(cells(named([c.a, c.b]), *_crossing_row(c)) for c in results.crossings)
    axis = AXIS_WORDS[results.axes.along]
    return Table(
        caption="Where two norms have the same test error: the mean difference is interpolated on a logarithmic axis, "
        "after a monotone fit. The 95 % interval ends where it is first distinguished from zero (Fieller 1954).",
        headings=("Norms", "Other axis", f"Crossing, {axis}", "Lower error below it", "Seeds"),
        rows=rows,
        numeric_from=5,
    )


def _crossing_row(c: ArmsCrossing) -> tuple[str, str, str, str]:
    panel = "–" if c.panel is None else f"{c.panel:,}"
    if c.crossing is None:
        return panel, "none", "–", "–"
    below = arm_title(c.a if c.crossing.better_below == "a" else c.b) if c.placed else "–"
    return panel, crossing_interval(c), below, str(c.crossing.num_seeds)


def comparisons_table(results: SweepResults) -> Table:
    """One row per pair of arms and point."""
    rows = tuple(
        cells(d.point.removeprefix("batch-"), *comparison_row(d.comparison), str(len(d.comparison.seeds)))
        for d in results.comparisons
    )
    return Table(
        caption="Test accuracy of the first norm less that of the second, in percentage points. One is said to be "
        f"better if the p-value, corrected by Holm's method for all {count(len(rows), 'comparison')}, is below 0.05.",
        headings=("Batch", "Comparison", "Difference [95 % interval]", "Corrected p", "Result", "Seeds"),
        rows=rows,
        numeric_from=6,
    )


def comparison_row(c: Comparison) -> tuple[str, str, str, str]:
    """Return the arms, their difference with its interval, the corrected p-value and the result."""
    difference = f"{points(c.difference)} {points_interval(c.ci95)}"
    return difference_title(c.a, c.b), difference, p_cell(c), outcome(c)


def skipped_table(results: SweepResults) -> Table:
    rows = tuple(cells(p.batch.text, arm_title(arm), reason) for p in results.points for arm, reason in p.skipped)
    return Table(
        caption="Norms that cannot be trained at a batch; they are left out there.",
        headings=("Batch", "Norm", "Reason"),
        rows=rows, numeric_from=3,
    )  # fmt: skip


def faults_table(results: SweepResults) -> Table:
    rows = tuple(
        cells(point, arm_title(run.arm), str(run.seed), run.status, printable(fault_reason(run)))
        for point, run in results.faults
    )
    return Table(
        caption="Runs that failed or diverged are in no mean and no comparison; finished runs with a warning are.",
        headings=("Point", "Norm", "Seed", "Status", "Reason"), rows=rows, numeric_from=5,
    )  # fmt: skip


def rates_table(results: SweepResults) -> Table:
    """One row per point: its batch, steps and learning rate, and the folder of its study."""
    rows = tuple(
        cells(
            f"{p.batch.batch_size:,}", f"{p.batch.device_batch_size:,}", f"{p.batch.accumulation:,}",
            f"{p.recipe.learning_rate:.4g}", p.batch.name if p.study else "–",
        )
        for p in results.points
    )  # fmt: skip
    return Table(
        caption=f"Peak learning rate at every point. {results.rule}",
        headings=("Images per step", "Images per forward pass", "Forward passes per step", "Learning rate", "Study"),
        rows=rows,
    )
