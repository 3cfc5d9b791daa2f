"""The difference of two arms' confusion matrices, and which of its cells differ beyond chance.

The units are the test images, at the seeds that both arms have finished. In a cell (true class, predicted class) each
image of the true class counts the seeds at which the first arm predicts the class, less those at which the second does.
If the two arms' networks were exchangeable for each image, the sign of this number would be a coin's, which gives an
exact test: with one seed it is McNemar's. Runs of further seeds make an image's number finer, and are not counted as
further images. The tests speak of these trained networks; they do not cover the noise between seeds.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whichnorm import stats
from whichnorm.results.results import Results

ALPHA = 0.05


@dataclass(frozen=True, kw_only=True, eq=False)
class ConfusionDifference:
    """Predictions of arm a less those of arm b, (num_classes, num_classes): true class in rows, mean over seeds."""

    a: str
    b: str
    seeds: tuple[int, ...]
    counts_a: NDArray[np.float64]  # mean over seeds
    counts_b: NDArray[np.float64]
    p_values: NDArray[np.float64]  # adjusted for their number

    @property
    def difference(self) -> NDArray[np.float64]:
        return self.counts_a - self.counts_b

    @property
    def beyond_chance(self) -> NDArray[np.bool_]:
        return self.p_values <= ALPHA


def confusion_difference(results: Results, labels: Sequence[int], a: str, b: str) -> ConfusionDifference | None:
    """Compare two arms on the seeds that both have finished; None where there is no such seed."""
    of_a, of_b = ({r.seed: r.test_predictions for r in results.finished(arm)} for arm in (a, b))
    seeds = tuple(seed for seed in of_a if seed in of_b)
    if not seeds:
        return None
    truth, num_classes = np.asarray(labels), len(results.class_names)
    votes_a = count_votes([of_a[seed] for seed in seeds], num_classes)
    votes_b = count_votes([of_b[seed] for seed in seeds], num_classes)
    return ConfusionDifference(
        a=a,
        b=b,
        seeds=seeds,
        counts_a=_by_true_class(votes_a, truth) / len(seeds),
        counts_b=_by_true_class(votes_b, truth) / len(seeds),
        p_values=cell_p_values(votes_a - votes_b, truth),
    )


def marked_cells(found: ConfusionDifference) -> list[tuple[int, int]]:
    """Return (true class, predicted class) of the cells beyond chance, the surest first, equal ones in order."""
    cells = [(int(true), int(predicted)) for true, predicted in np.argwhere(found.beyond_chance)]
    return sorted(cells, key=lambda cell: found.p_values[cell])


def count_votes(predictions: Sequence[Sequence[int]], num_classes: int) -> NDArray[np.int64]:
    """Count for each image the seeds that predict each class: (num_seeds, N) gives (N, num_classes)."""
    votes = np.zeros((len(predictions[0]), num_classes), dtype=np.int64)
    for of_seed in predictions:
        votes[np.arange(len(of_seed)), of_seed] += 1
    return votes


def cell_p_values(differences: NDArray[np.int64], labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """Test each cell of differences (N, num_classes): adjusted p-values (num_classes, num_classes).

    Holm's correction runs over all cells that could be called at all; in a matrix of 100 classes most cells hold so
    few images that no outcome would do, and paying for them would hide the others.
    """
    num_classes = differences.shape[1]
    columns = [column for label in range(num_classes) for column in differences[labels == label].T]
    p_values = [stats.sign_flip_p_value(column) for column in columns]
    least = [stats.least_sign_flip_p_value(column) for column in columns]
    return stats.tarone_holm(p_values, least, ALPHA).reshape(num_classes, num_classes)


def _by_true_class(votes: NDArray[np.int64], labels: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.array([votes[labels == label].sum(axis=0) for label in range(votes.shape[1])])
