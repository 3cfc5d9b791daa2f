"""Grad-CAM: where each arm finds evidence for a class, in the same test images."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from whichnorm.analyses.analysis import Analysis
from whichnorm.errors import SpecError
from whichnorm.specs.options import option

if TYPE_CHECKING:
    from whichnorm.analyses.gradcam.found import GradCamFound
    from whichnorm.render.content import Section
    from whichnorm.results.results import Results
    from whichnorm.study.study import Study

Target = Literal["true", "predicted"]


def parse_images(text: str) -> tuple[int, ...]:
    """Read indices of test images: "3,17"."""
    try:
        return tuple(int(index) for index in text.split(","))
    except ValueError:
        raise SpecError(f"--images {text!r}: expected indices in the test split, such as 3,17") from None


def parse_seed(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise SpecError(f"--seed {text!r}: expected a whole number, such as 0") from None


@dataclass(frozen=True, kw_only=True)
class GradCamOptions:
    """What is looked at; None is the default choice."""

    layer: str | None = option(
        None, "a module with an (N, C, H, W) output, such as block2.0 (default: the end of the last convolutional "
        "block)",
        metavar="PATH", parse=str,
    )  # fmt: skip
    images: tuple[int, ...] | None = option(
        None, "test images by their index in the split, from 0 (default: 3 that every arm gets right, 3 on which arms "
        "disagree)", metavar="A,B,...", parse=parse_images,
    )  # fmt: skip
    seed: int | None = option(None, "whose runs (default: the first that most arms finished)", metavar="N",
                              parse=parse_seed)  # fmt: skip
    target: Target = option("true", "the class whose evidence is shown (default true)", choices=("true", "predicted"))


class GradCam(Analysis[GradCamOptions, "GradCamFound"]):
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

    def measure(self, study: "Study", results: "Results", options: GradCamOptions) -> "GradCamFound":
        from whichnorm.analyses.gradcam.measure import find_maps

        return find_maps(study, results, options)

    def section(self, found: "GradCamFound", results: "Results") -> "Section":
        from whichnorm.analyses.gradcam.section import gradcam_section

        return gradcam_section(found, results)
