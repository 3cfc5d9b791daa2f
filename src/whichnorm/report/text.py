"""How the report writes numbers and names, on the page and in the terminal."""

import itertools
from collections.abc import Iterable, Sequence
from typing import Any

from whichnorm.errors import count, shortened
from whichnorm.record import RunRecord
from whichnorm.results import Results, Summary
from whichnorm.stats import Interval, looks
from whichnorm.verdict import Comparison


def percent(value: float) -> str:
    return f"{100 * value:.2f} %"


def std(summary: Summary) -> str:
    """Write the standard deviation over seeds in points, or "" for one seed: "SD 0.21"."""
    return "" if summary.std is None else f"SD {100 * summary.std:.2f}"


def percent_interval(ci95: tuple[float, float] | None) -> str:
    """Write an interval in percent, or "" where there is none."""
    return f"[{100 * ci95[0]:.2f}, {100 * ci95[1]:.2f}]" if ci95 else ""


def accuracy(summary: Summary) -> str:
    """Write an accuracy and its interval: "98.10 % [97.90, 98.30]"."""
    return " ".join(filter(None, [percent(summary.mean), percent_interval(summary.ci95)]))


def estimate(interval: Interval) -> str:
    """Write a share and its interval: "98.10 % [97.90, 98.30]"."""
    return f"{percent(interval.estimate)} {percent_interval((interval.low, interval.high))}"


def points(value: float) -> str:
    """Write a difference of accuracies in percentage points, signed."""
    return f"{100 * value:+.2f}"


def difference(value: float) -> str:
    """Write a difference of counts, with a decimal where it is a mean that needs one."""
    return f"{value:+,.0f}" if value == round(value) else f"{value:+,.1f}"


def points_interval(ci95: tuple[float, float]) -> str:
    return f"[{points(ci95[0])}, {points(ci95[1])}]"


def seconds(value: float) -> str:
    return f"{value:.2f} s" if value < 10 else f"{value:.1f} s"


def duration(value: float) -> str:
    """Write a longer time in its own unit: "45.2 s", "39.1 min", "2.5 h"."""
    if value < 120:
        return seconds(value)
    return f"{value / 60:.1f} min" if value < 7200 else f"{value / 3600:.1f} h"


def num_seeds(number: int) -> str:
    return f"n = {count(number, 'seed')}"


def expected(number: float) -> str:
    """Write a number of images that was worked out: whole from ten on, with a decimal below."""
    if 0 < number < 0.1:
        return "fewer than 0.1"
    return f"{number:,.0f}" if number >= 10 or not number else f"{number:.1f}"


def outcome(comparison: Comparison) -> str:
    """Say what a comparison's call means for its arms by name."""
    if comparison.call == "cannot tell":
        return "cannot tell"
    return f"{comparison.a if comparison.call == 'better' else comparison.b} is better"


def printable(name: str) -> str:
    """Replace what cannot be drawn or written, such as control characters and undecodable bytes, by U+FFFD."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in name)


def encodable(code: str) -> str:
    """Replace only what a UTF-8 file cannot hold: bytes of a path that are no text."""
    return code.encode("utf-8", "replace").decode()


def shorten(name: str, limit: int) -> str:
    """Return a printable name of at most `limit` characters, cut with an ellipsis."""
    return shortened(printable(name), limit)


def taken_for(names: Sequence[str], label: int, prediction: int) -> str:
    """Say which class was taken for which: "cat taken for dog"."""
    return f"{printable(names[label])} taken for {printable(names[prediction])}"


def value(item: Any) -> str:
    """Write a setting's value for people."""
    if item is None:
        return "not set"
    if isinstance(item, bool):
        return "yes" if item else "no"
    return f"{item:g}" if isinstance(item, float) else printable(str(item))


def arm_names(results: Results) -> list[str]:
    """Return every arm of the study in its order, also those without a finished run."""
    return list(dict.fromkeys(r.arm for r in results.records))


def seeds(results: Results) -> list[int]:
    """Return every seed of the study in its order, also of runs that did not finish."""
    return list(dict.fromkeys(r.seed for r in results.records))


def fault_reason(record: RunRecord) -> str:
    return "; ".join(filter(None, [record.reason, *record.warnings]))


def devices(records: Iterable[RunRecord]) -> str:
    """Name the devices that runs were made on, each once."""
    names = (str(r.environment.get("device", "unknown device")) for r in records)
    return " and ".join(dict.fromkeys(names)) or "unknown device"


def interval_sentences(results: Results) -> list[str]:
    """Say what the intervals cover, what they do not, and when a difference is called."""
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
            "A difference is called when its p-value, corrected by Holm's method for the "
            f"{count(len(results.comparisons), 'comparison')}, is below 0.05; each interval is 95 % on its own. How "
            "many more seeds would tell a difference is the number that finds it with a probability of 80 %."
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
            "seed may turn the order of the arms, so one seed calls nothing."
        )
    return sentences


def paired_seeds(results: Results) -> dict[int, bool]:
    """Tell for each seed with two or more audited arms whether these started from the same weights."""
    audited = sorted((r.seed, r.audit.initial_weights) for r in results.records if r.audit)
    by_seed = {seed: [w for _, w in runs] for seed, runs in itertools.groupby(audited, key=lambda pair: pair[0])}
    return {seed: len(set(weights)) == 1 for seed, weights in by_seed.items() if len(weights) > 1}


def total_time(results: Results) -> str:
    """Say how long all runs took."""
    trained = sum(r.train_seconds for r in results.records)
    evaluated = sum(r.evaluate_seconds for r in results.records)
    took = f"{duration(trained)} of training and {duration(evaluated)} of evaluation"
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
            "between seeds, not the choice of training images."
        )
    sentences.append(
        "Each interval is 95 % on its own, and arms whose intervals overlap can differ: they saw the same images."
    )
    return " ".join(sentences)
