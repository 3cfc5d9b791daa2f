"""Grad-CAM: where each arm finds evidence for a class, in the same test images."""

from dataclasses import dataclass
from typing import Literal

from whichnorm.analyses.analysis import Analysis
from whichnorm.specs import texts
from whichnorm.specs.checked import Checked
from whichnorm.specs.options import option

Target = Literal["true", "predicted"]


@dataclass(frozen=True, kw_only=True)
class GradCamOptions(Checked):
    """What is looked at; None is the default choice."""

    layer: str | None = option(
        None, "a module with an (N, C, H, W) output, such as block2.0 (default: the end of the last convolutional "
        "block)",
        metavar="PATH", parse=str,
    )  # fmt: skip
    images: tuple[int, ...] | None = option(
        None, "test images by their index in the split, from 0 (default: 3 that every arm gets right, 3 on which arms "
        "disagree)", metavar="A,B,...", parse=texts.whole_numbers,
    )  # fmt: skip
    seed: int | None = option(
        None, "whose runs (default: the first that most arms finished)", metavar="N", parse=texts.whole_number
    )
    target: Target = option("true", "the class whose evidence is shown (default true)", choices=("true", "predicted"))


class GradCam(Analysis):
    name = "gradcam"
    title = "Grad-CAM"
    help = "show where every arm of a finished study finds a class in the same test images"
    description = """\
Draw Grad-CAM maps of the same test images for every arm of a study, side by
side, and say how much the arms' maps agree. Nothing is trained.

A map is the evidence for the image's true class in every arm, so that maps can
be compared if arms predict different classes; --target predicted asks each
arm for the class that it predicts."""
    examples = """\
whichnorm gradcam runs/demo
whichnorm gradcam results/session08 --data-dir data --images 3,17
whichnorm gradcam runs/demo --layer block2 --norms bn,gn:8 --json"""
    options = GradCamOptions
