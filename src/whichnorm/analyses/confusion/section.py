"""The section of the confusion matrices."""

from collections.abc import Iterator

from whichnorm.analyses.confusion.measure import ConfusionDifference, ConfusionFound
from whichnorm.analyses.confusion.pictures import confusion_picture, difference_picture
from whichnorm.analyses.confusion.tables import confusions_table, difference_table
from whichnorm.render import text
from whichnorm.render.content import Folded, Section
from whichnorm.render.table import filled
from whichnorm.results.results import Results
from whichnorm.specs.names import difference_title, enclosed

LONGEST_NAME = 40  # of a class in a title


def section(found: ConfusionFound, results: Results) -> Section:
    """Show every arm's confusion matrix, and the differences of every two."""
    tables = filled(
        *(confusions_table(arm, of_arm) for arm, of_arm in found.arms.items()),
        *(difference_table(of_pair) for of_pair in found.differences),
    )
    return Section(
        title=confusion_title(found),
        sentences=tuple(_sentences(found)),
        pictures=(
            *(confusion_picture(found, arm) for arm in found.arms),
            *(difference_picture(found, of_pair) for of_pair in found.differences),
        ),
        folded=(Folded(summary="As tables", tables=tables),),
        wide=found.images is not None,  # whose panel stands beside the matrix
        sprite=found.images.sprite if found.images else None,
    )


def confusion_title(found: ConfusionFound) -> str:
    """Say in how many cells arms differ beyond chance; of a single arm, what it takes for what most often."""
    pairs = found.differences
    if not pairs:
        return _most_frequent(found)
    if len(pairs) == 1:
        return _one_pair(pairs[0])
    different = [pair for pair in pairs if pair.marked]
    if not different:
        return "No two arms differ beyond chance in which classes they confuse"
    if len(different) == 1:
        return f"{_one_pair(different[0])}; no other two arms do"
    if len(different) < len(pairs):
        return f"{len(different)} of {len(pairs)} pairs of arms differ beyond chance in which classes they confuse"
    numbers = sorted({len(pair.marked) for pair in pairs})
    how_many = f"{numbers[0]} to {numbers[-1]}" if len(numbers) > 1 else f"{numbers[0]} each"
    return f"All {len(pairs)} pairs of arms differ beyond chance, in {how_many} of {_cells(pairs[0])}"


def _one_pair(pair: ConfusionDifference) -> str:
    arms = enclosed([pair.a, pair.b])
    if not pair.marked:
        return f"{arms} differ in no cell beyond chance"
    return f"{arms} differ beyond chance in {len(pair.marked)} of {_cells(pair)}"


def _cells(pair: ConfusionDifference) -> str:
    return text.count(pair.difference.size, "cell")


def _most_frequent(found: ConfusionFound) -> str:
    first = next(iter(found.arms))
    if len(found.arms) > 1:
        return f"Confusion matrices of {len(found.arms)} arms without a seed in common"
    if not found.arms[first].frequent:
        return f"{enclosed([first])} takes no class for another"
    pair = found.arms[first].frequent[0]
    true, predicted = (text.shorten(name, LONGEST_NAME) for name in (pair.true_class, pair.predicted_class))
    return f"{enclosed([first])} takes {true} for {predicted} most often: {pair.count:,} of {pair.of:,} images"


def _sentences(found: ConfusionFound) -> Iterator[str]:
    equal = [difference_title(pair.a, pair.b) for pair in found.differences if not pair.marked]
    if equal:
        yield f"No cell differs beyond chance: {'; '.join(equal)}."
    if found.images_reason:
        yield f"The images behind the cells are not shown: {text.printable(found.images_reason)}"
