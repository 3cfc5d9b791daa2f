"""Sensitivity analysis: does the answer hold at tuned learning rates and under other recipes?"""

from typing import TYPE_CHECKING

from whichnorm.analyses.analysis import Analysis, NoOptions
from whichnorm.results.results import Results

if TYPE_CHECKING:
    from whichnorm.analyses.sensitivity.found import Sensitivity
    from whichnorm.render.content import Section
    from whichnorm.study.study import Study


class SensitivityAnalysis(Analysis[NoOptions, "Sensitivity"]):
    name = "sensitivity"
    title = "Sensitivity"
    help = "show whether the answer holds at tuned learning rates and under other recipes"
    description = "Show what --tune-lr and --recipes trained, and whether the answer holds there."
    examples = "whichnorm sensitivity runs/demo"

    def measure(self, study: "Study", results: Results, options: NoOptions) -> "Sensitivity":
        from whichnorm.analyses.sensitivity.found import Sensitivity
        from whichnorm.analyses.sensitivity.run import read_follow_ups

        return Sensitivity(follow_ups=read_follow_ups(study, results))

    def section(self, found: "Sensitivity", results: Results) -> "Section | None":
        from whichnorm.analyses.sensitivity import tables
        from whichnorm.analyses.sensitivity.pictures import follow_up_pictures
        from whichnorm.render.content import Folded, Section

        if not found.follow_ups:
            return None
        tried = [table for one in found.follow_ups if (table := tables.tried_table(results, one))]
        return Section(
            anchor=self.name,
            label=self.title,
            title="Would another learning rate or recipe change the answer?",
            sentences=tuple(tables.sentences(results, found.follow_ups)),
            tables=tuple(tables.tables(results, found.follow_ups)),
            pictures=tuple(follow_up_pictures(results, found.follow_ups)),
            folded=(Folded(summary="All trainings of the search as a table", tables=tuple(tried)),) if tried else (),
        )
