"""From paired comparisons and failed runs to the answer: which arm to use, which are the same, or "cannot tell"."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from whichnorm import stats
from whichnorm.results.comparisons import CANNOT_TELL, MIN_SEEDS, Comparison, against, for_the_best
from whichnorm.signs import signed
from whichnorm.specs.names import arm_title, difference_title, enclosed, named

Kind = Literal["best", "same", "cannot tell"]


@dataclass(frozen=True, kw_only=True)
class Failures:
    """The runs of an arm that diverged or failed."""

    arm: str
    failed: int
    runs: int

    @property
    def bound(self) -> float:
        """The largest failure rate that the runs are compatible with: the 95 % upper bound."""
        return stats.proportion_bound(self.failed, self.runs)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What comparisons say of arms: which is best, or which cannot be distinguished from the one in front.

    `kind` is "best" where the arm in front is better than every other, and "same" where all that are level with it are
    known to differ by less than the margin. `beaten` and `level` are the other arms, in the order of their accuracy.
    """

    kind: Kind
    front: str
    beaten: tuple[str, ...]
    level: tuple[str, ...]


def judge(
    accuracies: Mapping[str, float], comparisons: Sequence[Comparison]
) -> tuple[Outcome | None, tuple[Comparison, ...]]:
    """Name the best of two or more arms if every comparison of it is significant on its own.

    Returns the outcome, None for less than two arms, and the comparisons, those of an arm that is named by themselves.

    To name an arm falsely it has to beat the truly best one falsely, so no correction for the number of arms is due:
    an intersection-union test, as in Hsu, "Multiple Comparisons", 1996, chapter 4. An arm that is worse than some other
    by the corrected comparison of all pairs is out as well; so are arms that got no more seeds for that reason.
    """
    if len(accuracies) < 2:
        return None, tuple(comparisons)
    front, *others = sorted(accuracies, key=lambda arm: -accuracies[arm])
    out = {c.b if c.call == "better" else c.a for c in comparisons if c.call != CANNOT_TELL} - {front}
    beaten_directly = {arm for arm in others if (c := against(front, arm, comparisons)) and c.own_call == "better"}
    if set(others) <= beaten_directly | out:
        return Outcome(kind="best", front=front, beaten=tuple(others), level=()), for_the_best(comparisons, front)
    level = tuple(arm for arm in others if arm not in out)
    pairs = [c for c in comparisons if {c.a, c.b} <= {front, *level}]
    complete = len(pairs) == len(level) * (len(level) + 1) // 2
    same = complete and all(c.same or c.same_answers for c in pairs)
    beaten = tuple(arm for arm in others if arm in out)
    kind: Kind = "same" if same else "cannot tell"
    return Outcome(kind=kind, front=front, beaten=beaten, level=level), tuple(comparisons)


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The answer: an arm to use, arms that are the same, or "cannot tell", and the sentences that say why.

    `choice` is the arm if `kind` is "best", and "cannot tell" else. `failures` are of arms with such runs, and
    `with_failures` is what becomes of the outcome where each counts as guessing; None without any.
    """

    kind: Kind
    choice: str
    answer: str
    evidence: tuple[str, ...] = ()
    next_best: str = ""
    level: tuple[str, ...] = ()  # arms that cannot be distinguished from the best
    failures: tuple[Failures, ...] = ()
    with_failures: Outcome | None = None

    @property
    def text(self) -> str:
        return " ".join([self.answer, *self.evidence])


def decide(
    outcome: Outcome | None,
    accuracies: Mapping[str, float],
    comparisons: Sequence[Comparison],
    setting: str,
    *,
    at_chance: Sequence[str] = (),
    failures: Sequence[Failures] = (),
    with_failures: Outcome | None = None,
    runs_at_chance: Sequence[str] = (),
) -> Verdict:
    """Say which arm to use.

    accuracies are the mean test accuracies of arms with finished runs; of `at_chance` arms none is better than
    guessing; `with_failures` is the outcome with failed runs counted; `setting` says what the answer is for, such as
    "wynet on cifar10"; `runs_at_chance` says of single runs that they ended at chance.
    """
    wrong = [*map(failures_text, failures), *runs_at_chance]
    without = [one.arm for one in failures if one.failed == one.runs]
    if outcome is None:
        return Verdict(
            kind="cannot tell", choice=CANNOT_TELL, answer=_of_one(list(accuracies), without),
            evidence=tuple(wrong), failures=tuple(failures),
        )  # fmt: skip
    front = outcome.front
    found = [c for arm in (*outcome.beaten, *outcome.level) if (c := against(front, arm, comparisons))]
    found.sort(key=lambda c: -accuracies[c.b])
    kind: Kind = outcome.kind
    if front in at_chance:
        kind, answer = "cannot tell", f"Cannot tell: even the best arm, {arm_title(front)}, stayed at chance."
    elif (lost := _lead_lost(outcome, with_failures, failures)) and with_failures:
        kind, answer = "cannot tell", f"Cannot tell for {setting}: {_turned(lost, with_failures)}"
    else:
        answer = _answer(outcome, comparisons, setting)
    return Verdict(
        kind=kind,
        choice=front if kind == "best" else CANNOT_TELL,
        answer=answer,
        evidence=(*wrong, *(_difference_text(c) for c in found), *_counted_text(with_failures, front)),
        next_best=outcome.beaten[0] if kind == "best" else "",
        level=outcome.level,
        failures=tuple(failures),
        with_failures=with_failures,
    )


def _of_one(arms: Sequence[str], without: Sequence[str]) -> str:
    if not arms:
        return "Cannot tell: no run finished."
    rest = f"no run of {enclosed(without)} finished" if without else "there is nothing to compare it with"
    return f"Cannot tell: {enclosed(arms)} is the only arm; {rest}."


def _answer(outcome: Outcome, comparisons: Sequence[Comparison], setting: str) -> str:
    front, level, beaten = outcome.front, outcome.level, outcome.beaten
    if outcome.kind == "best":
        use = f"Use {enclosed([front])} for {setting}: it is better than {named(beaten)}."
        return use + _next_best(beaten, comparisons)
    worse = f" {enclosed(beaten)} {'is' if len(beaten) == 1 else 'are'} worse." if beaten else ""
    if outcome.kind == "same":
        return f"{enclosed([front, *level])} are the same{within(comparisons[0])} for {setting}: take either.{worse}"
    return f"Cannot tell {enclosed([front, *level])} apart for {setting}.{worse}"


def within(c: Comparison) -> str:
    """Say within which margin arms are the same: " within 0.5 points"."""
    return f" within {100 * c.margin:g} points"


def failures_text(one: Failures) -> str:
    """Say how many runs of an arm did not finish, and which failure rate that allows."""
    return (
        f"{one.failed} of {one.runs} runs of {enclosed([one.arm])} did not finish: up to {100 * one.bound:.0f} % of "
        "its runs may not."
    )


def _lead_lost(outcome: Outcome, counted: Outcome | None, failures: Sequence[Failures]) -> Failures | None:
    """Return the failed runs of the best arm if it is not the best with them counted; those of others take no lead."""
    if outcome.kind != "best" or counted is None or (counted.kind, counted.front) == ("best", outcome.front):
        return None
    return next((one for one in failures if one.arm == outcome.front), None)


def _turned(lost: Failures, counted: Outcome) -> str:
    """Say that failed runs take an arm's lead away."""
    became = f"it cannot be distinguished from {named([a for a in (counted.front, *counted.level) if a != lost.arm])}"
    if counted.kind == "best":
        became = f"{arm_title(counted.front)} is better"
    return (
        f"{arm_title(lost.arm)} is better where it trains, but {lost.failed} of its {lost.runs} runs did not finish; "
        f"with these counted as guesses, {became}."
    )


