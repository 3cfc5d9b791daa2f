"""What the arms got wrong: the most confident mistakes of each, those of all arms, those of one arm only."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from whichnorm.analyses.mistakes import MistakesOptions
from whichnorm.analyses.mistakes.label_issues import LabelDoubt, LabelDoubts, doubts_or_reason
from whichnorm.analyses.mistakes.shared import WhoMisses, expected_if_independent, who_misses
from whichnorm.errors import StudyError
from whichnorm.render.images import Pixels
from whichnorm.results.results import Results
from whichnorm.specs.codec import NOT_ENCODED
from whichnorm.specs.names import enclosed
from whichnorm.study.study import Study

NUM_SHOWN = 10  # images in a picture: the usual grid of 5 x 2


@dataclass(frozen=True, kw_only=True)
class Mistake:
    """A misclassified test image: its index in the test split, its class, the predicted class and its softmax."""

    index: int
    true_class: str
    predicted_class: str
    confidence: float


@dataclass(frozen=True, kw_only=True)
class ArmMistakes:
    """An arm's mistakes: images that all its runs miss, and the surest of the `wrong` ones of its first seed."""

    runs: int
    missed: int
    seed: int
    wrong: int
    shown: tuple[Mistake, ...]


@dataclass(frozen=True, kw_only=True)
class Said:
    """What an arm says of an image: the class that most of its runs predict, and their mean softmax of it."""

    predicted_class: str
    confidence: float


@dataclass(frozen=True, kw_only=True)
class SharedImage:
    """A test image that arms miss, with what each of them says."""

    index: int
    true_class: str
    answers: Mapping[str, Said]

    def mistake_of(self, arm: str) -> Mistake:
        said = self.answers[arm]
        return Mistake(
            index=self.index, true_class=self.true_class, predicted_class=said.predicted_class,
            confidence=said.confidence,
        )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class SharedImages:
    """Test images that all arms miss, or one alone; how many would be if arms erred independently; the surest ones."""

    number: int
    expected: float
    images: tuple[int, ...]
    shown: tuple[SharedImage, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class MistakesFound:
    """Mistakes of every arm with a finished run, and what two or more of them share.

    `label_candidates`, whose labels the networks doubt, are among the images that every arm misses; `doubted_labels`
    counts those of the whole test split. Both are None if they were not looked for, and `labels_reason` says why, or is
    empty if nobody asked.
    """

    class_names: tuple[str, ...]
    num_test_images: int
    arms: Mapping[str, ArmMistakes]
    missed_by_all: SharedImages | None
    missed_only_by: Mapping[str, SharedImages]
    label_candidates: tuple[LabelDoubt, ...] | None
    doubted_labels: int | None
    labels_reason: str
    pixels: Mapping[int, Pixels] = field(default_factory=dict, metadata={NOT_ENCODED: True})  # (C, H, W) by index


def measure(study: Study, results: Results, options: MistakesOptions) -> MistakesFound:
    """Compare the mistakes of a study's arms, ask for doubted labels if they are wanted, and fetch the images."""
    labels = study.test_split.labels
    asked = options.labels and len(results.arms) > 1  # candidates are shown among the images that every arm misses
    doubts, reason = doubts_or_reason(study, results) if asked else (None, "")
    found = study_mistakes(results, labels, doubts, reason)
    test = study.splits.test.to("cpu")
    return replace(found, pixels={index: test.images[index].numpy() for index in sorted(shown_indices(found))})


def study_mistakes(
    results: Results, labels: Sequence[int], doubts: LabelDoubts | None = None, reason: str = ""
) -> MistakesFound:
    """Compare the mistakes of all arms; labels are (N,). A StudyError if no run finished."""
    if not results.arms:
        raise StudyError(f"no run of {enclosed(results.arm_names)} finished, so there are no mistakes to show")
    names, who = results.class_names, who_misses(results, labels)
    together = _shared(who, who.together(), tuple(who.runs), labels, names) if len(who.runs) > 1 else None
    alone = {arm: _shared(who, who.alone(arm), (arm,), labels, names) for arm in who.runs if together}
    missed = set(together.images) if together else set()
    return MistakesFound(
        class_names=names,
        num_test_images=len(labels),
        arms={arm: _arm_mistakes(who, arm, labels, names) for arm in who.runs},
        missed_by_all=together,
        missed_only_by=alone,
        label_candidates=tuple(doubt for doubt in doubts.doubts if doubt.index in missed) if doubts else None,
        doubted_labels=len(doubts.doubts) if doubts else None,
        labels_reason=reason,
    )


def _arm_mistakes(who: WhoMisses, arm: str, labels: Sequence[int], names: Sequence[str]) -> ArmMistakes:
    """Describe an arm's mistakes; those to show are its first finished seed's."""
    first = who.runs[arm][0]
    wrong = list(mistakes(first.test_predictions, first.test_confidences, labels, names))
    return ArmMistakes(
        runs=len(who.runs[arm]),
        missed=int(who.missed[arm].sum()),
        seed=first.seed,
        wrong=len(wrong),
        shown=tuple(most_confident(wrong)),
    )


def mistakes(
    predictions: Sequence[int], confidences: Sequence[float], labels: Sequence[int], names: Sequence[str]
) -> Iterator[Mistake]:
    """Yield the mistakes of a run in the order of the split."""
    for index, (label, prediction, confidence) in enumerate(zip(labels, predictions, confidences, strict=True)):
        if label != prediction:
            yield Mistake(
                index=index, true_class=names[label], predicted_class=names[prediction], confidence=confidence
            )


def most_confident(wrong: Sequence[Mistake], limit: int = NUM_SHOWN) -> list[Mistake]:
    """Return the mistakes made with the highest confidence, at most `limit`; equal ones by index."""
    return sorted(wrong, key=lambda mistake: (-mistake.confidence, mistake.index))[:limit]


def _shared(
    who: WhoMisses, conditions: NDArray[np.bool_], arms: Sequence[str], labels: Sequence[int], names: Sequence[str]
) -> SharedImages:
    """Describe the images that meet all conditions (num_arms, N), with what `arms` say of the surest ones."""
    images = np.flatnonzero(conditions.all(axis=0))
    return SharedImages(
        number=len(images),
        expected=expected_if_independent(conditions),
        images=tuple(images.tolist()),
        shown=tuple(_image(who, index, arms, names[labels[index]], names)
                    for index in who.surest(images, arms, NUM_SHOWN)),
    )  # fmt: skip


def _image(who: WhoMisses, index: int, arms: Sequence[str], true_class: str, names: Sequence[str]) -> SharedImage:
    answers = {
        arm: Said(predicted_class=names[prediction], confidence=confidence)
        for arm in arms
        for prediction, confidence in [who.answer(arm, index)]
    }
    return SharedImage(index=index, true_class=true_class, answers=answers)


def shown_indices(found: MistakesFound) -> set[int]:
    """Return the indices of all images that the pictures show."""
    of_arms = {mistake.index for arm in found.arms.values() for mistake in arm.shown}
    shared = [found.missed_by_all, *found.missed_only_by.values()]
    of_shared = {image.index for group in shared if group for image in group.shown}
    return of_arms | of_shared | {doubt.index for doubt in (found.label_candidates or ())[:NUM_SHOWN]}
