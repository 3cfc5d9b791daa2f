"""The picture of the search for learning rates."""

from collections.abc import Iterator, Sequence

from whichnorm.analyses.arms import label, style
from whichnorm.analyses.sensitivity.figures import SearchLine, learning_rate_lines
from whichnorm.analyses.sensitivity.found import FollowUp
from whichnorm.analyses.sensitivity.learning_rates import LearningRates
from whichnorm.analyses.sensitivity.search import Search
from whichnorm.render import text
from whichnorm.render.picture import Picture
from whichnorm.results.results import Results


def follow_up_pictures(results: Results, follow_ups: Sequence[FollowUp]) -> Iterator[Picture]:
    """Yield the picture of each finished search."""
    for follow_up in follow_ups:
        if isinstance(follow_up, LearningRates) and follow_up.searches:
            yield search_picture(results, follow_up)


def search_picture(results: Results, found: LearningRates) -> Picture:
    """Show validation accuracy against learning rate."""
    unfinished = any(None in search.accuracies.values() for search in found.searches)
    crosses = " Crosses at the foot are trainings that did not finish." if unfinished else ""
    caption = "Validation accuracy after one training at each rate. A ring marks the rate chosen for each arm."
    chosen = "; ".join(f"{label(s.arm)} {_chosen(s)}" for s in found.searches)
    return Picture(
        name="learning_rates",
        figure=learning_rate_lines([_line(results, s) for s in found.searches], found.searches[0].shared),
        alt=f"Validation accuracy against learning rate, a line per arm. Chosen: {chosen}.",
        caption=caption + crosses,
    )


def _chosen(search: Search) -> str:
    return f"{search.rate:g}" + (f" with {text.percent(search.accuracy)}" if search.accuracy is not None else "")


def _line(results: Results, search: Search) -> SearchLine:
    return SearchLine(
        label=label(search.arm),
        style=style(results, search.arm),
        rates=list(search.accuracies),
        accuracies=[None if value is None else 100 * value for value in search.accuracies.values()],
        chosen=search.rate,
    )