def _counted_text(counted: Outcome | None, front: str) -> list[str]:
    """Say what the order is once failed runs count; `front` is the arm in front without them."""
    if counted is None:
        return []
    level = [counted.front, *counted.level]
    became = {
        "best": f"{arm_title(counted.front)} is the best{' as well' if counted.front == front else ''}",
        "same": f"these are the same: {named(level)}",
        "cannot tell": f"these cannot be told apart: {named(level)}",
    }
    return [f"With runs that did not finish counted as guesses, {became[counted.kind]}."]


def _next_best(ranked: Sequence[str], comparisons: Sequence[Comparison]) -> str:
    """Name the best of several other arms, and those that cannot be distinguished from it."""
    first, *others = ranked
    if not others:
        return ""
    found = {other: against(first, other, comparisons) for other in others}
    level = [arm for arm, c in found.items() if not c or c.call == CANNOT_TELL]
    return f" Next best: {arm_title(first)}{', not distinguishable from ' + named(level) if level else ''}."


def _difference_text(c: Comparison) -> str:
    """Say a comparison of the arm in front in one sentence, and what it would take to decide it."""
    low, high = (signed(100 * end, 2) for end in c.interval)
    text = f"{difference_title(c.a, c.b)}: {signed(100 * c.difference, 2)} points of test accuracy [{low}, {high}]"
    if c.p_value is None or c.adjusted_p is None:
        return (
            f"{text} over test images; one common seed says nothing of the noise between seeds and supports no "
            f"conclusion: give {MIN_SEEDS} seeds or more."
        )
    text += f", n = {len(c.seeds)} seeds, p {p_text(c.adjusted_p)}"
    if c.call == CANNOT_TELL:
        return f"{text}: {'' if c.same else 'cannot tell; '}{more_seeds_text(c)}.{_beyond_text(c)}"
    runs = f"a new run of {enclosed([c.a])} beats one of {enclosed([c.b])}"
    return f"{text}{called_text(c)}; {runs} with a probability of {chance_text(c)}."


