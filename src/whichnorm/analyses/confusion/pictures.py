"""Pictures of who was taken for whom."""

import itertools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from whichnorm.analyses.arms import label
from whichnorm.analyses.confusion import figures as matrices
from whichnorm.analyses.confusion.cells import CellImages
from whichnorm.analyses.confusion.differences import ConfusionDifference, confusion_difference, marked_cells
from whichnorm.analyses.confusion.measure import confusion_counts, frequent_confusions
from whichnorm.render import text
from whichnorm.render.picture import Picture, Widget
from whichnorm.results.results import Results
from whichnorm.specs.arm import file_stem


def confusion_of(results: Results, labels: Sequence[int], arm: str) -> NDArray[np.int64]:
    """Count an arm's confusions over all its finished seeds."""
    predictions = [r.test_predictions for r in results.finished(arm)]
    return confusion_counts(predictions, labels, len(results.class_names))


def confusion_picture(results: Results, labels: Sequence[int], arm: str, images: CellImages | None = None) -> Picture:
    """Return an arm's confusion matrix, summed over its finished seeds; its widget shows the images of its cells."""
    counts = confusion_of(results, labels, arm)
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
        widget=_widget(results, arm, counts, images) if images else None,
    )


def _widget(results: Results, arm: str, counts: NDArray[np.int64], images: CellImages) -> Widget:
    places = {index: place for place, index in enumerate(images.tiles)}
    data = {
        "title": f"{label(arm)}: confusion matrix",
        "counts": counts.tolist(),
        "seeds": [run.seed for run in results.finished(arm)],
        "images": {
            f"{true},{predicted}": [[places[e.index], e.index, e.confidence, e.seed] for e in examples]
            for (true, predicted), examples in images.of_arm[arm].items()
        },
    }
    return Widget(kind="confusion", data=data)


def differences_of(results: Results, labels: Sequence[int]) -> list[ConfusionDifference]:
    """Compare every pair of arms with a seed in common."""
    pairs = itertools.combinations(results.arm_names, 2)
    found = (confusion_difference(results, labels, a, b) for a, b in pairs)
    return [difference for difference in found if difference]


def difference_picture(results: Results, found: ConfusionDifference) -> Picture:
    """Return the difference of two arms' confusion matrices, with the cells marked that differ beyond chance."""
    marked, cells = int(found.beyond_chance.sum()), f"of {text.count(found.difference.size, 'cell')}"
    said = f"Framed cells, {marked} {cells}, differ" if marked else f"None {cells} differs"
    over = "" if len(found.seeds) == 1 else f" Means over {text.count(len(found.seeds), 'seed')}, the same for both."
    numbers = "" if len(found.difference) <= matrices.MOST_CLASSES_WITH_TEXT else " No numbers: too many classes."
    return Picture(
        name=f"difference_{file_stem(found.a)}_{file_stem(found.b)}",
        figure=matrices.difference(
            f"{found.a} less {found.b}: difference of confusion matrices",
            found.difference, found.beyond_chance, results.class_names, (found.a, found.b),
        ),
        alt=f"Confusion matrix of {label(found.a)} less that of {label(found.b)}. Cells beyond chance: "
        f"{_cells_text(found, results.class_names)}.",
        caption=f"How many more test images of a true class {found.a} takes for a class than {found.b}: on the "
        f"diagonal more is better, elsewhere more is worse.{over}{numbers} {said} beyond chance by an exact paired "
        f"test on the images of the true class ({_test_name(found)}), with 5 % for all cells together by Holm's "
        "correction over those that could be called. The images are the units: the test speaks of these networks, not "
        "of the noise between seeds.",
    )  # fmt: skip


def _test_name(found: ConfusionDifference) -> str:
    return "McNemar's" if len(found.seeds) == 1 else "the signs of the images' differences, each summed over seeds"


def _cells_text(found: ConfusionDifference, names: Sequence[str]) -> str:
    cells = [
        f"{text.printable(names[true])} predicted as {text.printable(names[predicted])} "
        f"{text.difference(found.difference[true, predicted])}"
        for true, predicted in marked_cells(found)
    ]
    return "; ".join(cells) or "none"


def _confusions_text(counts: NDArray[np.int64], names: Sequence[str]) -> str:
    found = [
        f"{text.taken_for(names, true, predicted)}, {text.count(number, 'time')}"
        for true, predicted, number in frequent_confusions(counts)
    ]
    return "; ".join(found) or "none"
