"""Who was taken for whom, and where two arms differ."""

from dataclasses import dataclass

from whichnorm.analyses.analysis import Analysis
from whichnorm.specs.checked import Checked


@dataclass(frozen=True, kw_only=True)
class ConfusionOptions(Checked):
    """Not on the command line, which has no page to show images on."""

    images: bool = False  # whether the page shows the images behind each cell


class Confusion(Analysis):
    name = "confusion"
    title = "Confusion"
    help = "draw confusion matrices, and where those of two arms differ beyond chance"
    description = """\
Draw the confusion matrix of every arm of a study, and for every pair of arms
the difference of their matrices, with the cells framed that differ beyond
chance. Cells are tested by an exact paired test on the test images of the true
class and corrected for their number; the noise between seeds is not covered.
The images are not needed."""
    examples = """\
whichnorm confusion runs/demo
whichnorm confusion results/session08 --norms bn,gn:8"""
    options = ConfusionOptions

    def of_report(self) -> ConfusionOptions:
        return ConfusionOptions(images=True)
