"""Pictures of misclassified test images."""

from collections.abc import Sequence

import numpy as np

from whichnorm.analyses.arms import label
from whichnorm.analyses.mistakes.figures import mistake_grid
from whichnorm.analyses.mistakes.measure import Mistake, choose_mistakes
from whichnorm.data.dataset import ImageSet
from whichnorm.render import text
from whichnorm.render.picture import Picture
from whichnorm.results.results import Results
from whichnorm.specs.arm import file_stem

NUM_MISTAKES = 10


def arm_mistakes(results: Results, test: ImageSet, arm: str) -> list[Mistake]:
    """Choose the mistakes of an arm's first finished seed."""
    first = results.finished(arm)[0]
    return choose_mistakes(first.test_predictions, first.test_confidences, test.labels.tolist(), limit=NUM_MISTAKES)


def mistakes_picture(results: Results, test: ImageSet, arm: str) -> Picture | None:
    """Return an arm's most confident mistakes, or None where its first seed made none."""
    mistakes = arm_mistakes(results, test, arm)
    if not mistakes:
        return None
    pixels = [test.images[m.index].cpu().numpy() for m in mistakes]
    names = results.class_names
    notes = [mistake_note(names, m.label, m.prediction, m.confidence) for m in mistakes]
    said = "; ".join(f"{text.taken_for(names, m.label, m.prediction)}, {text.percent(m.confidence)}" for m in mistakes)
    return Picture(
        name=f"{file_stem(arm)}_mistakes",
        figure=mistake_grid(f"{label(arm)}: most confident mistakes", pixels, notes),
        alt=f"Misclassified test images of {label(arm)}, true class, predicted class and confidence: {said}.",
        caption=_mistakes_caption(results, test, arm, len(mistakes)),
        embed="png",
    )


def mistake_note(names: Sequence[str], label: int, prediction: int, confidence: float) -> str:
    """Write what stands above a misclassified image."""
    true, predicted = text.shorten(names[label], 16), text.shorten(names[prediction], 13)
    return f"true: {true}\npredicted: {predicted}\nconfidence: {text.percent(confidence)}"


def _mistakes_caption(results: Results, test: ImageSet, arm: str, shown: int) -> str:
    first = results.finished(arm)[0]
    wrong = int(np.count_nonzero(np.asarray(first.test_predictions) != test.labels.cpu().numpy()))
    which = "All of them" if shown == wrong else f"The {shown} with the highest confidence"
    total = f"{text.count(wrong, 'test image')} of {len(test):,} misclassified at seed {first.seed}"
    return f"{total}. {which}, in falling order; confidence is the softmax of the predicted class."
