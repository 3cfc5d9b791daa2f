"""The section of cost."""

from whichnorm.analyses import wording
from whichnorm.analyses.asking import Answers
from whichnorm.analyses.cost.measure import ArmCost
from whichnorm.analyses.cost.tables import cost_sentences, cost_table
from whichnorm.render.content import Section
from whichnorm.results.results import Results


def section(found: Answers[ArmCost], results: Results) -> Section | None:
    """Say what every arm costs in time, memory and parameters."""
    if not results.arms:
        return None
    return Section(
        title="Cost",
        sentences=(wording.total_time(results), *cost_sentences(found)),
        tables=(cost_table(results, found),),
    )
