"""What the arms got wrong, together and alone."""

from typing import TYPE_CHECKING

from whichnorm.analyses.analysis import Analysis
from whichnorm.analyses.mistakes.options import MistakesOptions

if TYPE_CHECKING:
    from whichnorm.analyses.mistakes.measure import MistakesFound
    from whichnorm.render.content import Section
    from whichnorm.results.results import Results
    from whichnorm.study.study import Study


class Mistakes(Analysis[MistakesOptions, "MistakesFound"]):
    name = "mistakes"
    title = "Mistakes"
    help = "show misclassified test images: of each arm, of all arms, of one arm only"
    description = """\
Show what the arms of a study got wrong: the most confident mistakes of each
arm, the images that every arm misses, those that one arm alone misses, and
among the former candidates for a wrong label.

Wrong labels are looked for by cleanlab (pip install 'whichnorm[labels]'), which
needs every trained network to be evaluated once more; --no-labels leaves it out."""
    examples = """\
whichnorm mistakes runs/demo
whichnorm mistakes results/session08 --data-dir data --norms bn,gn:8 --out figures
whichnorm mistakes results/session08 --norms bn --out mistakes.png"""
    options = MistakesOptions

    def measure(self, study: "Study", results: "Results", options: MistakesOptions) -> "MistakesFound":
        from whichnorm.analyses.mistakes.measure import measure_mistakes

        return measure_mistakes(study, results, options)

    def section(self, found: "MistakesFound", results: "Results") -> "Section":
        from whichnorm.analyses.mistakes.section import mistakes_section

        return mistakes_section(found, results)
