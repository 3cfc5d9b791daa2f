"""The section of the accuracy per class."""

from collections import Counter
from collections.abc import Iterator

import numpy as np

from whichnorm.analyses.classes.measure import ClassesFound
from whichnorm.analyses.classes.pictures import classes_picture
from whichnorm.analyses.classes.tables import best_table, classes_table
from whichnorm.render import text
from whichnorm.render.content import Folded, Section
from whichnorm.render.table import filled
from whichnorm.results.results import Results
from whichnorm.specs.names import enclosed

LONGEST_NAME = 40  # of a class in a title


def section(found: ClassesFound, results: Results) -> Section:
    """Show the accuracy on every class, and on which of them one arm is best."""
    return Section(
        title=classes_title(found),
        sentences=tuple(_sentences(found)),
        pictures=(classes_picture(found, results),),
        folded=(Folded(summary="As tables", tables=filled(best_table(found), classes_table(found))),),
    )


def classes_title(found: ClassesFound) -> str:
    """Say which arm is best on most classes if tests support it, or else from where to where accuracies go."""
    if found.best:
        numbers = Counter(one.arm for one in found.best)
        most = max(numbers.values())
        arms = [arm for arm, number in numbers.items() if number == most]
        on = f"on {most} of {len(found.by_difficulty)} classes"
        return f"{enclosed(arms)} {'is' if len(arms) == 1 else 'are each'} best {on}"
    ends = dict.fromkeys((found.by_difficulty[0], found.by_difficulty[-1]))
    said = [
        f"{text.percent(_mean(found, label))} on class {text.shorten(found.class_names[label], LONGEST_NAME)}"
        for label in ends
    ]
    return f"Accuracy runs from {' to '.join(said)}" if len(said) == 2 else f"Accuracy is {said[0]}"


def _mean(found: ClassesFound, label: int) -> float:
    return float(np.mean([interval.estimate for arm in found.arms.values() if (interval := arm.accuracy[label])]))


def _sentences(found: ClassesFound) -> Iterator[str]:
    if len(found.arms) > 1 and not found.differences:
        yield "Arms without two seeds in common support no conclusion about which of them is better on a class."
    elif len(found.arms) > 1 and not found.best:
        yield "No arm is distinguished from all others on any class."
