"""Picture of the accuracy per class."""

from collections.abc import Sequence

from whichnorm.analyses import wording
from whichnorm.analyses.arms import label, style
from whichnorm.analyses.classes import figures as classes
from whichnorm.analyses.classes.measure import ArmClasses, by_difficulty, class_accuracies
from whichnorm.render import text
from whichnorm.render.picture import Picture
from whichnorm.results.results import Results
from whichnorm.stats import Interval

MOST_CLASSES = 30  # in the picture; the table has all


def classes_picture(results: Results, labels: Sequence[int]) -> Picture | None:
    """Return the accuracy per class of all arms, or None where no arm has a finished run."""
    found = class_accuracies(results, labels, results.arm_names)
    if not found:
        return None
    order = by_difficulty(found)
    shown = order[:MOST_CLASSES]
    series = [
        classes.Series(label=label(arm.arm), style=style(results, arm.arm), intervals=_present(arm, shown))
        for arm in found
    ]
    return Picture(
        name="class_accuracy",
        figure=classes.class_forest([results.class_names[k] for k in shown], series),
        alt=f"Test accuracy per class with 95 % intervals, the hardest class first. {_alt(results, found, shown)}.",
        caption=f"{_which(results, order)} {wording.class_intervals([len(arm.seeds) for arm in found])}",
    )


def _which(results: Results, order: Sequence[int]) -> str:
    absent = len(results.class_names) - len(order)
    sentences = ["Classes by mean accuracy over the arms, the hardest first."]
    if len(order) > MOST_CLASSES:
        sentences.append(f"Only the {MOST_CLASSES} hardest of {len(order)} classes are drawn.")
    if absent:
        sentences.append(f"{absent} of {len(results.class_names)} classes have no test images.")
    return " ".join(sentences)


def _present(arm: ArmClasses, shown: Sequence[int]) -> list[Interval]:
    return [interval for k in shown if (interval := arm.intervals[k])]


def _alt(results: Results, found: Sequence[ArmClasses], shown: Sequence[int]) -> str:
    return "; ".join(
        f"{text.printable(results.class_names[k])}: "
        + ", ".join(f"{arm.arm} {wording.estimate(interval)}" for arm in found if (interval := arm.intervals[k]))
        for k in shown
    )
