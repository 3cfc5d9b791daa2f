"""Who was taken for whom, and where two arms differ."""

from typing import TYPE_CHECKING

from whichnorm.analyses.analysis import Analysis
from whichnorm.analyses.confusion.options import ConfusionOptions

if TYPE_CHECKING:
    from whichnorm.analyses.confusion.measure import ConfusionFound
    from whichnorm.render.content import Section
    from whichnorm.results.results import Results
    from whichnorm.study.study import Study


class Confusion(Analysis[ConfusionOptions, "ConfusionFound"]):
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

    def measure(self, study: "Study", results: "Results", options: ConfusionOptions) -> "ConfusionFound":
        from whichnorm.analyses.confusion.measure import measure_confusion

        return measure_confusion(study, results, options)

    def section(self, found: "ConfusionFound", results: "Results") -> "Section":
        from whichnorm.analyses.confusion.section import confusion_section

        return confusion_section(found)
