"""The picture of the search for learning rates."""

from collections.abc import Iterator, Sequence

from whichnorm.analyses.arms import style
from whichnorm.analyses.sensitivity.figures import SearchLine, learning_rate_lines
from whichnorm.analyses.sensitivity.found import FollowUp
from whichnorm.analyses.sensitivity.learning_rates import LearningRates
from whichnorm.analyses.sensitivity.search import Search
from whichnorm.analyses.sensitivity.tables import tried_table
from whichnorm.render.picture import Picture
from whichnorm.render.table import alt_text
from whichnorm.results.results import Results
from whichnorm.specs.names import arm_title

METHOD = (
    "The search is the same for every arm: one training at 1/4, 1/2, 1, 2 and 4 times the shared rate with the study's "
    "epochs, at a seed that is none of the study's; if the best is at an end, one factor further, at most twice. "
    "Only the validation accuracy after the last epoch chooses. It is of one seed, so neighbouring rates may differ by "
    "chance. The arms at their own rates are then trained at the study's seeds; p-values are corrected for the "
    "comparisons at these rates alone."
)


def follow_up_pictures(results: Results, follow_ups: Sequence[FollowUp]) -> Iterator[Picture]:
    """Yield the picture of each finished search."""
    for follow_up in follow_ups:
        if isinstance(follow_up, LearningRates) and follow_up.searches:
            yield search_picture(results, follow_up)


def search_picture(results: Results, found: LearningRates) -> Picture:
    """Show validation accuracy against learning rate."""
    unfinished = any(None in search.accuracies.values() for search in found.searches)
    crosses = " Crosses at the foot are trainings that did not finish." if unfinished else ""
    lead = "Validation accuracy by learning rate, a line per arm."
    return Picture(
        name="learning_rates",
        figure=learning_rate_lines([_line(results, s) for s in found.searches], found.searches[0].shared),
        alt=alt_text(lead, tried_table(results, found)),
        caption="Validation accuracy after one training at each rate. A ring marks the rate chosen for each arm, the "
        f"dotted line the shared rate.{crosses}",
        method=METHOD,
    )


def _line(results: Results, search: Search) -> SearchLine:
    return SearchLine(
        label=arm_title(search.arm),
        style=style(results, search.arm),
        rates=list(search.accuracies),
        accuracies=[None if value is None else 100 * value for value in search.accuracies.values()],
        chosen=search.rate,
    )
