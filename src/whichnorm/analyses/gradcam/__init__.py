"""Grad-CAM: where each arm finds evidence for a class, in the same test images."""

from typing import TYPE_CHECKING

from whichnorm.analyses.analysis import Analysis
from whichnorm.analyses.gradcam.options import GradCamOptions

if TYPE_CHECKING:
    from whichnorm.analyses.gradcam.found import GradCamFound
    from whichnorm.render.content import Section
    from whichnorm.results.results import Results
    from whichnorm.study.study import Study


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
