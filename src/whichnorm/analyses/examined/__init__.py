"""What trained networks are asked beyond accuracy, until each question has a room of its own."""

from typing import TYPE_CHECKING

from whichnorm.analyses.analysis import Analysis, NoOptions
from whichnorm.results.results import Results

if TYPE_CHECKING:
    from whichnorm.analyses.examined.record import Examined
    from whichnorm.render.content import Section
    from whichnorm.study.study import Study


class Examination(Analysis[NoOptions, "Examined"]):
    name = "examined"
    title = "Beyond accuracy"
    help = "ask the trained networks more"
    description = "Ask the trained networks more."
    examples = "whichnorm examined runs/demo"

    def measure(self, study: "Study", results: Results, options: NoOptions) -> "Examined":
        from whichnorm.analyses.examined.study import examine_study

        return examine_study(study, results)

    def section(self, found: "Examined", results: Results) -> "Section | None":
        from whichnorm.analyses.cost.tables import cost_sentences, cost_table
        from whichnorm.analyses.examined import pictures, tables
        from whichnorm.render.content import Section

        if not results.arms:
            return None
        shown = (
            tables.statistics_table(results, found), tables.layers_table(results, found),
            tables.corruptions_table(results, found), tables.reliability_table(results, found),
            cost_table(results, found),
        )  # fmt: skip
        drawn = (
            pictures.statistics_picture(results, found), pictures.layer_gaps_picture(results, found),
            pictures.corruptions_picture(results, found),
        )  # fmt: skip
        return Section(
            anchor=self.name, title=self.title, sentences=tuple(cost_sentences(found)),
            tables=tuple(filter(None, shown)), pictures=tuple(filter(None, drawn)), wide=True,
        )  # fmt: skip