def _beyond_text(c: Comparison) -> str:
    """Say how likely a difference that matters is, either way."""
    if c.chance_beyond is None or c.same or c.same_answers:
        return ""
    other, one = (f"{100 * chance:.0f} %" for chance in c.chance_beyond)
    points = f"{100 * c.margin:g} points"
    return f" With a probability of {one} {enclosed([c.a])} is better by more than {points}, with {other} it is worse."


def called_text(c: Comparison) -> str:
    """Say how large a difference is, given that it was called, where that is another number."""
    if c.if_called is None or f"{100 * c.if_called[0]:.1f}" == f"{100 * c.difference:.1f}":
        return ""
    middle, low, high = (signed(100 * value, 2) for value in c.if_called)
    return f", and {middle} [{low}, {high}] given that it was found"


def more_seeds_text(c: Comparison) -> str:
    """Say what it takes to decide a comparison."""
    points = f"{100 * c.margin:g} points"
    if c.same_answers:
        return "the two are right and wrong on the same images at every seed"
    if c.same:
        return f"the two are the same within {points}"
    if c.basis == "test images":
        return f"{MIN_SEEDS} seeds or more are needed"
    if c.seeds_needed is None:
        return "no further look is planned"
    low, high = c.seeds_needed
    if low is None:
        return f"even {stats.MAX_SEEDS:,} seeds would not find a difference of {points}: it takes more test images"
    most = f"{high:,}" if high else f"more than {stats.MAX_SEEDS:,}"
    return f"to find a difference of {points} takes {f'{low:,} to {most}' if low != high else f'{low:,}'} seeds in all"


def p_text(p: float) -> str:
    """Write a p-value with its sign of relation, never as a certainty: "= 0.032", "< 0.001", "> 0.999"."""
    return "< 0.001" if p < 0.001 else "> 0.999" if p > 0.999 else f"= {p:.3f}"


def chance_text(c: Comparison) -> str:
    """Write the probability that a new run of a wins, to two digits and never as a certainty."""
    chance = c.chance_a_wins or 0.0
    return "more than 0.99" if chance > 0.99 else "less than 0.01" if chance < 0.01 else f"{chance:.2f}"
