"""Labels of the test split that the trained networks doubt: confident learning on what they predict.

The networks were not trained on the test images, so their probabilities are out-of-sample, as the method needs.
Northcutt, Jiang and Chuang, "Confident Learning", JAIR 70, 2021.

A doubt is the labels' fault or the networks' own. Ten common test sets have 0.15 to 10.1 % wrong labels (Northcutt,
Athalye and Mueller, "Pervasive Label Errors in Test Sets", NeurIPS 2021). Networks that err on more images than that
are the likelier cause, so their doubts are not shown: where WyNet erred on 28 % of CIFAR-10, it doubted 640 labels of
10,000, where some 50 are wrong.
"""

import hashlib
import warnings
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whichnorm.analyses.asking import finished_runs
from whichnorm.analyses.kept import FOLDER, Kept, damage_text, read_kept, write_kept
from whichnorm.errors import MissingExtraError, WhichnormError
from whichnorm.render.text import percent
from whichnorm.results.results import Results
from whichnorm.specs.checked import Checked
from whichnorm.specs.study import RunSpec
from whichnorm.specs.value_types import Count, Fraction
from whichnorm.study.study import Study, on_cpu
from whichnorm.training.evaluate import evaluate

MOST_ERRORS = 0.1  # of the test images
MISSING = "doubted labels are not looked for: cleanlab is not installed (pip install 'whichnorm[labels]')"


@dataclass(frozen=True, kw_only=True)
class LabelDoubt(Checked):
    """A test image whose label cleanlab doubts, with the networks' mean softmax of the label and of their own class."""

    index: Count
    labelled_class: str
    labelled_softmax: Fraction
    network_class: str
    network_softmax: Fraction


@dataclass(frozen=True, kw_only=True)
class LabelDoubts:
    """All test images whose label cleanlab doubts, the least probable label first."""

    doubts: tuple[LabelDoubt, ...]


def doubts_or_reason(study: Study, results: Results) -> tuple[LabelDoubts | None, str]:
    """Return the doubted labels among all test images, or None, and why they were not looked for or were anew.

    They are kept in the study's folder under the hash of the weights, since every network has to be evaluated for them;
    those of some of a study's arms are not.
    """
    if reason := too_many_errors(results):
        return None, reason
    runs = finished_runs(study, results)
    path, whole = study.folder.root / FOLDER / "label_issues.json", not results.all_arms
    try:
        weights = _weights_digest(study, runs)
        kept = read_kept(path, weights, LabelDoubts) if whole else ""
        if isinstance(kept, Kept):
            return kept.found, ""
        check_cleanlab()
        probabilities = mean_probabilities(study, runs)
    except (WhichnormError, OSError) as error:
        return None, str(error)
    found = label_doubts(probabilities, study.test_split.labels, study.test_split.class_names)
    if whole:
        with suppress(WhichnormError):  # a folder that cannot be written costs the same time again, and no more
            write_kept(path, weights, found)
    return found, damage_text([kept]) if kept else ""


def too_many_errors(results: Results) -> str:
    """Say that the networks err so often that their doubts are mistakes of their own; "" where they do not."""
    runs = [run for run in results.records if run.status == "finished"]
    error = 1 - float(np.mean([run.last.test_accuracy for run in runs])) if runs else 0.0
    if error <= MOST_ERRORS:
        return ""
    return (
        f"doubted labels are not shown: these networks misclassify {percent(error)} of the test images, and above "
        f"{100 * MOST_ERRORS:g} % nearly all doubts are mistakes of their own"
    )


def check_cleanlab() -> None:
    """Raise MissingExtraError if cleanlab is not installed; worth knowing before networks are evaluated."""
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="IProgress not found")  # of a progress bar that is not shown
            import cleanlab.filter  # noqa: F401
    except ImportError:
        raise MissingExtraError(MISSING) from None


def label_doubts(probabilities: NDArray[np.float64], labels: Sequence[int], names: Sequence[str]) -> LabelDoubts:
    """Describe the images whose label is doubted, by probabilities (N, num_classes) and labels (N,)."""
    doubts = []
    for index in find_label_issues(probabilities, labels):
        softmax, label = probabilities[index], labels[index]
        doubts.append(
            LabelDoubt(
                index=index, labelled_class=names[label], labelled_softmax=float(softmax[label]),
                network_class=names[int(softmax.argmax())], network_softmax=float(softmax.max()),
            )
        )  # fmt: skip
    return LabelDoubts(doubts=tuple(doubts))


def find_label_issues(probabilities: NDArray[np.float64], labels: Sequence[int]) -> list[int]:
    """Return the indices of the images whose label is doubted, the least probable label first.

    cleanlab's filter is "both", the most careful: an image has to be among the doubtful ones of its labelled class and
    among those of the pair of classes.
    """
    check_cleanlab()
    if len(set(labels)) < 2:  # nothing that a label could be mistaken for
        return []
    from cleanlab.filter import find_label_issues

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="May not flag all label issues")  # classes with few images
        found = find_label_issues(
            np.asarray(labels), probabilities, filter_by="both", return_indices_ranked_by="self_confidence", n_jobs=1
        )
    indices: list[int] = found.tolist()
    return indices


def mean_probabilities(study: Study, runs: Sequence[RunSpec]) -> NDArray[np.float64]:
    """Evaluate the trained networks of finished runs on the test split: mean softmax (N, num_classes)."""
    splits = study.splits
    test = splits.test.to("cpu")
    total = np.zeros((len(test), len(splits.class_names)))
    for run in runs:
        found = evaluate(study.network(run), test, splits.mean, splits.std, on_cpu(run).machine)
        total += found.logits.double().softmax(1).numpy()
    return total / len(runs)


def _weights_digest(study: Study, runs: Sequence[RunSpec]) -> str:
    found = hashlib.sha256()
    for run in runs:
        found.update(hashlib.sha256(study.folder.weights(run).read_bytes()).digest())
    return found.hexdigest()
