"""Pictures of the test images that every arm misses, of those that one arm alone misses, and of doubtful labels."""

from collections.abc import Sequence

from whichnorm.analyses.arms import label
from whichnorm.analyses.mistakes.figures import mistake_grid
from whichnorm.analyses.mistakes.label_issues import LabelIssues
from whichnorm.analyses.mistakes.pictures import NUM_MISTAKES, mistake_note
from whichnorm.analyses.mistakes.shared import Share, SharedMistakes, shared_mistakes
from whichnorm.data.dataset import ImageSet
from whichnorm.render import text
from whichnorm.render.images import Pixels
from whichnorm.render.picture import Picture
from whichnorm.results.results import Results
from whichnorm.results.verdict import listed
from whichnorm.specs.arm import file_stem

LINE = 24  # characters that fit above an image


def shared_pictures(
    results: Results, test: ImageSet, arms: Sequence[str] | None = None, issues: LabelIssues | None = None,
    note: str = "",
) -> list[Picture]:  # fmt: skip
    """Return what arms, by default all, miss together and alone; those of two arms or more with a finished run.

    `issues` are cleanlab's candidates; without them `note` says why, in the caption of the first picture.
    """
    found = shared_mistakes(results, test.labels.tolist(), arms or results.arm_names)
    if len(found.arms) < 2:
        return []
    pictures = [
        missed_by_all_picture(results, test, found, issues, note),
        label_issues_picture(results, test, found, issues) if issues else None,
        *(only_missed_picture(results, test, found, arm) for arm in found.arms),
    ]
    return [picture for picture in pictures if picture]


def missed_by_all_picture(
    results: Results, test: ImageSet, found: SharedMistakes, issues: LabelIssues | None = None, note: str = ""
) -> Picture | None:
    """Return the images that every arm misses with most confidence, or None where there is no such image."""
    if not len(found.by_all):
        return None
    shown = found.surest(found.by_all, found.arms, NUM_MISTAKES)
    doubted = set(issues.among(found.by_all)) if issues else set()
    names, share = results.class_names, found.share_by_all()
    num_runs = sum(map(len, found.runs))
    return Picture(
        name="missed_by_all",
        figure=mistake_grid(
            "Missed by every arm",
            _pixels(test, shown),
            [_answers_note(found, image, names, image in doubted) for image in shown],
        ),
        alt=f"Test images that every arm misses: {'; '.join(_answers_text(found, image, names) for image in shown)}.",
        caption=f"{_share_text(share, len(test))} missed by every arm, that is misclassified by each of the {num_runs} "
        f"finished runs of {listed(found.arms)}; {_expected_text(share)} {_which(len(shown), share.number)} "
        f"Confidence is the softmax of the predicted class{_several_runs(found)}."
        f"{_doubts_text(len(doubted), share.number) if issues else _sentence(note)}",
        embed="png",
    )


def _doubts_text(doubted: int, number: int) -> str:
    return (
        f" A question mark follows a true class that cleanlab doubts: {doubted:,} of these {number:,} images are "
        "candidates for a wrong label. They may as well be hard images with a right label: only a look can tell."
    )


def _sentence(note: str) -> str:
    return f" {note[0].upper()}{note[1:]}." if note else ""


def only_missed_picture(results: Results, test: ImageSet, found: SharedMistakes, arm: str) -> Picture | None:
    """Return the images that one arm alone misses, those it is surest of, or None where there is no such image."""
    indices, share = found.only_by(arm), found.share_only_by(arm)
    if not len(indices):
        return None
    shown, names = found.surest(indices, [arm], NUM_MISTAKES), results.class_names
    answers = [found.answer(arm, image) for image in shown]
    labels = found.labels[shown].tolist()
    notes = [
        mistake_note(names, true, said.prediction, said.confidence) for true, said in zip(labels, answers, strict=True)
    ]
    alt = "; ".join(
        f"{text.taken_for(names, true, said.prediction)}, {text.percent(said.confidence)}"
        for true, said in zip(labels, answers, strict=True)
    )
    return Picture(
        name=f"missed_only_by_{file_stem(arm)}",
        figure=mistake_grid(f"Missed by {label(arm)} only", _pixels(test, shown), notes),
        alt=f"Test images that only {label(arm)} misses: {alt}.",
        caption=f"{_share_text(share, len(test))} missed by {arm} only, that is misclassified by every finished run of "
        f"{arm} and by none of {listed([other for other in found.arms if other != arm])}; {_expected_text(share)} "
        f"{_which(len(shown), share.number)} Confidence is the softmax of the predicted class{_several_runs(found)}.",
        embed="png",
    )


