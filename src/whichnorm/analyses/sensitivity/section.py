"""The section of a study's follow-ups, headed by whether the order of the arms holds."""

from collections.abc import Sequence

from whichnorm.analyses.sensitivity.found import FollowUp, Sensitivity
from whichnorm.analyses.sensitivity.learning_rates import LearningRates
from whichnorm.analyses.sensitivity.pictures import search_picture
from whichnorm.analyses.sensitivity.recipes import OtherRecipe
from whichnorm.analyses.sensitivity.tables import tables, tried_table
from whichnorm.render.content import Folded, Section
from whichnorm.render.text import printable
from whichnorm.results.results import Results
from whichnorm.specs.names import enclosed, listed


def section(found: Sensitivity, results: Results) -> Section | None:
    """Say whether the answer holds under each condition that was tried; None if none was."""
    if not found.follow_ups:
        return None
    searches = [one for one in found.follow_ups if isinstance(one, LearningRates) and one.searches]
    said = (sentence for one in found.follow_ups for sentence in (one.conclusion(results), *one.details()))
    tried = tuple(tried_table(results, one) for one in searches)
    return Section(
        title=printable(title(results, found.follow_ups)),
        sentences=tuple(map(printable, said)),
        tables=tuple(tables(results, found.follow_ups)),
        pictures=tuple(search_picture(results, one) for one in searches),
        folded=(Folded(summary="All trainings of the search as a table", tables=tried),) if tried else (),
    )


def title(results: Results, follow_ups: Sequence[FollowUp]) -> str:
    """Say under which conditions the order by mean test accuracy holds, and under which it does not."""
    order = f"the order of {_whose(results, follow_ups)} by mean accuracy"
    found = {
        verb: [one.condition for one in follow_ups if _verb(results, one) == verb]
        for verb in ("holds", "changes", "is level")
    }
    parts = [f"{verb} {listed(conditions)}" for verb, conditions in found.items() if conditions]
    if not parts:
        return f"Not known yet: whether {order} holds {listed([one.condition for one in follow_ups])}"
    return f"T{order[1:]} {'; it '.join(parts)}"


def _whose(results: Results, follow_ups: Sequence[FollowUp]) -> str:
    """Name what is ordered: other recipes are of two arms only."""
    pairs = [one.pair for one in follow_ups if isinstance(one, OtherRecipe) and one.pair]
    return enclosed(pairs[0]) if len(pairs) == len(follow_ups) else "the arms"


def _verb(results: Results, follow_up: FollowUp) -> str:
    if isinstance(follow_up, OtherRecipe):
        return {"turns": "changes"}.get(follow_up.order, follow_up.order)
    holds = follow_up.order_holds(results)
    return "" if holds is None else "holds" if holds else "changes"
