"""Accuracy per class, with intervals."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from whichnorm import stats
from whichnorm.results.results import Results
from whichnorm.stats import Interval


@dataclass(frozen=True, kw_only=True)
class ArmClasses:
    """An arm's accuracy on the test images of each class: mean over seeds and 95 % interval, None without images.

    With one seed the interval is Wilson's, over test images of the class. With several it covers both the choice of
    test images and the noise between seeds (`stats.crossed_interval`); not that between training sets.
    """

    arm: str
    seeds: tuple[int, ...]
    intervals: tuple[Interval | None, ...]


def class_accuracies(results: Results, labels: Sequence[int], arms: Sequence[str]) -> list[ArmClasses]:
    """Estimate the accuracies of those of the arms that have a finished run."""
    truth, classes = np.asarray(labels), range(len(results.class_names))
    found = []
    for arm in arms:
        if runs := results.finished(arm):
            correct = np.array([run.test_predictions for run in runs]) == truth  # (num_seeds, N)
            intervals = tuple(
                stats.crossed_interval(correct[:, truth == k]) if (truth == k).any() else None for k in classes
            )
            found.append(ArmClasses(arm=arm, seeds=tuple(run.seed for run in runs), intervals=intervals))
    return found


def by_difficulty(accuracies: Sequence[ArmClasses]) -> list[int]:
    """Return the classes that have test images, by mean accuracy over arms: the hardest first, equal ones in order."""
    means = {
        k: float(np.mean([interval.estimate for interval in of_class if interval]))
        for k, of_class in enumerate(zip(*(arm.intervals for arm in accuracies), strict=True))
        if any(of_class)
    }
    return sorted(means, key=lambda k: (means[k], k))
