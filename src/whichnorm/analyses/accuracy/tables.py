"""Tables of accuracies and their paired differences."""

from whichnorm.analyses import wording
from whichnorm.analyses.arms import arm_cell
from whichnorm.render import text
from whichnorm.render.table import Cell, Table, cells
from whichnorm.results.comparisons import CANNOT_TELL, Comparison
from whichnorm.results.results import ArmResult, Results, Summary
from whichnorm.results.verdict import Failures, chance_text, more_seeds_text
from whichnorm.specs.names import difference_title, enclosed


def finding(results: Results) -> str:
    """Say the best two accuracies: "BatchNorm reaches 76.55 %, GroupNorm, 2 groups, 69.57 %"."""
    best = sorted(results.arms, key=lambda arm: -arm.test_accuracy.mean)[:2]
    if not best:
        return "No run finished"
    reached = [text.percent(arm.test_accuracy.mean) for arm in best]
    said = f"{enclosed([best[0].norm])} reaches {reached[0]}"
    return f"{said}, {enclosed([best[1].norm])} {reached[1]}" if len(best) > 1 else said


def _accuracy_cell(summary: Summary, note: str = "") -> Cell:
    return Cell(text=text.percent(summary.mean), note=note or text.percent_interval(summary.ci95))


def _spread(summary: Summary) -> str:
    return ", ".join(filter(None, [text.percent_interval(summary.ci95), wording.std(summary)]))


def arms_table(results: Results) -> Table:
    """One row per arm of the study, also for an arm without a finished run."""
    by_norm = {arm.norm: arm for arm in results.arms}
    headings = [
        "Norm", "Test accuracy", "Train accuracy", "Best epoch by the test set", "Training time per run",
        "Parameters", "Seeds", "Did not finish",
    ]  # fmt: skip
    with_val = any(arm.val_accuracy for arm in results.arms)
    if with_val:
        headings.insert(2, "Validation accuracy")
    absent = cells("no finished run", *["–"] * (len(headings) - 4), "0", "all")
    rows = [
        _arm_row(results, by_norm[name], with_val) if name in by_norm else (arm_cell(results, name), *absent)
        for name in results.arm_names
    ]
    return Table(
        caption="Mean over seeds after the last epoch; below it the 95 % interval and the standard deviation (SD) in "
        f"points. The best epoch's accuracy flatters. Times on {wording.devices(results.records)}.",
        headings=tuple(headings),
        rows=tuple(rows),
    )


def _arm_row(results: Results, arm: ArmResult, with_val: bool) -> tuple[Cell, ...]:
    epochs = dict.fromkeys(str(run.best_test.epoch) for run in results.finished(arm.norm))
    seconds = arm.train_seconds
    row = [
        arm_cell(results, arm.norm),
        _accuracy_cell(arm.test_accuracy, _spread(arm.test_accuracy)),
        _accuracy_cell(arm.train_accuracy),
        _accuracy_cell(arm.best_test_accuracy, f"at epoch{'s' if len(epochs) > 1 else ''} {', '.join(epochs)}"),
        Cell(text=text.seconds(seconds.mean), note=seconds_range(seconds)),
        Cell(text=f"{arm.params:,}", note=f"{arm.norm_params:,} in norm layers"),
        Cell(
            text=f"{len(arm.seeds)}", note=f"seed{'s' if len(arm.seeds) > 1 else ''} {', '.join(map(str, arm.seeds))}"
        ),
        _unfinished_cell(results, arm.norm),
    ]
    if with_val:
        row.insert(2, _accuracy_cell(arm.val_accuracy) if arm.val_accuracy else Cell(text="–"))
    return tuple(row)


def _unfinished_cell(results: Results, arm: str) -> Cell:
    """Say how many runs diverged or failed, and how many of all may, by the 95 % upper bound."""
    runs = sum(run.arm == arm for run in results.records)
    one = Failures(arm=arm, failed=runs - len(results.finished(arm)), runs=runs)
    return Cell(text=f"{one.failed} of {one.runs}", note=f"at most {100 * one.bound:.0f} %")


def seconds_range(summary: Summary) -> str:
    """Write the smallest and largest of several times, "" for a single one."""
    if len(summary.values) == 1:
        return ""
    return f"{text.seconds(min(summary.values))} to {text.seconds(max(summary.values))}"


def comparisons_table(results: Results) -> Table | None:
    """One row per pair of arms with a seed in common; None if there is no such pair."""
    if not results.comparisons:
        return None
    return Table(
        caption="Test accuracy of the first norm less that of the second, in percentage points, at the same seeds; "
        "p-values and intervals hold for all together. If found: the difference, given that it was found.",
        headings=(
            "Comparison",
            "Result",
            "Difference",
            "95 % interval",
            "If found",
            "p",
            "First wins at a new seed",
            "Seeds",
        ),
        rows=tuple(_comparison_row(c) for c in results.comparisons),
        numeric_from=2,
    )


def _if_found(c: Comparison) -> Cell:
    if c.if_called is None:
        return Cell(text="–")
    middle, low, high = c.if_called
    return Cell(text=text.points(middle), note=text.points_interval((low, high)))


def _comparison_row(c: Comparison) -> tuple[Cell, ...]:
    return (
        Cell(text=difference_title(c.a, c.b)),
        Cell(text=wording.outcome(c), note=more_seeds_text(c) if c.call == CANNOT_TELL else ""),
        Cell(text=text.points(c.difference)),
        Cell(text=text.points_interval(c.interval), note="over test images" if c.basis == "test images" else ""),
        _if_found(c),
        *cells(wording.p_cell(c), "–" if c.chance_a_wins is None else chance_text(c), str(len(c.seeds))),
    )
