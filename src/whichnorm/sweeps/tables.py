"""The tables of a sweep's report."""

from whichnorm.analyses.wording import fault_reason, outcome, p_cell
from whichnorm.render.style import arm_styles
from whichnorm.render.table import Cell, Table, cells
from whichnorm.render.text import percent, percent_interval, points, points_interval, printable
from whichnorm.results.verdict import Comparison, p_text
from whichnorm.specs.names import arm_title, difference_title, enclosed, named
from whichnorm.sweeps.results import ArmsCrossing, PointResult, SweepResults
from whichnorm.sweeps.text import AXIS_WORDS, correction_sentence, interval_sentence


def finding(results: SweepResults) -> str:
    """Say where the test error is lowest."""
    found = [(one.error.estimate, arm, point) for point in results.points for arm, one in point.errors.items()]
    if not found:
        return "No run finished"
    error, arm, point = min(found, key=lambda one: one[0])
    return f"The lowest test error is {percent(error)}, of {enclosed([arm])} at a batch of {point.batch.text}"


def errors_table(results: SweepResults) -> Table:
    """One row per point and one column per arm; of more arms than points the other way round."""
    grid = [[_error_cell(point, name) for name in results.arms] for point in results.points]
    caption = f"Test error in % after the last epoch, mean over seeds. {interval_sentence(results)}"
    if len(results.arms) > len(results.points):
        headings = ("Norm", *(f"Batch {point.batch.text}" for point in results.points))
        named_rows = zip(results.arms, zip(*grid, strict=True), strict=True)
        return Table(
            caption=caption, headings=headings, rows=tuple((*cells(arm_title(arm)), *row) for arm, row in named_rows)
        )
    batches = (Cell(text=point.batch.text, note=point.batch.name) for point in results.points)
    rows = tuple((batch, *row) for batch, row in zip(batches, grid, strict=True))
    return Table(caption=caption, headings=("Batch", *map(arm_title, results.arms)), rows=rows)


def _error_cell(point: PointResult, name: str) -> Cell:
    lost = lost_note(point, name)
    if (found := point.errors.get(name)) is None:
        return Cell(text="–", note="skipped" if name in dict(point.skipped) else lost or "no finished run")
    error = found.error
    notes = [percent_interval((error.low, error.high)), f"n = {len(found.seeds)}", lost]
    return Cell(text=f"{100 * error.estimate:.2f}", note=", ".join(filter(None, notes)))


def lost_note(point: PointResult, name: str) -> str:
    """Say how many runs of an arm did not finish at a point: "2 of 5 diverged", or ""."""
    return ", ".join(f"{n} of {runs} {status}" for arm, status, n, runs in point.lost if arm == name)


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
        caption="The largest size at which the one norm is better beyond chance, and the smallest at which the other "
        "is. If the difference rises or falls throughout, it is zero between these with a confidence of 95 %. About: "
        "where a line through the mean differences is zero, after a monotone fit, on a logarithmic axis.",
        headings=("Norms", "Other axis", f"Change places between a {axis} of", "About", "Better below"),
        rows=rows,
        numeric_from=5,
    )


def _crossing_row(c: ArmsCrossing) -> tuple[str, str, str, str]:
    panel, at = "–" if c.panel is None else f"{c.panel:,}", c.crossing
    if at is None:
        return panel, "change more than once" if len(c.better) > 1 else "none found", "–", "–"
    below = arm_title(c.a if at.better_below == "a" else c.b)
    return panel, f"{at.low:,} and {at.high:,}", f"{at.about:,.{0 if at.about > 10 else 1}f}", below


def trends_table(results: SweepResults) -> Table:
    """One row per point and unit: the change of test error with each doubling of a number of groups."""
    rows = tuple(
        cells(
            trend.point.removeprefix("batch-"), f"{trend.unit}, {', '.join(map(str, trend.numbers))}",
            f"{points(-trend.per_doubling)} {points_interval(trend.error_ci95)}",
            p_text(trend.adjusted_p).removeprefix("= "), str(len(trend.seeds)),
        )
        for trend in results.trends
    )  # fmt: skip
    return Table(
        caption="Change of test error in percentage points with each doubling: the slope of a straight line over log2 "
        "of the number, paired by seed and test image, with its 95 % interval. One channel per group is no single "
        "number of groups and is left out.",
        headings=("Batch", "Doubling of", "Change [95 % interval]", "p", "Seeds"),
        rows=rows,
        numeric_from=5,
    )


def comparisons_table(results: SweepResults) -> Table:
    """One row per pair of arms and point."""
    rows = tuple(
        cells(d.point.removeprefix("batch-"), *comparison_row(d.comparison), str(len(d.comparison.seeds)))
        for d in results.comparisons
    )
    return Table(
        caption="Test accuracy of the first norm less that of the second, in percentage points. One is said to be "
        f"better if the corrected p-value is below 0.05. {correction_sentence(results)}",
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
