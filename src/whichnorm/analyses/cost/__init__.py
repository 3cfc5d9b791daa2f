"""What every arm costs: training time, memory of a training step, latency of the exported network."""

from typing import TYPE_CHECKING

from whichnorm.analyses.cost.options import CostOptions
from whichnorm.analyses.per_run import PerRunAnalysis
from whichnorm.results.results import Results

if TYPE_CHECKING:
    from whichnorm.analyses.asking import Answers, Question
    from whichnorm.analyses.cost.measure import ArmCost
    from whichnorm.render.content import Section


class Cost(PerRunAnalysis[CostOptions, "ArmCost"]):
    name = "cost"
    title = "Cost"
    help = "show every arm's parameters, times, memory of a training step and latency"
    description = """\
Show what every arm costs: parameters and training time from its records, peak
memory of a training step and latency of the exported network from its first
trained network. What was measured before is not measured again."""
    examples = """\
whichnorm cost runs/demo
whichnorm cost runs/demo --no-latency"""
    options = CostOptions

    def question(self, options: CostOptions) -> "Question[ArmCost]":
        from whichnorm.analyses.cost.measure import cost_question

        return cost_question(options)

    def answered(self, found: "Answers[ArmCost]", results: Results) -> "Section | None":
        from whichnorm.analyses.cost.section import cost_section

        return cost_section(found, results)
