"""Pictures of misclassified test images."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from matplotlib.figure import Figure

from whichnorm.analyses.mistakes.figures import LINE, mistake_grid
from whichnorm.analyses.mistakes.label_issues import LabelDoubt
from whichnorm.analyses.mistakes.measure import NUM_SHOWN, Mistake, MistakesFound, SharedImage, SharedImages
from whichnorm.analyses.mistakes.tables import (
    label_issues_table,
    missed_by_all_table,
    missed_only_table,
    mistakes_table,
)
from whichnorm.render import text
from whichnorm.render.picture import Picture
from whichnorm.render.table import alt_text
from whichnorm.specs.arm import file_stem
from whichnorm.specs.names import arm_title, enclosed, named

Shown = TypeVar("Shown", Mistake, SharedImage, LabelDoubt)
CONFIDENCE = "Confidence is the softmax of the predicted class"


def mistakes_pictures(found: MistakesFound) -> Iterator[Picture]:
    """Yield what every arm misses, doubted labels among it, what one arm alone misses, and each arm's mistakes."""
    if found.missed_by_all and found.missed_by_all.number:
        yield missed_by_all_picture(found, found.missed_by_all)
    if found.label_candidates:
        yield label_issues_picture(found, found.label_candidates)
    yield from (only_missed_picture(found, arm) for arm, shared in found.missed_only_by.items() if shared.number)
    yield from (mistakes_picture(found, arm) for arm, of_arm in found.arms.items() if of_arm.wrong)


def mistakes_picture(found: MistakesFound, arm: str) -> Picture:
    """Return the most confident mistakes of an arm's first seed."""
    of_arm = found.arms[arm]
    which = "All of them" if len(of_arm.shown) == of_arm.wrong else f"The {len(of_arm.shown)} with the most confidence"
    return Picture(
        name=f"{file_stem(arm)}_mistakes",
        figure=_grid(found, f"{arm_title(arm)}: most confident mistakes", of_arm.shown, _note),
        alt=alt_text(f"Misclassified test images of {arm_title(arm)} by index.", mistakes_table(arm, of_arm.shown)),
        caption=f"{text.count(of_arm.wrong, 'test image')} of {found.num_test_images:,} misclassified at seed "
        f"{of_arm.seed}. {which}, in falling order.",
        method=f"{CONFIDENCE}.",
        embed="png",
    )


def missed_by_all_picture(found: MistakesFound, shared: SharedImages) -> Picture:
    """Return the images that every arm misses with most confidence."""
    doubted = {doubt.index for doubt in found.label_candidates or ()}
    num_runs = sum(of_arm.runs for of_arm in found.arms.values())
    marks = " A question mark follows a doubted label." if any(m.index in doubted for m in shared.shown) else ""
    return Picture(
        name="missed_by_all",
        figure=_grid(found, "Missed by every arm", shared.shown, lambda m: _answers_note(m, m.index in doubted)),
        alt=alt_text("Test images that every arm misses, by index.", missed_by_all_table(shared)),
        caption=f"{_share(found, shared)} missed by every arm; {_expected(shared)} {_which(shared)}{marks}",
        method=f"Every arm misses an image if each of the {num_runs} finished runs of {enclosed(list(found.arms))} "
        f"misclassifies it. {CONFIDENCE}{_several_runs(found)}.{_doubts_text(found, shared)}",
        embed="png",
    )


def _doubts_text(found: MistakesFound, shared: SharedImages) -> str:
    if found.label_candidates is None:
        return ""
    return (
        f" cleanlab doubts the labels of {len(found.label_candidates):,} of these {shared.number:,} images. They may "
        "as well be hard images with a right label: only a look can tell."
    )


