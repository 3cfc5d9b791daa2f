"""The statistics behind the answer: differences with p-values and intervals, and what each arm costs."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from whichnorm.analyses.cost.section import cost_in_a_line
from whichnorm.analyses.sensitivity.found import follow_ups_in
from whichnorm.errors import WhichnormError
from whichnorm.render import text
from whichnorm.results.results import Results
from whichnorm.specs.names import arm_title


def statistics(results: Results, found: Mapping[str, Any]) -> Iterator[str]:
    """Yield sentences; the last one says by which text forms commands, files and figures name the arms."""
    yield from map(text.printable, (results.verdict.answer, *results.verdict.evidence))
    yield from (text.printable(follow_up.conclusion(results)) for follow_up in follow_ups_in(found))
    costs = found["cost"]
    if not isinstance(costs, WhichnormError) and (cost := cost_in_a_line(results, costs)):
        yield cost
    yield short_forms(results.arm_names)


def short_forms(arms: Sequence[str]) -> str:
    """Explain the text forms of arms, by which commands, files and narrow axes of figures name them."""
    return f"Short forms in commands, files and figures: {'; '.join(f'{arm} is {arm_title(arm)}' for arm in arms)}."