def label_issues_picture(
    results: Results, test: ImageSet, found: SharedMistakes, issues: LabelIssues
) -> Picture | None:
    """Return the likely wrong labels among the images that every arm misses, or None where there are none."""
    doubted = issues.among(found.by_all)
    if not doubted:
        return None
    shown, names = doubted[:NUM_MISTAKES], results.class_names
    labels, softmax = found.labels[shown].tolist(), issues.probabilities[shown]
    rows = list(zip(labels, softmax.argmax(axis=1).tolist(), softmax, strict=True))
    notes = [
        f"label: {text.shorten(names[true], LINE - len('label:  (0.00 %)'))} ({text.percent(p[true])})\n"
        f"networks: {text.shorten(names[top], LINE - len('networks:  (100 %)'))} ({100 * p[top]:.0f} %)"
        for true, top, p in rows
    ]
    alt = "; ".join(
        f"labelled {text.printable(names[true])}, mean softmax {text.percent(p[true])}; "
        f"the networks say {text.printable(names[top])}, {text.percent(p[top])}"
        for true, top, p in rows
    )
    return Picture(
        name="label_issues",
        figure=mistake_grid("Likely wrong labels: candidates", _pixels(test, shown), notes),
        alt=f"Test images whose label may be wrong: {alt}.",
        caption=f"Confident learning (cleanlab) doubts {text.count(len(issues.indices), 'label')} of {len(test):,}, by "
        "the mean softmax of all finished runs, which were not trained on these images; "
        f"{'all' if len(doubted) == len(issues.indices) else f'{len(doubted):,}'} of them on images that every arm "
        f"misses. {_which(len(shown), len(doubted), 'least probable label')} They are candidates: each may as well be "
        "a hard image with a right label, and only a look can tell. Nothing was relabelled.",
        embed="png",
    )


def _pixels(test: ImageSet, shown: Sequence[int]) -> list[Pixels]:
    return [test.images[index].cpu().numpy() for index in shown]


def _answers_note(found: SharedMistakes, image: int, names: Sequence[str], doubted: bool) -> str:
    lines = [f"true: {text.shorten(names[found.labels[image]], 16)}{' ?' if doubted else ''}"]
    for arm in found.arms:
        said, short = found.answer(arm, image), text.shorten(arm, 11)
        name = text.shorten(names[said.prediction], LINE - len(short) - len(": 100 %"))
        lines.append(f"{short}: {name} {100 * said.confidence:.0f} %")
    return "\n".join(lines)


def _answers_text(found: SharedMistakes, image: int, names: Sequence[str]) -> str:
    answers = [(arm, found.answer(arm, image)) for arm in found.arms]
    said = ", ".join(f"{arm} {text.printable(names[a.prediction])} {text.percent(a.confidence)}" for arm, a in answers)
    return f"{text.printable(names[found.labels[image]])} taken by {said}"


def _share_text(share: Share, total: int) -> str:
    verb = "is" if share.number == 1 else "are"
    return f"{share.number:,} of {text.count(total, 'test image')} ({text.percent(share.number / total)}) {verb}"


def _expected_text(share: Share) -> str:
    return f"{text.expected(share.expected)} would be if the arms' mistakes were independent of each other."


def _which(shown: int, number: int, order: str = "highest confidence") -> str:
    if shown == number:
        return f"All of them, the {order} first."
    return f"Shown are the {shown} with the {order}."


def _several_runs(found: SharedMistakes) -> str:
    if all(len(runs) == 1 for runs in found.runs):
        return ""
    return "; of several runs, the class that most of them predict and their mean"
