"""The test images behind the cells of the confusion matrices, few enough for a page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from whichnorm.data.dataset import ImageSet
from whichnorm.errors import WhichnormError
from whichnorm.render.images import Sprite, make_sprite, tile_size
from whichnorm.results.results import Results
from whichnorm.study.study import Study

MAX_PER_CELL = 8
MAX_PIXELS = 640 * 32 * 32  # of all images together: about 1.1 MB of CIFAR-10's
MAX_SIDE = 64  # larger images are shown smaller

Cell = tuple[int, int]  # true class, predicted class


@dataclass(frozen=True, kw_only=True)
class Example:
    """A test image in a cell, by its index in the split, with the softmax of the prediction and the run's seed."""

    index: int
    confidence: float
    seed: int


@dataclass(frozen=True, kw_only=True, eq=False)
class CellImages:
    """The chosen images of every arm's cells, and all of them once, in the order of their tiles in the sprite."""

    of_arm: Mapping[str, Mapping[Cell, Sequence[Example]]]
    tiles: tuple[int, ...]
    sprite: Sprite | None


def images_or_reason(study: Study, results: Results) -> tuple[CellImages | None, str]:
    """Return the images behind the cells, or None and why: the matrices can be shown without them."""
    try:
        return choose_images(results, study.splits.test.to("cpu")), ""
    except WhichnormError as error:
        return None, str(error)


def choose_images(results: Results, test: ImageSet) -> CellImages:
    """Choose at most eight images of each cell, the most confident first, until the page has no room for another.

    An image that several arms have in their cells takes room once. Every cell's first image goes before any second;
    the rest of the room goes to the cells by their number of mistakes.
    """
    ranked = {arm: _ranked(results, test, arm) for arm in results.arm_names if results.finished(arm)}
    of_arm: dict[str, dict[Cell, list[Example]]] = {arm: {cell: [] for cell in cells} for arm, cells in ranked.items()}
    tiles: dict[int, None] = {}
    most = MAX_PIXELS // int(np.prod(tile_size(test.images.shape, MAX_SIDE)))
    for place, arm, cell in _by_need(ranked, len(results.class_names)):
        example = ranked[arm][cell][place]
        if example.index in tiles or len(tiles) < most:
            tiles[example.index] = None
            of_arm[arm][cell].append(example)
    sprite = make_sprite([test.images[index].numpy() for index in tiles], MAX_SIDE) if tiles else None
    return CellImages(of_arm=of_arm, tiles=tuple(tiles), sprite=sprite)


def _ranked(results: Results, test: ImageSet, arm: str) -> dict[Cell, list[Example]]:
    """Return the images of an arm's cells over its finished seeds, each once, the most confident first."""
    labels = test.labels.tolist()
    best: dict[tuple[Cell, int], Example] = {}
    for run in results.finished(arm):
        for index, rest in enumerate(zip(labels, run.test_predictions, run.test_confidences, strict=True)):
            label, prediction, confidence = rest
            key = (label, prediction), index
            if key not in best or best[key].confidence < confidence:
                best[key] = Example(index=index, confidence=confidence, seed=run.seed)
    cells: dict[Cell, list[Example]] = {}
    for (cell, _), example in sorted(best.items(), key=lambda item: (-item[1].confidence, item[1].index)):
        cells.setdefault(cell, []).append(example)
    return cells


def _by_need(ranked: Mapping[str, Mapping[Cell, Sequence[Example]]], num_classes: int) -> list[tuple[int, str, Cell]]:
    """Return (place, arm, cell) of every candidate, the most needed first.

    Seats are given as in d'Hondt's method. Right predictions are many and all alike: their cells count like an
    average mistake of their class.
    """
    sizes: dict[Cell, float] = {}
    for cells in ranked.values():
        for cell, examples in cells.items():
            sizes[cell] = sizes.get(cell, 0) + len(examples)
    for label in range(num_classes):
        mistakes = [size for (true, predicted), size in sizes.items() if true == label != predicted]
        if (label, label) in sizes:
            sizes[label, label] = sum(mistakes) / max(1, num_classes - 1)
    needs = [
        (place > 0, -sizes[cell] / (place + 1), cell, place, order, arm)
        for order, (arm, cells) in enumerate(ranked.items())
        for cell, examples in cells.items()
        for place in range(min(MAX_PER_CELL, len(examples)))
    ]
    return [(place, arm, cell) for _, _, cell, place, _, arm in sorted(needs)]