def only_missed_picture(found: MistakesFound, arm: str) -> Picture:
    """Return the images that one arm alone misses, those it is surest of."""
    shared, others = found.missed_only_by[arm], [other for other in found.arms if other != arm]
    mistakes = [image.mistake_of(arm) for image in shared.shown]
    return Picture(
        name=f"missed_only_by_{file_stem(arm)}",
        figure=_grid(found, f"Missed only by {arm_title(arm)}", mistakes, _note),
        alt=alt_text(f"Test images that only {enclosed([arm])} misses, by index.", missed_only_table(arm, shared)),
        caption=f"{_share(found, shared)} missed only by {arm_title(arm)}; {_expected(shared)} {_which(shared)}",
        method=f"That is misclassified by every finished run of {enclosed([arm])} and by none of {named(others)}. "
        f"{CONFIDENCE}{_several_runs(found)}.",
        embed="png",
    )


def label_issues_picture(found: MistakesFound, candidates: Sequence[LabelDoubt]) -> Picture:
    """Return the labels that the networks doubt among the images that every arm misses."""
    shown, doubted = candidates[:NUM_SHOWN], found.doubted_labels or 0
    which = "All of them" if len(shown) == len(candidates) else f"The {len(shown)} with the least probable label"
    return Picture(
        name="label_issues",
        figure=_grid(found, "Labels that these networks doubt", shown, _doubt_note),
        alt=alt_text("Test images whose label the networks doubt, by index.", label_issues_table(found)),
        caption=f"cleanlab doubts {text.count(doubted, 'label')} of {found.num_test_images:,}, {len(candidates):,} of "
        f"them on images that every arm misses. {which}. They may be hard images with a right label: only a look can "
        "tell.",
        method="Confident learning (cleanlab) on the mean softmax of all finished runs, which were not trained on "
        "these images. Nothing was relabelled.",
        embed="png",
    )


def _doubt_note(doubt: LabelDoubt) -> str:
    label_text, network = text.percent(doubt.labelled_softmax), f"{100 * doubt.network_softmax:.0f} %"
    return (
        f"label: {text.shorten(doubt.labelled_class, LINE - len(f'label:  ({label_text})'))} ({label_text})\n"
        f"networks: {text.shorten(doubt.network_class, LINE - len(f'networks:  ({network})'))} ({network})"
    )


def _note(mistake: Mistake) -> str:
    """Write what stands above a misclassified image."""
    true, predicted = text.shorten(mistake.true_class, LINE - 6), text.shorten(mistake.predicted_class, LINE - 11)
    return f"true: {true}\npredicted: {predicted}\nconfidence: {text.percent(mistake.confidence)}"


def _answers_note(image: SharedImage, doubted: bool) -> str:
    lines = [f"true: {text.shorten(image.true_class, LINE - 8)}{' ?' if doubted else ''}"]
    for arm, said in image.answers.items():
        short, sure = text.shorten(arm, 9), f"{100 * said.confidence:.0f} %"
        lines.append(f"{short}: {text.shorten(said.predicted_class, LINE - len(f'{short}:  {sure}'))} {sure}")
    return "\n".join(lines)


def _grid(found: MistakesFound, title: str, shown: Sequence[Shown], note: Callable[[Shown], str]) -> Figure:
    return mistake_grid(title, [found.pixels[image.index] for image in shown], [note(image) for image in shown])


def _share(found: MistakesFound, shared: SharedImages) -> str:
    share, verb = text.percent(shared.number / found.num_test_images), "is" if shared.number == 1 else "are"
    return f"{shared.number:,} of {text.count(found.num_test_images, 'test image')} ({share}) {verb}"


def _expected(shared: SharedImages) -> str:
    return f"{text.expected(shared.expected)} would be if arms erred independently."


def _which(shared: SharedImages) -> str:
    if len(shared.shown) == shared.number:
        return "All of them, the highest confidence first."
    return f"Shown are the {len(shared.shown)} with the highest confidence."


def _several_runs(found: MistakesFound) -> str:
    if all(of_arm.runs == 1 for of_arm in found.arms.values()):
        return ""
    return "; of several runs, the class that most of them predict and their mean"
