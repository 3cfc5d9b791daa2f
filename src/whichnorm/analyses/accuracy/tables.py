"""Tables of accuracies and their paired differences."""

from whichnorm.analyses import wording
from whichnorm.analyses.arms import arm_cell
from whichnorm.render import text
from whichnorm.render.table import Cell, Table, cells
from whichnorm.results.results import ArmResult, Results, Summary
from whichnorm.results.verdict import CANNOT_TELL, Comparison, chance_text, more_seeds_text, p_text


def _accuracy_cell(summary: Summary, note: str = "") -> Cell:
    return Cell(text=text.percent(summary.mean), note=note or text.percent_interval(summary.ci95))


def _spread(summary: Summary) -> str:
    return ", ".join(filter(None, [text.percent_interval(summary.ci95), wording.std(summary)]))


def arms_table(results: Results) -> Table:
    """One row per arm of the study, also for an arm without a finished run."""
    by_norm = {arm.norm: arm for arm in results.arms}
    headings = [
        "Arm", "Parameters", "Test accuracy", "Train accuracy", "Best test epoch (chosen on the test set)",
        "Training time per run", "Seeds",
    ]  # fmt: skip
    with_val = any(arm.val_accuracy for arm in results.arms)
    if with_val:
        headings.insert(3, "Validation accuracy")
    absent = cells("–", "no finished run", *["–"] * (len(headings) - 4), "0")
    rows = [
        _arm_row(results, by_norm[name], with_val) if name in by_norm else (arm_cell(results, name), *absent)
        for name in results.arm_names
    ]
    return Table(
        caption="Mean over seeds after the last epoch, below it the 95 % interval and the standard deviation over "
        f"seeds in points; times measured on {wording.devices(results.records)}. The best epoch's accuracy flatters, "
        "and is here only to compare with published figures.",
        headings=tuple(headings),
        rows=tuple(rows),
    )


def _arm_row(results: Results, arm: ArmResult, with_val: bool) -> tuple[Cell, ...]:
    epochs = dict.fromkeys(str(run.best_test.epoch) for run in results.finished(arm.norm))
    seconds = arm.train_seconds
    row = [
        arm_cell(results, arm.norm),
        Cell(text=f"{arm.params:,}", note=f"{arm.norm_params:,} in norm layers"),
        _accuracy_cell(arm.test_accuracy, _spread(arm.test_accuracy)),
        _accuracy_cell(arm.train_accuracy),
        _accuracy_cell(arm.best_test_accuracy, f"at epoch{'s' if len(epochs) > 1 else ''} {', '.join(epochs)}"),
        Cell(text=text.seconds(seconds.mean), note=seconds_range(seconds)),
        Cell(
            text=f"{len(arm.seeds)}", note=f"seed{'s' if len(arm.seeds) > 1 else ''} {', '.join(map(str, arm.seeds))}"
        ),
    ]
    if with_val:
        row.insert(3, _accuracy_cell(arm.val_accuracy) if arm.val_accuracy else Cell(text="–"))
    return tuple(row)


def seconds_range(summary: Summary) -> str:
    """Write the smallest and largest of several times, "" for a single one."""
    if len(summary.values) == 1:
        return ""
    return f"{text.seconds(min(summary.values))} to {text.seconds(max(summary.values))}"


def comparisons_table(results: Results) -> Table | None:
    """One row per pair of arms with a seed in common; None where there is no such pair."""
    if not results.comparisons:
        return None
    return Table(
        caption="Test accuracy of the first arm less that of the second, in percentage points, at the same seeds; "
        "p-values are corrected for the number of comparisons by Holm's method.",
        headings=("Comparison", "Difference", "95 % interval", "p", "First wins at a new seed", "Seeds", "Call"),
        rows=tuple(_comparison_row(c) for c in results.comparisons),
    )


def _comparison_row(c: Comparison) -> tuple[Cell, ...]:
    p = "–" if c.adjusted_p is None else p_text(c.adjusted_p).removeprefix("= ")
    return (
        *cells(f"{c.a} − {c.b}", text.points(c.difference)),
        Cell(text=text.points_interval(c.ci95), note="over test images" if c.basis == "test images" else ""),
        *cells(p, "–" if c.chance_a_wins is None else chance_text(c), str(len(c.seeds))),
        Cell(text=wording.outcome(c), note=more_seeds_text(c) if c.call == CANNOT_TELL else ""),
    )
