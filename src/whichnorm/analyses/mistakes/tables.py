"""Tables of mistakes: of each arm, in common and alone, and of doubted labels."""

from collections.abc import Iterable

from whichnorm.analyses.mistakes.measure import NUM_SHOWN, Mistake, MistakesFound, SharedImages
from whichnorm.render import text
from whichnorm.render.table import Table, cells
from whichnorm.specs.names import arm_title

BY_INDEX = "by index in the test split, from 0"


def shared_mistakes_table(found: MistakesFound) -> Table | None:
    """How many images all arms miss, and each arm alone; None if fewer than two arms have a finished run."""
    if not found.missed_by_all:
        return None
    alone = ((f"only {arm_title(arm)}", shared) for arm, shared in found.missed_only_by.items())
    return Table(
        caption="Test images that all finished runs of the named arms misclassify and, for one arm only, no run of the "
        "others; and how many would be if the arms' mistakes were independent of each other.",
        headings=("Missed by", "Images", "Share", "Expected if independent"),
        rows=tuple(
            cells(name, f"{shared.number:,}", text.percent(shared.number / found.num_test_images),
                  text.expected(shared.expected))
            for name, shared in (("every arm", found.missed_by_all), *alone)
        ),
    )  # fmt: skip


def mistakes_table(arm: str, shown: Iterable[Mistake]) -> Table:
    """The pictured mistakes of an arm as text."""
    return _mistakes_table(arm_title(arm), shown)


def _mistakes_table(whose: str, shown: Iterable[Mistake]) -> Table:
    return Table(
        caption=f"{whose}: the pictured mistakes, {BY_INDEX}.",
        headings=("Test image", "True class", "Predicted class", "Confidence"),
        rows=tuple(
            cells(str(m.index), text.printable(m.true_class), text.printable(m.predicted_class),
                  text.percent(m.confidence))
            for m in shown
        ),
        numeric_from=3,
    )  # fmt: skip


def missed_by_all_table(shared: SharedImages) -> Table:
    """The pictured images that every arm misses, one at least, with what each arm says."""
    return Table(
        caption=f"Missed by every arm: the pictured images with each arm's class and confidence, {BY_INDEX}.",
        headings=("Test image", "True class", *map(arm_title, shared.shown[0].answers)),
        rows=tuple(
            cells(
                str(image.index), text.printable(image.true_class),
                *(f"{text.printable(m.predicted_class)}, {text.percent(m.confidence)}" for m in image.answers.values()),
            )
            for image in shared.shown
        ),
        numeric_from=2 + len(shared.shown[0].answers),
    )  # fmt: skip


def missed_only_table(arm: str, shared: SharedImages) -> Table:
    """The pictured images that one arm alone misses."""
    return _mistakes_table(f"Missed only by {arm_title(arm)}", (image.mistake_of(arm) for image in shared.shown))


def label_issues_table(found: MistakesFound) -> Table:
    """The labels that the networks doubt among the images that every arm misses, as many as are pictured."""
    return Table(
        caption=f"Labels that the networks doubt among the images that every arm misses, {BY_INDEX}, with the mean "
        "softmax of all finished runs; only a look can tell.",
        headings=("Test image", "Label", "Softmax of the label", "The networks' class", "Its softmax"),
        rows=tuple(
            cells(str(doubt.index), text.printable(doubt.labelled_class), text.percent(doubt.labelled_softmax),
                  text.printable(doubt.network_class), text.percent(doubt.network_softmax))
            for doubt in (found.label_candidates or ())[:NUM_SHOWN]
        ),
        numeric_from=5,
    )  # fmt: skip
