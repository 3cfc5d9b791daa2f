"""What several sections say alike: of arms, seeds, devices and intervals."""

import itertools
from collections.abc import Iterable, Sequence

from whichnorm.render.text import count, elapsed, percent, percent_interval, points, points_interval
from whichnorm.results.results import Results, Summary
from whichnorm.results.verdict import Comparison, p_text
from whichnorm.specs.names import difference_title, enclosed
from whichnorm.stats import Interval, looks
from whichnorm.training.record import RunRecord


def std(summary: Summary) -> str:
    """Write the standard deviation over seeds in points, or "" for one seed: "SD 0.21"."""
    return "" if summary.std is None else f"SD {100 * summary.std:.2f}"


def accuracy(summary: Summary) -> str:
    """Write an accuracy and its interval: "98.10 % [97.90, 98.30]"."""
    return " ".join(filter(None, [percent(summary.mean), percent_interval(summary.ci95)]))


def estimate(interval: Interval) -> str:
    """Write a fraction and its interval: "98.10 % [97.90, 98.30]"."""
    return f"{percent(interval.estimate)} {percent_interval((interval.low, interval.high))}"


def outcome(comparison: Comparison) -> str:
    """Say what came out of a comparison: "BatchNorm is better", "cannot tell"."""
    if comparison.call == "cannot tell":
        return "cannot tell"
    return f"{enclosed([comparison.a if comparison.call == 'better' else comparison.b])} is better"


def comparison_text(c: Comparison) -> str:
    """Write a comparison: "BatchNorm − LayerNorm: +1.20 points [+0.31, +2.09], BatchNorm is better"."""
    return f"{difference_title(c.a, c.b)}: {points(c.difference)} points {points_interval(c.ci95)}, {outcome(c)}"


def p_cell(comparison: Comparison) -> str:
    """Write a comparison's corrected p-value for a table; one seed has none."""
    return "–" if comparison.adjusted_p is None else p_text(comparison.adjusted_p).removeprefix("= ")


def only_warnings(records: Iterable[RunRecord]) -> bool:
    """Tell whether all of these runs finished, so that those with a fault have a warning and no more."""
    return all(record.status == "finished" for record in records)


def faults_title(faults: Sequence[RunRecord], num_runs: int) -> str:
    """Say how many runs have a fault: "2 of 9 runs went wrong", "1 of 9 runs with a warning"."""
    return f"{len(faults)} of {count(num_runs, 'run')} {'with a warning' if only_warnings(faults) else 'went wrong'}"


def faults_label(faults: Iterable[RunRecord]) -> str:
    return "Warnings" if only_warnings(faults) else "What went wrong"


def fault_reason(record: RunRecord) -> str:
    return "; ".join(filter(None, [record.reason, *record.warnings]))


def devices(records: Iterable[RunRecord]) -> str:
    """Name the devices that runs were made on, each once."""
    names = (str(r.environment.get("device", "unknown device")) for r in records)
    return " and ".join(dict.fromkeys(names)) or "unknown device"


def interval_sentences(results: Results) -> list[str]:
    """Say what the intervals cover, what they do not, and when a norm is said to be better."""
    several = sorted({len(arm.seeds) for arm in results.arms if len(arm.seeds) > 1})
    sentences = []
    if several:
        n = " or ".join(map(str, several))
        sentences.append(
            f"95 % intervals of test accuracies and of their differences are over seeds (n = {n}) and over the choice "
            "of the test images together, as crossed random effects; those of differences are paired: at one seed the "
            "arms start from the same weights and see the same images in the same order. They do not cover the choice "
            "of the training images. Other intervals over seeds are Student's. SD is the sample standard deviation "
            "over seeds."
        )
        sentences.append(
            "A norm is said to be better when the p-value of the difference, corrected by Holm's method for the "
            f"{count(len(results.comparisons), 'comparison')}, is below 0.05; each interval is 95 % on its own. The "
            "number of seeds that would find a difference finds it with a probability of 80 %."
        )
    if results.until_sure:
        num_looks = len(looks(results.until_sure.max_seeds))
        sentences.append(
            f"Seeds were added until every difference was settled, with {num_looks} looks planned. P-values "
            "are multiplied by this number and intervals are as much longer (Bonferroni), so that the error rate of "
            "5 % and the 95 % hold for all looks together."
        )
    if any(len(arm.seeds) == 1 for arm in results.arms):
        sentences.append(
            f"An arm with one seed has a 95 % Wilson interval over the {results.num_test_images:,} test images, and "
            "its differences a paired bootstrap interval over test images. These do not cover seed noise: another "
            "seed may turn the order of the arms, so one seed supports no conclusion."
        )
    return sentences


def paired_seeds(results: Results) -> dict[int, bool]:
    """Tell for each seed with two or more audited arms whether these started from the same weights."""
    audited = sorted((r.seed, r.audit.initial_weights) for r in results.records if r.audit)
    by_seed = {seed: [w for _, w in runs] for seed, runs in itertools.groupby(audited, key=lambda pair: pair[0])}
    return {seed: len(set(weights)) == 1 for seed, weights in by_seed.items() if len(weights) > 1}


def total_time(results: Results) -> str:
    """Say how long all runs took together."""
    trained = sum(r.train_seconds for r in results.records)
    evaluated = sum(r.evaluate_seconds for r in results.records)
    took = f"{elapsed(trained)} of training and {elapsed(evaluated)} of evaluation"
    return f"{count(len(results.records), 'run')}: {took} on {devices(results.records)}."


def class_intervals(numbers: Sequence[int]) -> str:
    """Say what the intervals of arms' accuracies per class cover, given the arms' numbers of seeds."""
    sentences = []
    if 1 in numbers:
        sentences.append(
            "With one seed, intervals are 95 % Wilson intervals over the class's test images; they do not cover the "
            "noise between seeds."
        )
    several = sorted({number for number in numbers if number > 1})
    if several:
        n = " or ".join(map(str, several))
        sentences.append(
            f"With n = {n} seeds, 95 % intervals cover both the choice of the class's test images and the noise "
            "between seeds, not the choice of training images. How large that noise is, classes tell each other, as "
            "far as they are alike: one class has too few mistakes to say (moderated variances, Smyth 2004)."
        )
    sentences.append(
        "Each interval is 95 % on its own, and arms whose intervals overlap can differ: they saw the same images."
    )
    return " ".join(sentences)
