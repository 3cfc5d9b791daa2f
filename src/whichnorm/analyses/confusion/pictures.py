"""Pictures of who was taken for whom."""

import numpy as np

from whichnorm.analyses.confusion import figures
from whichnorm.analyses.confusion.cells import CellImages
from whichnorm.analyses.confusion.measure import ArmConfusion, ConfusionDifference, ConfusionFound
from whichnorm.analyses.confusion.tables import confusions_table, difference_table
from whichnorm.render import text
from whichnorm.render.picture import Picture, Widget
from whichnorm.render.table import alt_text
from whichnorm.specs.arm import file_stem
from whichnorm.specs.names import arm_title, difference_title, enclosed


def confusion_picture(found: ConfusionFound, arm: str) -> Picture:
    """Return an arm's confusion matrix, summed over its finished seeds; its widget shows the images of its cells."""
    of_arm = found.arms[arm]
    counts, title = of_arm.counts, f"{arm_title(arm)}: confusion matrix"
    cells = (
        "Empty cells hold none"
        if figures.counts_fit(counts, found.class_names)
        else "The cells are too small for counts"
    )
    lead = f"Confusion matrix of {arm_title(arm)}: {np.trace(counts):,} of {counts.sum():,} predictions are right."
    return Picture(
        name=f"{file_stem(arm)}_confusion",
        figure=figures.confusion(title, counts, found.class_names),
        alt=alt_text(f"{lead} Most frequent confusions,", confusions_table(arm, of_arm)),
        caption=f"Test images by true and predicted class, summed over {text.count(len(of_arm.seeds), 'seed')}. "
        f"{cells}; the colour is the share of the true class.",
        method="The scale of the colours is that of a square root, so that rare mistakes can be seen.",
        widget=_widget(title, arm, of_arm, found.images) if found.images else None,
    )


def _widget(title: str, arm: str, found: ArmConfusion, images: CellImages) -> Widget:
    tiles = {index: tile for tile, index in enumerate(images.tiles)}
    data = {
        "title": title,
        "counts": found.counts.tolist(),
        "seeds": list(found.seeds),
        "images": {
            f"{true},{predicted}": [[tiles[e.index], e.index, e.confidence, e.seed] for e in examples]
            for (true, predicted), examples in images.of_arm[arm].items()
        },
    }
    return Widget(kind="confusion", data=data)


def difference_picture(found: ConfusionFound, of_pair: ConfusionDifference) -> Picture:
    """Return the difference of two arms' confusion matrices, with the cells marked that differ beyond chance."""
    a, b, values = of_pair.a, of_pair.b, of_pair.difference
    marked, size = len(of_pair.marked), text.count(values.size, "cell")
    framed = f"Framed: {marked} of {size}, beyond chance" if marked else f"None of {size} differs beyond chance"
    small = "" if figures.differences_fit(values, found.class_names) else " The cells are too small for numbers."
    return Picture(
        name=f"difference_{file_stem(a)}_{file_stem(b)}",
        figure=figures.difference(
            f"{difference_title(a, b)}: confusion matrices", values, of_pair.beyond_chance, found.class_names, (a, b)
        ),
        alt=alt_text(
            f"Confusion matrix of {enclosed([a])} minus that of {arm_title(b)}. Cells beyond chance,",
            difference_table(of_pair),
        ),
        caption=f"How many more images {enclosed([a])} takes for a class than {arm_title(b)}. Blue: the first is "
        f"better (more on the diagonal, fewer elsewhere); orange: the second. {framed}.{small}",
        method=_method(of_pair),
    )


def _method(found: ConfusionDifference) -> str:
    num_seeds = len(found.seeds)
    means = f"Means over {text.count(num_seeds, 'seed')}, the same for both. " if num_seeds > 1 else ""
    test = "McNemar's" if num_seeds == 1 else "the signs of the images' differences, each summed over seeds"
    return (
        f"{means}Cells are tested by an exact paired test on the images of the true class ({test}), with 5 % for all "
        "cells of the two arms together by Holm's correction over those that could be called. The images are the "
        "units: the test speaks of these networks, not of the noise between seeds."
    )
