"""The report's pictures: each figure with its file name, caption, and an alternative text with its numbers."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from whichnorm.data.dataset import ImageSet
from whichnorm.record import RunRecord
from whichnorm.report import figures, text
from whichnorm.report.curves import Curve, accuracy_curve, drawn_runs, loss_curve
from whichnorm.report.mistakes import Mistake, choose_mistakes, confusion_counts, frequent_confusions
from whichnorm.results import ArmResult, Results, arm_title

NUM_MISTAKES = 10


@dataclass(frozen=True, kw_only=True, eq=False)
class Picture:
    """A figure and what is said about it; `embed` is the format that the page holds."""

    name: str
    figure: Figure
    alt: str
    caption: str
    embed: Literal["svg", "png"] = "svg"


def label(arm: str) -> str:
    """Return an arm's name with its text form, which the verdict uses: "BatchNorm (bn)"."""
    return f"{arm_title(arm)} ({arm})"


def style(results: Results, arm: str) -> figures.ArmStyle:
    return figures.arm_style(text.arm_names(results).index(arm))


def file_stem(arm: str) -> str:
    """Return an arm's name in files, like its records'."""
    return arm.replace(":", "-").replace("+", "_")


def forest_pictures(results: Results) -> dict[str, Picture]:
    """Return the pictures "accuracy" and "differences", where there is something to draw."""
    pictures = {}
    if results.arms:
        pictures["accuracy"] = _accuracy_picture(results)
    if results.comparisons:
        pictures["differences"] = _differences_picture(results)
    return pictures


def _accuracy_picture(results: Results) -> Picture:
    rows = [
        figures.AccuracyRow(
            label=label(arm.norm),
            style=style(results, arm.norm),
            mean=arm.test_accuracy.mean,
            ci95=arm.test_accuracy.ci95,
            values=arm.test_accuracy.values,
            note=text.accuracy(arm.test_accuracy),
        )
        for arm in results.arms
    ]
    alt = "; ".join(
        f"{label(a.norm)} {text.accuracy(a.test_accuracy)}, {text.num_seeds(len(a.seeds))}" for a in results.arms
    )
    seeds = any(len(arm.seeds) > 1 for arm in results.arms)
    dots = "Hollow dots are seeds; the" if seeds else "The"
    return Picture(
        name="test_accuracy",
        figure=figures.accuracy_forest(rows),
        alt=f"Test accuracy, mean and 95 % interval. {alt}.",
        caption=f"{dots} filled mark is the mean and the line its 95 % interval {_basis(results.arms)}.",
    )


def _basis(arms: Sequence[ArmResult]) -> str:
    bases = {"over test images (one seed)" if len(arm.seeds) == 1 else "over seeds" for arm in arms}
    return " or ".join(sorted(bases))


def _differences_picture(results: Results) -> Picture:
    rows = [
        figures.DifferenceRow(
            label=f"{c.a} − {c.b}",
            difference=c.difference,
            ci95=c.ci95,
            call=c.call,
            note=f"{text.points(c.difference)} {text.points_interval(c.ci95)}\n{text.outcome(c)}",
        )
        for c in results.comparisons
    ]
    alt = "; ".join(row.label + " " + row.note.replace("\n", ": ") for row in rows)
    return Picture(
        name="differences",
        figure=figures.difference_forest(rows),
        alt=f"Paired differences in test accuracy in percentage points, with 95 % intervals. {alt}.",
        caption="An interval that leaves out zero names the better arm; a hollow mark cannot tell.",
    )


