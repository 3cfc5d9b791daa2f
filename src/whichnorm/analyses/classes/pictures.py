"""Picture of the accuracy per class."""

from collections.abc import Sequence

from whichnorm.analyses import wording
from whichnorm.analyses.arms import drawn
from whichnorm.analyses.classes import figures
from whichnorm.analyses.classes.measure import ArmClasses, ClassesFound
from whichnorm.analyses.classes.tables import classes_table
from whichnorm.render.picture import Picture
from whichnorm.render.table import alt_text
from whichnorm.results.results import Results
from whichnorm.stats import Interval

MAX_CLASSES = 30  # in the picture; the table has all


def classes_picture(found: ClassesFound, results: Results) -> Picture:
    """Return the accuracy per class of all arms."""
    shown = found.by_difficulty[:MAX_CLASSES]
    series = [drawn(results, arm, _present(of_arm, shown)) for arm, of_arm in found.arms.items()]
    lead = "Test accuracy per class with 95 % intervals, the hardest class first."
    return Picture(
        name="class_accuracy",
        figure=figures.class_forest([found.class_names[label] for label in shown], series),
        alt=alt_text(lead, classes_table(found, shown)),
        caption=_caption(found),
        method=_method(found),
    )


def _caption(found: ClassesFound) -> str:
    there, total = len(found.by_difficulty), len(found.class_names)
    sentences = ["Classes by mean accuracy over the arms, the hardest first, with 95 % intervals."]
    if there > MAX_CLASSES:
        sentences.append(f"Only the {MAX_CLASSES} hardest of {there} classes are drawn.")
    if there < total:
        sentences.append(
            f"{total - there} of {total} classes {'has' if total - there == 1 else 'have'} no test images."
        )
    return " ".join(sentences)


def _method(found: ClassesFound) -> str:
    intervals = wording.class_intervals([len(arm.seeds) for arm in found.arms.values()])
    if not found.differences:
        return intervals
    return (
        f"{intervals} Arms are compared on each class by a paired test over seeds and the class's test images, as in "
        f"the verdict, with Holm's correction for all {len(found.differences):,} comparisons of two arms on a class."
    )


def _present(arm: ArmClasses, shown: Sequence[int]) -> Sequence[Interval]:
    return [interval for label in shown if (interval := arm.accuracy[label])]
