"""Likely wrong labels of the test split: confident learning on what the trained networks predict.

The networks were not trained on the test images, so their probabilities are out-of-sample, as the method needs.
Northcutt, Jiang and Chuang, "Confident Learning", JAIR 70, 2021.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whichnorm.errors import MissingExtraError, WhichnormError
from whichnorm.results.results import Results
from whichnorm.study.run import on_cpu
from whichnorm.study.study import Study
from whichnorm.training.evaluate import evaluate

MISSING = "likely wrong labels are not looked for: cleanlab is not installed (pip install 'whichnorm[labels]')"


@dataclass(frozen=True, kw_only=True, eq=False)
class LabelIssues:
    """Test images whose label cleanlab doubts, the most doubtful first, and the mean softmax (N, num_classes)."""

    indices: tuple[int, ...]
    probabilities: NDArray[np.float64]

    def among(self, images: NDArray[np.int64]) -> list[int]:
        """Return those of the candidates that are in `images`, the most doubtful first."""
        wanted = set(images.tolist())
        return [index for index in self.indices if index in wanted]


def check_cleanlab() -> None:
    """Raise MissingExtraError where cleanlab is not installed; worth knowing before networks are evaluated."""
    try:
        import cleanlab.filter  # noqa: F401
    except ImportError:
        raise MissingExtraError(MISSING) from None


def find_label_issues(probabilities: NDArray[np.float64], labels: Sequence[int]) -> LabelIssues:
    """Return the images whose label is likely wrong, the least probable label first.

    cleanlab's filter is "both", the most careful: an image has to be among the doubtful ones of its labelled class and
    among those of the pair of classes.
    """
    check_cleanlab()
    if len(set(labels)) < 2:  # nothing that a label could be mistaken for
        return LabelIssues(indices=(), probabilities=probabilities)
    from cleanlab.filter import find_label_issues

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="May not flag all label issues")  # classes with few images
        found = find_label_issues(
            np.asarray(labels), probabilities, filter_by="both", return_indices_ranked_by="self_confidence", n_jobs=1
        )
    return LabelIssues(indices=tuple(found.tolist()), probabilities=probabilities)


def mean_probabilities(study: Study, results: Results, arms: Sequence[str]) -> NDArray[np.float64]:
    """Evaluate the trained networks of the arms' finished runs on the test split: mean softmax (N, num_classes)."""
    finished = {(run.arm, run.seed) for arm in arms for run in results.finished(arm)}
    runs = [run for run in map(on_cpu, study.spec.runs()) if (str(run.arm), run.seed) in finished]
    splits = study.splits
    test = splits.test.to("cpu")
    total = np.zeros((len(test), len(splits.class_names)))
    for run in runs:
        found = evaluate(study.network(run), test, splits.mean, splits.std, run.machine)
        total += found.logits.double().softmax(1).numpy()
    return total / len(runs)


def label_issues_or_reason(study: Study, results: Results, arms: Sequence[str]) -> tuple[LabelIssues | None, str]:
    """Return the candidates for a wrong label among all test images, or None and why there are none."""
    if len(arms) < 2:  # candidates are shown among the images that every arm misses
        return None, ""
    try:
        check_cleanlab()
        probabilities = mean_probabilities(study, results, arms)
    except WhichnormError as error:
        return None, str(error)
    return find_label_issues(probabilities, study.splits.test.labels.tolist()), ""
