"""Pictures of loss and accuracy over epochs."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from whichnorm.analyses.arms import label, style
from whichnorm.analyses.curves import figures as lines
from whichnorm.analyses.curves.charts import accuracy_chart, charts, loss_chart
from whichnorm.analyses.curves.measure import Curve, accuracy_curve, drawn_runs, loss_curve
from whichnorm.render import text
from whichnorm.render.picture import Picture
from whichnorm.render.style import SPLIT_NAMES, ArmStyle
from whichnorm.results.results import Results
from whichnorm.specs.arm import file_stem
from whichnorm.training.record import RunRecord


def curve_pictures(results: Results, arms: Sequence[str] | None = None) -> list[Picture]:
    """Return loss and accuracy of arms, by default all, over epochs; none where no run got through an epoch."""
    runs = {arm: drawn_runs(results, arm) for arm in arms or results.arm_names}
    runs = {arm: of_arm for arm, of_arm in runs.items() if of_arm}
    if not runs:
        return []
    split = results.curves_split
    losses = _lines(results, runs, lambda of_arm: loss_curve(of_arm, split))
    accuracies = _lines(results, runs, lambda of_arm: accuracy_curve(of_arm, split))
    name = SPLIT_NAMES[split]
    caption = _bands([line.curve for line in losses]) + _split_caution(split)
    return [
        Picture(
            name="validation_loss",
            figure=lines.validation_loss(losses, split),
            alt=f"{name.capitalize()} loss over epochs. Last epoch: {_ends(losses, scale=1)}.",
            caption=f"{name.capitalize()} loss of all arms: cross-entropy per image in nats. {caption}",
            widget=charts([loss_chart(name.capitalize(), losses)]),
        ),
        Picture(
            name="validation_accuracy",
            figure=lines.validation_accuracy(accuracies, split),
            alt=f"{name.capitalize()} accuracy over epochs. Last epoch: {_ends(accuracies, scale=100)}.",
            caption=f"{name.capitalize()} accuracy of all arms. {caption}",
            widget=charts([accuracy_chart(name.capitalize(), accuracies)]),
        ),
    ]


def _lines(
    results: Results, runs: Mapping[str, Sequence[RunRecord]], estimate: Callable[[Sequence[RunRecord]], Curve]
) -> list[lines.Line]:
    return [
        lines.Line(label=_line_label(arm, of_arm), style=style(results, arm), curve=estimate(of_arm))
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


def _ends(drawn: Sequence[lines.Line], scale: float) -> str:
    return "; ".join(f"{line.label} {_end(line.curve, scale)}" for line in drawn)


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


def _named(looks: Iterable[tuple[str, ArmStyle]], curves: Iterable[Curve]) -> list[lines.Line]:
    return [
        lines.Line(label=label, style=style, curve=curve) for (label, style), curve in zip(looks, curves, strict=True)
    ]


def arm_curves_picture(results: Results, arm: str) -> Picture | None:
    """Return an arm's training and validation curves, or None where none of its runs got through an epoch."""
    runs = drawn_runs(results, arm)
    if not runs:
        return None
    split = results.curves_split
    loss = loss_curve(runs, "train"), loss_curve(runs, split)
    accuracy = accuracy_curve(runs, "train"), accuracy_curve(runs, split)
    name = SPLIT_NAMES[split]
    held_out = replace(style(results, arm), line="-")
    looks = (lines.TRAIN_LABEL, lines.TRAIN_STYLE), (name, held_out)
    numbers = (
        f"loss {_end(loss[0], 1)} in training and {_end(loss[1], 1)} in {name}; "
        f"accuracy {_end(accuracy[0], 100)} in training and {_end(accuracy[1], 100)} in {name}"
    )
    return Picture(
        name=f"{file_stem(arm)}_curves",
        figure=lines.arm_curves(_line_label(arm, runs), style(results, arm), split, loss, accuracy),
        alt=f"Training and {name} curves of {label(arm)}. Last epoch: {numbers}.",
        caption="Training figures are running means over an epoch's augmented images while the weights change, so "
        f"they can look worse than those of the {name} split. {_bands(loss)}{_split_caution(split)}",
        widget=charts([loss_chart("", _named(looks, loss)), accuracy_chart("", _named(looks, accuracy))]),
    )
