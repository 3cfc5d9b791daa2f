"""Pictures of who was taken for whom."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from whichnorm.data.dataset import ImageSet
from whichnorm.report import text
from whichnorm.report.figures import matrices
from whichnorm.report.mistakes import confusion_counts, frequent_confusions
from whichnorm.report.pictures.picture import Picture, file_stem, label
from whichnorm.results import Results


def confusion_of(results: Results, test: ImageSet, arm: str) -> NDArray[np.int64]:
    """Count an arm's confusions over all its finished seeds."""
    predictions = [r.test_predictions for r in results.finished(arm)]
    return confusion_counts(predictions, test.labels.tolist(), len(results.class_names))


def confusion_picture(results: Results, test: ImageSet, arm: str) -> Picture:
    """Return an arm's confusion matrix, summed over its finished seeds."""
    counts = confusion_of(results, test, arm)
    seeds = text.count(len(results.finished(arm)), "seed")
    cells = (
        "Cells hold counts, empty ones zero"
        if len(counts) <= matrices.MOST_CLASSES_WITH_TEXT
        else "No counts: too many classes"
    )
    return Picture(
        name=f"{file_stem(arm)}_confusion",
        figure=matrices.confusion(f"{label(arm)}: confusion matrix", counts, results.class_names),
        alt=f"Confusion matrix of {label(arm)}: {np.trace(counts):,} of {counts.sum():,} predictions are right. "
        f"Most frequent confusions: {_confusions_text(counts, results.class_names)}.",
        caption=f"Test images by true and predicted class, summed over {seeds}. {cells}; the colour is the share of "
        "the true class, on a square-root scale so that rare mistakes can be seen.",
    )


def _confusions_text(counts: NDArray[np.int64], names: Sequence[str]) -> str:
    found = [
        f"{text.taken_for(names, true, predicted)}, {text.count(number, 'time')}"
        for true, predicted, number in frequent_confusions(counts)
    ]
    return "; ".join(found) or "none"
