"""Loss and accuracy over epochs."""

from typing import TYPE_CHECKING

from whichnorm.analyses.analysis import Analysis, NoOptions

if TYPE_CHECKING:
    from whichnorm.analyses.curves.measure import CurvesFound
    from whichnorm.render.content import Section
    from whichnorm.results.results import Results
    from whichnorm.study.study import Study


class Curves(Analysis[NoOptions, "CurvesFound"]):
    name = "curves"
    title = "Curves"
    help = "draw loss and accuracy over epochs"
    description = """\
Draw loss and accuracy of all arms over epochs, and training beside validation
for each arm. The images are not needed."""
    examples = """\
whichnorm curves runs/demo
whichnorm curves results/session08 --norms bn,gn:8 --out figures"""

    def measure(self, study: "Study", results: "Results", options: NoOptions) -> "CurvesFound":
        from whichnorm.analyses.curves.measure import study_curves

        return study_curves(results)

    def section(self, found: "CurvesFound", results: "Results") -> "Section":
        from whichnorm.analyses.curves.section import curves_section

        return curves_section(found, results)
