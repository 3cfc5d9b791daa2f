"""The report's pictures: each figure with its file name, caption, and an alternative text with its numbers."""

from collections.abc import Iterator

from whichnorm.data.dataset import ImageSet
from whichnorm.report.pictures.confusion import confusion_picture
from whichnorm.report.pictures.curves import arm_curves_picture
from whichnorm.report.pictures.mistakes import mistakes_picture
from whichnorm.report.pictures.picture import Picture
from whichnorm.results import Results


def arm_pictures(results: Results, test: ImageSet, arm: str) -> Iterator[Picture]:
    """Yield an arm's curves, and of an arm with a finished run its mistakes and confusions."""
    curves = arm_curves_picture(results, arm)
    if curves:
        yield curves
    if results.finished(arm):
        mistakes = mistakes_picture(results, test, arm)
        if mistakes:
            yield mistakes
        yield confusion_picture(results, test, arm)
