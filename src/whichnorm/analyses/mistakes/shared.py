"""Mistakes that arms share: test images that every arm misses, and those that only one arm misses.

An arm misses a test image when every one of its finished runs misclassifies it, and gets it right when none of them
does. An image that some of its runs misclassify is neither, since another seed would do to turn it. So "every arm
misses" means all runs of all arms, and "only this arm misses" means all runs of this arm and no run of any other.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whichnorm.results.results import Results
from whichnorm.training.record import RunRecord


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What an arm says of an image: the class that most of its runs predict, and these runs' mean softmax of it."""

    prediction: int
    confidence: float


@dataclass(frozen=True, kw_only=True)
class Share:
    """A number of test images, and the number to expect if the arms' mistakes were independent of each other."""

    number: int
    expected: float


@dataclass(frozen=True, kw_only=True, eq=False)
class SharedMistakes:
    """Who misses what: `missed` and `right` are (num_arms, N) booleans over the test images; see the module."""

    arms: tuple[str, ...]
    runs: tuple[tuple[RunRecord, ...], ...]  # of each arm
    labels: NDArray[np.int64]
    missed: NDArray[np.bool_]
    right: NDArray[np.bool_]

    @property
    def by_all(self) -> NDArray[np.int64]:
        """The places in the test split of the images that every arm misses."""
        return np.flatnonzero(self.missed.all(axis=0))

    def only_by(self, arm: str) -> NDArray[np.int64]:
        """The places in the test split of the images that only this arm misses."""
        return np.flatnonzero(self._only_by(arm).all(axis=0))

    def share_by_all(self) -> Share:
        return Share(number=len(self.by_all), expected=_expected(self.missed))

    def share_only_by(self, arm: str) -> Share:
        return Share(number=len(self.only_by(arm)), expected=_expected(self._only_by(arm)))

    def answer(self, arm: str, image: int) -> Answer:
        runs = self.runs[self.arms.index(arm)]
        return answer([r.test_predictions[image] for r in runs], [r.test_confidences[image] for r in runs])

    def surest(self, images: NDArray[np.int64], arms: Sequence[str], limit: int) -> list[int]:
        """Order images by the arms' mean confidence, the highest first, equal ones by place; at most `limit`."""
        runs = [run for arm in arms for run in self.runs[self.arms.index(arm)]]
        confidences = np.mean([run.test_confidences for run in runs], axis=0)
        return images[np.argsort(-confidences[images], kind="stable")][:limit].tolist()

    def _only_by(self, arm: str) -> NDArray[np.bool_]:
        place = self.arms.index(arm)
        conditions = self.right.copy()
        conditions[place] = self.missed[place]
        return conditions


def shared_mistakes(results: Results, labels: Sequence[int], arms: Sequence[str]) -> SharedMistakes:
    """Compare the mistakes of arms, over those of them that have a finished run."""
    runs = {arm: results.finished(arm) for arm in arms if results.finished(arm)}
    truth = np.asarray(labels)
    wrong = [np.array([run.test_predictions for run in of_arm]) != truth for of_arm in runs.values()]
    nothing = np.zeros((0, len(truth)), dtype=bool)
    return SharedMistakes(
        arms=tuple(runs),
        runs=tuple(runs.values()),
        labels=truth,
        missed=np.array([of_arm.all(axis=0) for of_arm in wrong]) if wrong else nothing,
        right=np.array([~of_arm.any(axis=0) for of_arm in wrong]) if wrong else nothing,
    )


def answer(predictions: Sequence[int], confidences: Sequence[float]) -> Answer:
    """Return what several runs say of an image; of classes with as many runs each, the one with more confidence."""
    by_class: dict[int, list[float]] = {}
    for prediction, confidence in zip(predictions, confidences, strict=True):
        by_class.setdefault(prediction, []).append(confidence)
    prediction, found = max(by_class.items(), key=lambda item: (len(item[1]), sum(item[1]), -item[0]))
    return Answer(prediction=prediction, confidence=float(np.mean(found)))


def _expected(conditions: NDArray[np.bool_]) -> float:
    """Return how many of N images would meet all conditions (num_arms, N) if these were independent."""
    return float(conditions.shape[1] * conditions.mean(axis=1).prod())
