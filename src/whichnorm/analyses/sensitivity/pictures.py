"""The picture of the search for learning rates."""

from whichnorm.analyses.arms import drawn
from whichnorm.analyses.sensitivity.figures import learning_rate_lines
from whichnorm.analyses.sensitivity.learning_rates import LearningRates
from whichnorm.analyses.sensitivity.tables import tried_table
from whichnorm.render.picture import Picture
from whichnorm.render.table import alt_text
from whichnorm.results.results import Results

METHOD = (
    "The search is the same for every arm: one training at 1/4, 1/2, 1, 2 and 4 times the shared rate with the study's "
    "epochs, at a seed that is none of the study's; if the best is at an end, one factor further, at most twice. "
    "Only the validation accuracy after the last epoch chooses. It is of one seed, so neighbouring rates may differ by "
    "chance. The arms at their own rates are then trained at the study's seeds; p-values are corrected for the "
    "comparisons at these rates alone."
)


def search_picture(results: Results, found: LearningRates) -> Picture:
    """Show validation accuracy against learning rate."""
    unfinished = any(None in search.accuracies.values() for search in found.searches)
    crosses = " Crosses at the foot are trainings that did not finish." if unfinished else ""
    lead = "Validation accuracy by learning rate, a line per arm."
    return Picture(
        name="learning_rates",
        figure=learning_rate_lines([drawn(results, s.arm, s) for s in found.searches], found.searches[0].shared),
        alt=alt_text(lead, tried_table(results, found)),
        caption="Validation accuracy after one training at each rate. A ring marks the rate chosen for each arm, the "
        f"dotted line the shared rate.{crosses}",
        method=METHOD,
    )
