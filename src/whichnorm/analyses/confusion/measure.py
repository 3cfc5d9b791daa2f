"""Who was taken for whom, and in which cells of the confusion matrix two arms differ beyond chance.

The units of a comparison are the test images, at the seeds that both arms have finished. In a cell (true class,
predicted class) each image of the true class counts the seeds at which the first arm predicts the class, less those at
which the second does. If the two arms' networks were exchangeable for each image, the sign of this number would be a
coin's, which gives an exact test: with one seed it is McNemar's. Runs of further seeds make an image's number finer,
and are not counted as further images. The tests speak of these trained networks; they do not cover the noise between
seeds.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial

import numpy as np
from numpy.typing import NDArray

from whichnorm import stats
from whichnorm.analyses.confusion import ConfusionOptions
from whichnorm.analyses.confusion.cells import CellImages, images_or_reason
from whichnorm.errors import StudyError
from whichnorm.results.results import Results
from whichnorm.specs.codec import NOT_ENCODED
from whichnorm.specs.names import enclosed
from whichnorm.study.study import Study

ALPHA = 0.05
MAX_FREQUENT = 10  # confusions of an arm that are listed


@dataclass(frozen=True, kw_only=True)
class ConfusedPair:
    """Two classes by number and name, and how often test images of the first were taken for the second."""

    label: int
    prediction: int
    true_class: str
    predicted_class: str
    count: int
    of: int  # test images of the true class, over the same seeds


@dataclass(frozen=True, kw_only=True, eq=False)
class ArmConfusion:
    """An arm's predictions over its finished seeds: counts (num_classes, num_classes), true class in rows."""

    seeds: tuple[int, ...]
    counts: NDArray[np.int64]
    frequent: tuple[ConfusedPair, ...]  # the most frequent confusions that occur, at most MAX_FREQUENT


@dataclass(frozen=True, kw_only=True)
class MarkedCell:
    """A cell in which two arms differ beyond chance: mean counts per seed, and the p-value adjusted for all cells."""

    label: int
    prediction: int
    true_class: str
    predicted_class: str
    count_a: float
    count_b: float
    difference: float
    adjusted_p: float


