"""Pictures of the arms' test accuracies and of their differences."""

from collections.abc import Sequence

from whichnorm.analyses import wording
from whichnorm.analyses.accuracy import figures as forests
from whichnorm.analyses.arms import label, style
from whichnorm.render import text
from whichnorm.render.picture import Picture
from whichnorm.results.results import ArmResult, Results
from whichnorm.results.verdict import Comparison


def forest_pictures(results: Results, arms: Sequence[str] | None = None) -> dict[str, Picture]:
    """Return the pictures "accuracy" and "differences" of arms, by default all, where there is something to draw."""
    names = arms or results.arm_names
    drawn = [arm for arm in results.arms if arm.norm in names]
    comparisons = [c for c in results.comparisons if c.a in names and c.b in names]
    pictures = {}
    if drawn:
        pictures["accuracy"] = _accuracy_picture(results, drawn)
    if comparisons:
        pictures["differences"] = _differences_picture(comparisons)
    return pictures


def _accuracy_picture(results: Results, arms: Sequence[ArmResult]) -> Picture:
    rows = [
        forests.AccuracyRow(
            label=label(arm.norm),
            style=style(results, arm.norm),
            mean=arm.test_accuracy.mean,
            ci95=arm.test_accuracy.ci95,
            values=arm.test_accuracy.values,
            note=wording.accuracy(arm.test_accuracy),
        )
        for arm in arms
    ]
    alt = "; ".join(
        f"{label(a.norm)} {wording.accuracy(a.test_accuracy)}, {text.num_seeds(len(a.seeds))}" for a in arms
    )
    seeds = any(len(arm.seeds) > 1 for arm in arms)
    dots = "Hollow dots are seeds; the" if seeds else "The"
    return Picture(
        name="test_accuracy",
        figure=forests.accuracy_forest(rows),
        alt=f"Test accuracy, mean and 95 % interval. {alt}.",
        caption=f"{dots} filled mark is the mean and the line its 95 % interval {_basis(arms)}.",
    )


def _basis(arms: Sequence[ArmResult]) -> str:
    bases = {"over test images (one seed)" if len(arm.seeds) == 1 else "over seeds and test images" for arm in arms}
    return " or ".join(sorted(bases))


def _differences_picture(comparisons: Sequence[Comparison]) -> Picture:
    rows = [
        forests.DifferenceRow(
            label=f"{c.a} − {c.b}",
            difference=c.difference,
            ci95=c.ci95,
            call=c.call,
            note=f"{text.points(c.difference)} {text.points_interval(c.ci95)}\n{wording.outcome(c)}",
        )
        for c in comparisons
    ]
    alt = "; ".join(row.label + " " + row.note.replace("\n", ": ") for row in rows)
    return Picture(
        name="differences",
        figure=forests.difference_forest(rows),
        alt=f"Paired differences in test accuracy in percentage points, with 95 % intervals. {alt}.",
        caption="Mean difference and its 95 % interval; a filled mark names the better arm, after the correction for "
        "the number of comparisons, and a hollow one cannot tell.",
    )
