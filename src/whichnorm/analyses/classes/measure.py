"""Accuracy per class, with intervals, and on which classes one arm is distinguished from all others."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from whichnorm import stats
from whichnorm.analyses.analysis import NoOptions
from whichnorm.errors import StudyError
from whichnorm.results.results import Results
from whichnorm.results.verdict import Correct, rule_of
from whichnorm.specs.names import enclosed
from whichnorm.stats import Interval
from whichnorm.study.study import Study

ALPHA = 0.05


@dataclass(frozen=True, kw_only=True)
class ArmClasses:
    """An arm's accuracy on the test images of each class: mean over seeds and 95 % interval, None without images.

    With one seed the interval is Wilson's, over test images of the class. With several it covers both the choice of
    test images and the noise between seeds, of which classes tell each other how large it is
    (`stats.class_intervals`); not that between training sets.
    """

    seeds: tuple[int, ...]
    accuracy: tuple[Interval | None, ...]


@dataclass(frozen=True, kw_only=True)
class ClassDifference:
    """Accuracy of arm a less that of arm b on one class, over their common seeds and its images, both crossed.

    The interval is 95 % on its own; the p-value is adjusted for all classes and pairs of arms together.
    """

    label: int
    class_name: str
    a: str
    b: str
    seeds: tuple[int, ...]
    difference: Interval
    adjusted_p: float


@dataclass(frozen=True, kw_only=True)
class BestArm:
    """The arm that is distinguished from every other on a class: by how much at least, and at which p-value at most."""

    label: int
    class_name: str
    arm: str
    least_lead: float
    adjusted_p: float


@dataclass(frozen=True, kw_only=True)
class ClassesFound:
    """Accuracies of every arm with a finished run, by class; differences of those with two seeds or more in common."""

    class_names: tuple[str, ...]
    num_images: tuple[int, ...]
    arms: Mapping[str, ArmClasses]
    by_difficulty: tuple[int, ...]  # classes with images, by mean accuracy over arms: the hardest first
    differences: tuple[ClassDifference, ...]
    best: tuple[BestArm, ...]


def measure(study: Study, results: Results, options: NoOptions) -> ClassesFound:
    """Estimate the accuracies of a study's arms on each class."""
    return study_classes(results, study.test_split.labels)


def study_classes(results: Results, labels: Sequence[int]) -> ClassesFound:
    """Estimate the accuracies of all arms on each class; labels are (N,). A StudyError if no run finished."""
    truth, names = np.asarray(labels), results.class_names
    correct = {
        arm.norm: {run.seed: np.asarray(run.test_predictions) == truth for run in results.finished(arm.norm)}
        for arm in results.arms
    }
    if not correct:
        raise StudyError(f"no run of {enclosed(results.arm_names)} finished, so there is no accuracy per class")
    arms = {arm: arm_classes(of_seeds, truth, len(names)) for arm, of_seeds in correct.items()}
    differences = class_differences(correct, truth, names, rule_of(results.until_sure).num_looks)
    return ClassesFound(
        class_names=names,
        num_images=tuple(np.bincount(truth, minlength=len(names)).tolist()),
        arms=arms,
        by_difficulty=tuple(by_difficulty(list(arms.values()))),
        differences=differences,
        best=tuple(best_arms(differences, list(arms))),
    )


def arm_classes(correct: Correct, labels: NDArray[np.int64], num_classes: int) -> ArmClasses:
    """Estimate an arm's accuracy on each class from its right answers."""
    table = np.stack(list(correct.values()))  # (num_seeds, N)
    there = [label for label in range(num_classes) if (labels == label).any()]
    found = dict(zip(there, stats.class_intervals([table[:, labels == label] for label in there]), strict=True))
    return ArmClasses(seeds=tuple(correct), accuracy=tuple(map(found.get, range(num_classes))))


def by_difficulty(arms: Sequence[ArmClasses]) -> list[int]:
    """Return the classes that have test images, by mean accuracy over arms: the hardest first, equal ones in order."""
    means = {
        label: float(np.mean([interval.estimate for interval in of_class if interval]))
        for label, of_class in enumerate(zip(*(arm.accuracy for arm in arms), strict=True))
        if any(of_class)
    }
    return sorted(means, key=lambda label: (means[label], label))


def class_differences(
    correct: Mapping[str, Correct], labels: NDArray[np.int64], names: Sequence[str], num_looks: int = 1
) -> tuple[ClassDifference, ...]:
    """Compare every two arms on every class that has two images or more, with Holm's correction over all of it.

    num_looks is how often the study was looked at as it grew: p-values are multiplied by it.
    """
    found = [one for a, b in itertools.combinations(correct, 2) for one in _pair(correct, (a, b), labels, names)]
    adjusted = stats.holm([min(1.0, num_looks * one.adjusted_p) for one in found]).tolist()
    return tuple(replace(one, adjusted_p=p) for one, p in zip(found, adjusted, strict=True))


def _pair(
    correct: Mapping[str, Correct], pair: tuple[str, str], labels: NDArray[np.int64], names: Sequence[str]
) -> Iterator[ClassDifference]:
    """Yield the differences of two arms with their p-values as they are; none at one seed, which has no p-value."""
    a, b = pair
    seeds = tuple(seed for seed in correct[a] if seed in correct[b])
    if len(seeds) < 2:
        return
    tables = [np.stack([correct[arm][seed] for seed in seeds]) for arm in pair]  # (num_seeds, N)
    for label, name in enumerate(names):
        of_class = labels == label
        if of_class.sum() > 1:
            found = stats.paired_difference(*(table[:, of_class] for table in tables))
            yield ClassDifference(
                label=label, class_name=name, a=a, b=b, seeds=seeds, difference=found.interval(),
                adjusted_p=found.p_value,
            )  # fmt: skip


def best_arms(differences: Sequence[ClassDifference], arms: Sequence[str]) -> Iterator[BestArm]:
    """Yield for each class the arm that is better than every other beyond chance, if there is one."""
    for label, of_class in itertools.groupby(sorted(differences, key=lambda one: one.label), lambda one: one.label):
        found = list(of_class)
        for arm in arms:
            leads = [_lead(one, arm) for one in found if arm in (one.a, one.b)]
            if len(leads) == len(arms) - 1 and all(lead > 0 and p < ALPHA for lead, p in leads):
                yield BestArm(
                    label=label, class_name=found[0].class_name, arm=arm, least_lead=min(lead for lead, _ in leads),
                    adjusted_p=max(p for _, p in leads),
                )  # fmt: skip


def _lead(found: ClassDifference, arm: str) -> tuple[float, float]:
    """Return an arm's lead over the other, and the p-value."""
    return found.difference.estimate if found.a == arm else -found.difference.estimate, found.adjusted_p