def curve_pictures(results: Results) -> list[Picture]:
    """Return loss and accuracy of all arms over epochs; none where no run got through an epoch."""
    runs = {arm: drawn_runs(results, arm) for arm in text.arm_names(results)}
    runs = {arm: of_arm for arm, of_arm in runs.items() if of_arm}
    if not runs:
        return []
    split = results.curves_split
    losses = _lines(results, runs, lambda of_arm: loss_curve(of_arm, split))
    accuracies = _lines(results, runs, lambda of_arm: accuracy_curve(of_arm, split))
    name = figures.SPLIT_NAMES[split]
    caption = _bands([line.curve for line in losses]) + _split_caution(split)
    return [
        Picture(
            name="validation_loss",
            figure=figures.validation_loss(losses, split),
            alt=f"{name.capitalize()} loss over epochs. Last epoch: {_ends(losses, scale=1)}.",
            caption=f"{name.capitalize()} loss of all arms: cross-entropy per image in nats. {caption}",
        ),
        Picture(
            name="validation_accuracy",
            figure=figures.validation_accuracy(accuracies, split),
            alt=f"{name.capitalize()} accuracy over epochs. Last epoch: {_ends(accuracies, scale=100)}.",
            caption=f"{name.capitalize()} accuracy of all arms. {caption}",
        ),
    ]


def _lines(
    results: Results, runs: Mapping[str, Sequence[RunRecord]], estimate: Callable[[Sequence[RunRecord]], Curve]
) -> list[figures.Line]:
    return [
        figures.Line(label=_line_label(arm, of_arm), style=style(results, arm), curve=estimate(of_arm))
        for arm, of_arm in runs.items()
    ]


def _line_label(arm: str, runs: Sequence[RunRecord]) -> str:
    return label(arm) if runs[0].status == "finished" else f"{label(arm)}, {runs[0].status}"


def _split_caution(split: Literal["val", "test"]) -> str:
    return "" if split == "val" else " No validation split: these are the test set's curves."


def _bands(curves: Iterable[Curve]) -> str:
    """Say what the bands of curves are, each kind once."""
    meanings = {
        "none": "an arm with one seed has no band",
        "range": "the band spans the smallest and largest value",
        "interval": "the band is the 95 % t interval of the mean",
    }
    kinds = dict.fromkeys((c.band, c.num_seeds) for c in curves)
    if all(band == "none" for band, _ in kinds):
        return "One seed: a line without a band."
    said = [meanings[band] + (f" ({text.num_seeds(n)})" if n > 1 else "") for band, n in kinds]
    return f"Lines are means over seeds; {'; '.join(said)}."


def _ends(lines: Sequence[figures.Line], scale: float) -> str:
    return "; ".join(f"{line.label} {_end(line.curve, scale)}" for line in lines)


def _end(curve: Curve, scale: float) -> str:
    """Write a curve's last mean and band."""
    if np.isnan(curve.mean[-1]):
        return "not finite"
    unit = " %" if scale == 100 else ""
    digits = 2 if scale == 100 else 4
    end = f"{scale * curve.mean[-1]:.{digits}f}{unit}"
    if curve.band == "none":
        return end
    return f"{end} [{scale * curve.low[-1]:.{digits}f}, {scale * curve.high[-1]:.{digits}f}]"


def arm_curves_picture(results: Results, arm: str) -> Picture | None:
    """Return an arm's training and validation curves, or None where none of its runs got through an epoch."""
    runs = drawn_runs(results, arm)
    if not runs:
        return None
    split = results.curves_split
    loss = loss_curve(runs, "train"), loss_curve(runs, split)
    accuracy = accuracy_curve(runs, "train"), accuracy_curve(runs, split)
    name = figures.SPLIT_NAMES[split]
    numbers = (
        f"loss {_end(loss[0], 1)} in training and {_end(loss[1], 1)} in {name}; "
        f"accuracy {_end(accuracy[0], 100)} in training and {_end(accuracy[1], 100)} in {name}"
    )
    return Picture(
        name=f"{file_stem(arm)}_curves",
        figure=figures.arm_curves(_line_label(arm, runs), style(results, arm), split, loss, accuracy),
        alt=f"Training and {name} curves of {label(arm)}. Last epoch: {numbers}.",
        caption="Training figures are running means over an epoch's augmented images while the weights change, so "
        f"they can look worse than those of the {name} split. {_bands(loss)}{_split_caution(split)}",
    )


