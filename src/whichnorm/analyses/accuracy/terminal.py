"""The results in a terminal: the accuracies, the differences, the faults, and the answer last."""

from collections.abc import Iterator, Mapping
from statistics import median
from typing import Any

from rich.console import Console

from whichnorm.analyses import wording
from whichnorm.analyses.arms import label
from whichnorm.analyses.headline.answer import answer_sentence
from whichnorm.analyses.headline.points import key_points
from whichnorm.analyses.sensitivity.found import follow_ups_in
from whichnorm.render import text
from whichnorm.render.table import Table, cells
from whichnorm.render.terminal import print_headline, print_table, say
from whichnorm.results.comparisons import CANNOT_TELL, Comparison
from whichnorm.results.results import ArmResult, Results
from whichnorm.results.verdict import more_seeds_text, p_text
from whichnorm.specs.names import difference_title, enclosed


def results_table(results: Results) -> Table:
    """Return one row per arm of the study, also for an arm without a finished run."""
    by_norm = {arm.norm: arm for arm in results.arms}
    absent = ("no finished run", "–", "–", "–", "0")
    return Table(
        caption="Accuracy after the last epoch",
        headings=("Norm", "Test % [95 % interval]", "Train %", "s / run", "Parameters", "Seeds"),
        rows=tuple(
            cells(label(name), *(_numbers(by_norm[name]) if name in by_norm else absent)) for name in results.arm_names
        ),
    )


def _numbers(arm: ArmResult) -> tuple[str, ...]:
    test = arm.test_accuracy
    return (
        f"{100 * test.mean:.2f} {text.percent_interval(test.ci95)}".rstrip(),
        f"{100 * arm.train_accuracy.mean:.2f}",
        f"{median(arm.train_seconds.values):.1f}",
        f"{arm.params:,}",
        str(len(arm.seeds)),
    )


def print_results(results: Results, found: Mapping[str, Any], console: Console) -> None:
    """Print the accuracies, the differences and the faults; then the answer, with the points beside it."""
    print_table(results_table(results), console)
    for sentence in _basis(results):
        say(console, sentence, "dim")
    for comparison in results.comparisons:
        say(console, _comparison_line(comparison))
    for run in results.faults:
        say(
            console,
            f"{enclosed([run.arm])} seed {run.seed} {run.status}: {text.printable(wording.fault_reason(run))}",
            "red",
        )
    for follow_up in follow_ups_in(found):
        for sentence in (follow_up.conclusion(results), *follow_up.details()):
            say(console, text.printable(sentence))
    print_headline(answer_sentence(results), key_points(results, found), console)


def _basis(results: Results) -> Iterator[str]:
    """Yield what the intervals and times are of."""
    basis = sorted({"test images (n = 1)" if len(arm.seeds) == 1 else "seeds and test images" for arm in results.arms})
    over = f"Intervals over {' or '.join(basis)}. " if basis else ""
    yield f"{over}Median seconds of training on {wording.devices(results.records)}."
    if len(results.comparisons) > 1:
        yield "Intervals of differences and p-values hold for all comparisons together."


def _comparison_line(c: Comparison) -> str:
    p = "" if c.adjusted_p is None else f" p {p_text(c.adjusted_p)},"
    more = f" ({more_seeds_text(c)})" if c.call == CANNOT_TELL else ""
    difference = f"{text.points(c.difference)} {text.points_interval(c.interval)}"
    return f"{difference_title(c.a, c.b)}: {difference} points,{p} {wording.outcome(c)}{more}"
