"""The answer in one plain sentence, with the norms' full names."""

from collections.abc import Sequence

from whichnorm.analyses.arms import ranked
from whichnorm.render.text import capitalized
from whichnorm.results.comparisons import CANNOT_TELL, Comparison, against
from whichnorm.results.results import Results
from whichnorm.results.verdict import within
from whichnorm.specs.names import arm_title, enclosed, named

MAX_NAMES = 3  # in a sentence that is read in seconds; the figure beside it names all


def is_decided(results: Results) -> bool:
    """Tell whether the study names an arm to use."""
    return results.verdict.choice != CANNOT_TELL


def stayed_at_chance(results: Results, arm: str) -> bool:
    """Tell whether no finished run of an arm is better than guessing."""
    return all(run.warnings for run in results.finished(arm))


def answer_sentence(results: Results) -> str:
    """Say which norm to use, or which cannot be told apart and why."""
    order = ranked(results)
    if not order:
        return "Cannot tell: no run finished."
    best, others = order[0], order[1:]
    if not others:
        only = "is the only one with a finished run" if len(results.arm_names) > 1 else "was trained alone"
        return f"Cannot tell: {arm_title(best)} {only}."
    if stayed_at_chance(results, best):
        return f"Cannot tell: even the best, {arm_title(best)}, stayed at chance."
    if results.verdict.kind == "best":
        return f"Use {arm_title(best)}: it is better than {_beaten(others)}{_although(results, best)}."
    if results.verdict.kind == "same":
        return _same(results, [best, *results.verdict.level], order)
    if not results.verdict.level:
        return f"Cannot tell: {arm_title(best)} is better where it trains, but {_unfinished(results, best)}."
    return _level(results, [best, *results.verdict.level], order)


def _although(results: Results, arm: str) -> str:
    said = _unfinished(results, arm)
    return f", although {said}" if said else ""


def _unfinished(results: Results, arm: str) -> str:
    """Say how many runs of an arm did not finish; "" if all did."""
    found = (one for one in results.verdict.failures if one.arm == arm)
    return next((f"{one.failed} of its {one.runs} runs did not finish" for one in found), "")


def _same(results: Results, level: Sequence[str], order: Sequence[str]) -> str:
    """Say which arms are the same, and which others are worse."""
    names = enclosed(level) if len(level) <= MAX_NAMES else f"The best {len(level)} of {len(order)} norms"
    rest = _worse([arm for arm in order if arm not in level])
    return f"{capitalized(names)} are the same{within(results.comparisons[0])}: take either{rest}."


def _beaten(others: Sequence[str]) -> str:
    return named(others) if len(others) <= MAX_NAMES else f"all {len(others)} others"


def _level(results: Results, level: Sequence[str], order: Sequence[str]) -> str:
    if len(level) <= MAX_NAMES:
        names = enclosed(level)
    else:
        names = f"the best {len(level)} of {len(order)} norms" if len(level) < len(order) else f"the {len(level)} norms"
    return f"Cannot tell {names} apart{_why(results, level)}{_worse([arm for arm in order if arm not in level])}."


def _why(results: Results, level: Sequence[str]) -> str:
    """Say why arms are level, if there is one reason for all."""
    pairs = [found for arm in level[1:] if (found := against(level[0], arm, results.comparisons))]
    return next((reason for reason in map(_reason, pairs[:1]) if all(_reason(pair) == reason for pair in pairs)), "")


def _reason(pair: Comparison) -> str:
    if pair.basis == "test images":
        return ": one seed supports no conclusion"
    if pair.same_answers:
        return ": they are right and wrong on the same images"
    return ""


def _worse(others: Sequence[str]) -> str:
    if not others:
        return ""
    names = named(others) if len(others) <= MAX_NAMES else f"the other {len(others)}"
    return f"; {names} {'is' if len(others) == 1 else 'are'} worse"
