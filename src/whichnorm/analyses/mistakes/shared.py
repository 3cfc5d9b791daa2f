"""Mistakes that arms share: test images that every arm misses, and those that only one arm misses.

An arm misses a test image if every one of its finished runs misclassifies it, and gets it right if none of them does.
An image that some of its runs misclassify is neither, since another seed would do to turn it. So "every arm misses"
means all runs of all arms, and "only this arm misses" means all runs of this arm and no run of any other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whichnorm.results.results import Results
from whichnorm.training.record import RunRecord


@dataclass(frozen=True, kw_only=True, eq=False)
class WhoMisses:
    """Which test images each arm misses, and which it gets right, (N,) booleans each; see the module."""

    runs: Mapping[str, tuple[RunRecord, ...]]
    missed: Mapping[str, NDArray[np.bool_]]
    right: Mapping[str, NDArray[np.bool_]]

    def together(self) -> NDArray[np.bool_]:
        """Return one condition on images per arm, (num_arms, N): that the arm misses them."""
        return np.array(list(self.missed.values()))

    def alone(self, arm: str) -> NDArray[np.bool_]:
        """Return one condition on images per arm, (num_arms, N): this arm misses them, the others get them right."""
        return np.array([self.missed[arm] if other == arm else self.right[other] for other in self.runs])

    def answer(self, arm: str, image: int) -> tuple[int, float]:
        """Return what an arm says of an image, as `answer` does."""
        runs = self.runs[arm]
        return answer([r.test_predictions[image] for r in runs], [r.test_confidences[image] for r in runs])

    def surest(self, images: NDArray[np.int64], arms: Sequence[str], limit: int) -> list[int]:
        """Order images by the arms' mean confidence, the highest first, equal ones by index; at most `limit`."""
        runs = [run for arm in arms for run in self.runs[arm]]
        confidences = np.mean([run.test_confidences for run in runs], axis=0)
        return images[np.argsort(-confidences[images], kind="stable")][:limit].tolist()


def who_misses(results: Results, labels: Sequence[int]) -> WhoMisses:
    """Compare the mistakes of all arms that have a finished run; labels are (N,)."""
    runs = {arm.norm: results.finished(arm.norm) for arm in results.arms}
    wrong = {
        arm: np.array([run.test_predictions for run in of_arm]) != np.asarray(labels) for arm, of_arm in runs.items()
    }  # (num_seeds, N) of each arm
    return WhoMisses(
        runs=runs,
        missed={arm: of_arm.all(axis=0) for arm, of_arm in wrong.items()},
        right={arm: ~of_arm.any(axis=0) for arm, of_arm in wrong.items()},
    )


def answer(predictions: Sequence[int], confidences: Sequence[float]) -> tuple[int, float]:
    """Return what several runs say of an image: the class that most predict, and these runs' mean softmax of it.

    Of classes with as many runs each it is the one with more confidence.
    """
    by_class: dict[int, list[float]] = {}
    for prediction, confidence in zip(predictions, confidences, strict=True):
        by_class.setdefault(prediction, []).append(confidence)
    prediction, found = max(by_class.items(), key=lambda item: (len(item[1]), sum(item[1]), -item[0]))
    return prediction, float(np.mean(found))


def expected_if_independent(conditions: NDArray[np.bool_]) -> float:
    """Return how many of N images would meet all conditions (num_arms, N) if these were independent."""
    return float(conditions.shape[1] * conditions.mean(axis=1).prod())
