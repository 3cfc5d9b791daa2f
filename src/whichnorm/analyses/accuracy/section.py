"""The section of the arms' test accuracies and of their differences."""

from collections.abc import Iterator, Sequence

from whichnorm.analyses import wording
from whichnorm.analyses.accuracy import figures as forests
from whichnorm.analyses.accuracy.tables import arms_table, comparisons_table, finding
from whichnorm.analyses.arms import ranked, style
from whichnorm.render import text
from whichnorm.render.content import Section
from whichnorm.render.picture import Picture
from whichnorm.results.comparisons import CANNOT_TELL, Comparison
from whichnorm.results.results import ArmResult, Results
from whichnorm.specs.names import arm_title


def section(found: object, results: Results) -> Section:
    """Show every arm's accuracy, and the paired differences between arms."""
    tables = [arms_table(results), *filter(None, [comparisons_table(results)])]
    return Section(title=finding(results), tables=tuple(tables), pictures=tuple(_pictures(results)))


def _pictures(results: Results) -> Iterator[Picture]:
    if results.arms:
        yield _accuracy_picture(results)
    if results.comparisons:
        yield _differences_picture(results.comparisons)


def _accuracy_picture(results: Results) -> Picture:
    """Draw every arm, the best on top."""
    by_norm = {arm.norm: arm for arm in results.arms}
    order = ranked(results) + [name for name in results.arm_names if name not in by_norm]
    chance = 1 / len(results.class_names) if any(run.warnings for run in results.records) else None
    said = "; ".join(_said(name, by_norm.get(name)) for name in order)
    return Picture(
        name="test_accuracy",
        figure=forests.accuracy_forest([_row(results, name, by_norm.get(name)) for name in order], chance),
        alt=f"Test accuracy, mean and 95 % interval. {said}.",
        caption=_caption(results),
    )


def _row(results: Results, name: str, arm: ArmResult | None) -> forests.AccuracyRow:
    found = arm.test_accuracy if arm else None
    return forests.AccuracyRow(
        label=text.capitalized(arm_title(name)),
        style=style(results, name),
        values=found.values if found else (),
        ci95=found.ci95 if found else None,
        note="\n".join([text.percent(found.mean), text.percent_interval(found.ci95)]) if found else "no finished run",
    )


def _said(name: str, arm: ArmResult | None) -> str:
    if arm is None:
        return f"{arm_title(name)} no finished run"
    return f"{arm_title(name)} {wording.accuracy(arm.test_accuracy)}, {text.num_seeds(len(arm.seeds))}"


def _caption(results: Results) -> str:
    several = any(len(arm.seeds) > 1 for arm in results.arms)
    mark = "Hollow dots are seeds, the filled mark is their mean" if several else "The mark is the accuracy"
    line = "dashed: guessing" if any(run.warnings for run in results.records) else ""
    return f"{'; '.join(filter(None, [f'{mark}, the line its 95 % interval {_basis(results.arms)}', line]))}."


def _basis(arms: Sequence[ArmResult]) -> str:
    bases = {"over test images (one seed)" if len(arm.seeds) == 1 else "over seeds and test images" for arm in arms}
    return " or ".join(sorted(bases))


def _differences_picture(comparisons: Sequence[Comparison]) -> Picture:
    rows = [
        forests.DifferenceRow(
            label=f"{c.a} − {c.b}",
            difference=c.difference,
            ci95=c.interval,
            call=c.call,
            note=f"{text.points(c.difference)} {text.points_interval(c.interval)}\n{_outcome(c)}",
        )
        for c in comparisons
    ]
    alt = "; ".join(map(wording.comparison_text, comparisons))
    return Picture(
        name="differences",
        figure=forests.difference_forest(rows),
        alt=f"Paired differences in test accuracy in percentage points, with 95 % intervals. {alt}.",
        caption="Mean difference and its 95 % interval. A filled mark names the better norm, a hollow one cannot tell.",
        method="A norm is said to be better if the p-value, corrected for the number of comparisons by Shaffer's "
        "method, is below 0.05; intervals hold for all comparisons together. What is said of the norm that is named "
        "best needs no correction, since all of its comparisons had to be significant.",
    )


def _outcome(c: Comparison) -> str:
    """Say what came out by the text forms that the axis has: there is no room for names."""
    return c.call if c.call == CANNOT_TELL else f"{c.a if c.call == 'better' else c.b} is better"