def arm_mistakes(results: Results, test: ImageSet, arm: str) -> list[Mistake]:
    """Choose the mistakes of an arm's first finished seed."""
    first = results.finished(arm)[0]
    return choose_mistakes(first.test_predictions, first.test_confidences, test.labels.tolist(), limit=NUM_MISTAKES)


def mistakes_picture(results: Results, test: ImageSet, arm: str) -> Picture | None:
    """Return an arm's most confident mistakes, or None where its first seed made none."""
    mistakes = arm_mistakes(results, test, arm)
    if not mistakes:
        return None
    images = [test.images[m.index].cpu().numpy() for m in mistakes]
    names = results.class_names
    notes = [
        f"true: {text.shorten(names[m.label], 16)}\npredicted: {text.shorten(names[m.prediction], 13)}\n"
        f"confidence: {text.percent(m.confidence)}"
        for m in mistakes
    ]
    said = "; ".join(f"{_taken_for(names, m.label, m.prediction)}, {text.percent(m.confidence)}" for m in mistakes)
    return Picture(
        name=f"{file_stem(arm)}_mistakes",
        figure=figures.mistake_grid(f"{label(arm)}: most confident mistakes", images, notes),
        alt=f"Misclassified test images of {label(arm)}, true class, predicted class and confidence: {said}.",
        caption=_mistakes_caption(results, test, arm, len(mistakes)),
        embed="png",
    )


def _mistakes_caption(results: Results, test: ImageSet, arm: str, shown: int) -> str:
    first = results.finished(arm)[0]
    wrong = int(np.count_nonzero(np.asarray(first.test_predictions) != test.labels.cpu().numpy()))
    which = "All of them" if shown == wrong else f"The {shown} with the highest confidence"
    total = f"{text.count(wrong, 'test image')} of {len(test):,} misclassified at seed {first.seed}"
    return f"{total}. {which}, in falling order; confidence is the softmax of the predicted class."


def confusion_of(results: Results, test: ImageSet, arm: str) -> NDArray[np.int64]:
    """Count an arm's confusions over all its finished seeds."""
    predictions = [r.test_predictions for r in results.finished(arm)]
    return confusion_counts(predictions, test.labels.tolist(), len(results.class_names))


def confusion_picture(results: Results, test: ImageSet, arm: str) -> Picture:
    """Return an arm's confusion matrix, summed over its finished seeds."""
    counts = confusion_of(results, test, arm)
    seeds = text.count(len(results.finished(arm)), "seed")
    cells = (
        "Cells hold counts, empty ones zero"
        if len(counts) <= figures.MOST_CLASSES_WITH_TEXT
        else "No counts: too many classes"
    )
    return Picture(
        name=f"{file_stem(arm)}_confusion",
        figure=figures.confusion(f"{label(arm)}: confusion matrix", counts, results.class_names),
        alt=f"Confusion matrix of {label(arm)}: {np.trace(counts):,} of {counts.sum():,} predictions are right. "
        f"Most frequent confusions: {_confusions_text(counts, results.class_names)}.",
        caption=f"Test images by true and predicted class, summed over {seeds}. {cells}; the colour is the share of "
        "the true class, on a square-root scale so that rare mistakes can be seen.",
    )


def _confusions_text(counts: NDArray[np.int64], names: Sequence[str]) -> str:
    found = [
        f"{_taken_for(names, true, predicted)}, {text.count(number, 'time')}"
        for true, predicted, number in frequent_confusions(counts)
    ]
    return "; ".join(found) or "none"


def _taken_for(names: Sequence[str], label: int, prediction: int) -> str:
    return f"{text.printable(names[label])} taken for {text.printable(names[prediction])}"


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