@dataclass(frozen=True, kw_only=True, eq=False)
class ConfusionDifference:
    """Predictions of arm a less those of arm b, (num_classes, num_classes): true class in rows, mean over seeds.

    The p-values are adjusted for their number; `marked` are the cells beyond chance, the surest first.
    """

    a: str
    b: str
    seeds: tuple[int, ...]
    difference: NDArray[np.float64]
    adjusted_p_values: NDArray[np.float64]
    beyond_chance: NDArray[np.bool_]
    marked: tuple[MarkedCell, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class ConfusionFound:
    """The confusions of every arm with a finished run, and the differences of every two with a seed in common."""

    class_names: tuple[str, ...]
    arms: Mapping[str, ArmConfusion]
    differences: tuple[ConfusionDifference, ...]
    images: CellImages | None = field(default=None, metadata={NOT_ENCODED: True})  # behind the cells, for the page
    images_reason: str = ""  # why there are none, if they were asked for


def measure(study: Study, results: Results, options: ConfusionOptions) -> ConfusionFound:
    """Compare the confusions of a study's arms, and choose the images behind them if they are asked for."""
    found = study_confusion(results, study.test_split.labels)
    images, reason = images_or_reason(study, results) if options.images else (None, "")
    return replace(found, images=images, images_reason=reason)


def study_confusion(results: Results, labels: Sequence[int]) -> ConfusionFound:
    """Count the confusions of all arms and compare them; a StudyError if no run finished.

    labels are (N,), of the test split. An arm's predictions are counted once for each set of seeds that is asked for.
    """
    arms, names, truth = [arm.norm for arm in results.arms], results.class_names, np.asarray(labels)
    if not arms:
        raise StudyError(f"no run of {enclosed(results.arm_names)} finished, so there is no confusion matrix")
    votes = cache(partial(_votes, results))
    seeds = {arm: tuple(run.seed for run in results.finished(arm)) for arm in arms}
    differences = []
    for a, b in itertools.combinations(arms, 2):
        if common := tuple(seed for seed in seeds[a] if seed in seeds[b]):
            differences.append(confusion_difference((a, b), common, (votes(a, common), votes(b, common)), truth, names))
    return ConfusionFound(
        class_names=names,
        arms={arm: _arm_confusion(of_arm, votes(arm, of_arm), truth, names) for arm, of_arm in seeds.items()},
        differences=tuple(differences),
    )


def _votes(results: Results, arm: str, seeds: tuple[int, ...]) -> NDArray[np.int64]:
    predictions = [run.test_predictions for run in results.finished(arm) if run.seed in seeds]
    return count_votes(predictions, len(results.class_names))


def count_votes(predictions: Sequence[Sequence[int]], num_classes: int) -> NDArray[np.int64]:
    """Count for each image the seeds that predict each class: (num_seeds, N) gives (N, num_classes)."""
    votes = np.zeros((len(predictions[0]), num_classes), dtype=np.int64)
    for of_seed in predictions:
        votes[np.arange(len(of_seed)), of_seed] += 1
    return votes


def confusion_counts(votes: NDArray[np.int64], labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Sum votes (N, num_classes) by true class: true class (rows) against predicted class (columns)."""
    return np.array([votes[labels == label].sum(axis=0) for label in range(votes.shape[1])])


def _arm_confusion(
    seeds: tuple[int, ...], votes: NDArray[np.int64], labels: NDArray[np.int64], names: Sequence[str]
) -> ArmConfusion:
    counts = confusion_counts(votes, labels)
    return ArmConfusion(seeds=seeds, counts=counts, frequent=tuple(frequent_confusions(counts, names)))


def frequent_confusions(
    counts: NDArray[np.int64], names: Sequence[str], limit: int = MAX_FREQUENT
) -> list[ConfusedPair]:
    """Return the most frequent confusions that occur, at most `limit`; equal ones by true, then predicted class."""
    mistakes = counts - np.diag(np.diag(counts))
    order = np.argsort(-mistakes, axis=None, kind="stable")[:limit]
    return [
        ConfusedPair(
            label=label, prediction=prediction, true_class=names[label], predicted_class=names[prediction],
            count=int(counts[label, prediction]), of=int(counts[label].sum()),
        )
        for label, prediction in (divmod(int(cell), len(counts)) for cell in order)
        if mistakes[label, prediction] > 0
    ]  # fmt: skip


def confusion_difference(
    arms: tuple[str, str], seeds: tuple[int, ...], votes: tuple[NDArray[np.int64], NDArray[np.int64]],
    labels: NDArray[np.int64], names: Sequence[str],
) -> ConfusionDifference:  # fmt: skip
    """Compare the votes (N, num_classes) of two arms over the same seeds."""
    counts_a, counts_b = (confusion_counts(of_arm, labels) / len(seeds) for of_arm in votes)
    p_values = cell_p_values(votes[0] - votes[1], labels)
    cells = [(int(label), int(prediction)) for label, prediction in np.argwhere(p_values <= ALPHA)]
    return ConfusionDifference(
        a=arms[0],
        b=arms[1],
        seeds=seeds,
        difference=counts_a - counts_b,
        adjusted_p_values=p_values,
        beyond_chance=p_values <= ALPHA,
        marked=tuple(
            MarkedCell(
                label=cell[0], prediction=cell[1], true_class=names[cell[0]], predicted_class=names[cell[1]],
                count_a=float(counts_a[cell]), count_b=float(counts_b[cell]),
                difference=float(counts_a[cell] - counts_b[cell]), adjusted_p=float(p_values[cell]),
            )
            for cell in sorted(cells, key=lambda cell: p_values[cell])
        ),
    )  # fmt: skip


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
