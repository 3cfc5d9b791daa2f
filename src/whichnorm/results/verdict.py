"""From the right and wrong answers of every run to paired comparisons, and from these to the answer."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from whichnorm import stats
from whichnorm.signs import signed
from whichnorm.specs.names import arm_title, difference_title, enclosed, named
from whichnorm.specs.study import UntilSure
from whichnorm.stats import Call, Interval

CANNOT_TELL: Final = "cannot tell"
MARGIN = 0.005  # half a point: a smaller difference is not worth finding unless somebody asks for it
MIN_SEEDS = 3  # two give an interval too long to be of use

Correct = Mapping[int, NDArray[np.bool_]]  # of one arm: seed to (N,) booleans over the test images


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Test accuracy of arm a less that of arm b, paired by seed and test image.

    The interval is 95 % on its own, and holds at every look together if a study was looked at as it grew; so does
    `p_value`. `call` rests on `adjusted_p`, which is corrected for the number of comparisons.
    With one common seed there is only an interval over test images, no p-value and no call.
    """

    a: str
    b: str
    difference: float
    ci95: tuple[float, float]
    basis: Literal["seeds and test images", "test images"]
    seeds: tuple[int, ...]
    p_value: float | None = None
    adjusted_p: float | None = None
    chance_a_wins: float | None = None  # that a new run of a beats one of b at the same seed
    call: Call = CANNOT_TELL
    same_answers: bool = False  # the two arms predict right and wrong alike, on every image at every seed
    margin: float = MARGIN
    effect: float = MARGIN  # the difference that `seeds_needed` is about
    seeds_needed: int | None = None  # in all, to call `effect` with a probability of 80 %; None: no number is enough

    @property
    def more_seeds(self) -> int | None:
        """How many seeds to add until `effect` would be called; 0 if all is said, None if no number will do."""
        if self.settled:
            return 0
        return None if self.seeds_needed is None else max(1, self.seeds_needed - len(self.seeds))

    @property
    def within_margin(self) -> bool:
        """Tell whether the interval rules out a difference of the margin or more."""
        return self.basis != "test images" and -self.margin < self.ci95[0] and self.ci95[1] < self.margin

    @property
    def settled(self) -> bool:
        """Tell whether more seeds are not needed."""
        return self.call != CANNOT_TELL or self.within_margin or self.same_answers

    def turned(self) -> "Comparison":
        """Return the same as b less a."""
        calls: dict[Call, Call] = {"better": "worse", "worse": "better", CANNOT_TELL: CANNOT_TELL}
        return replace(
            self,
            a=self.b,
            b=self.a,
            difference=0.0 - self.difference,  # no negative zero
            ci95=(0.0 - self.ci95[1], 0.0 - self.ci95[0]),
            chance_a_wins=None if self.chance_a_wins is None else 1 - self.chance_a_wins,
            call=calls[self.call],
        )


@dataclass(frozen=True, kw_only=True)
class Rule:
    """When a difference is called: the error rate over all comparisons, and the difference that is worth finding.

    A study that is looked at several times while it grows makes each call at the error rate divided by `num_looks`.
    """

    alpha: float = 0.05
    margin: float = MARGIN
    num_looks: int = 1


DEFAULT_RULE = Rule()


def compare_arms(correct: Mapping[str, Correct], rule: Rule) -> tuple[Comparison, ...]:
    """Compare every pair of arms that have a seed in common, and call what Holm's correction leaves."""
    pairs = [(a, b) for a, b in itertools.combinations(correct, 2) if set(correct[a]) & set(correct[b])]
    return called([_compare(a, b, correct, rule, len(pairs)) for a, b in pairs], rule.alpha)


def called(comparisons: Sequence[Comparison], alpha: float = 0.05) -> tuple[Comparison, ...]:
    """Correct p-values for the number of these comparisons by Holm's method, and call those below alpha."""
    p_values = {place: c.p_value for place, c in enumerate(comparisons) if c.p_value is not None}
    adjusted = dict(zip(p_values, stats.holm(list(p_values.values())).tolist(), strict=True))
    return tuple(_called(c, adjusted[i], alpha) if i in adjusted else c for i, c in enumerate(comparisons))


def _called(comparison: Comparison, adjusted_p: float, alpha: float) -> Comparison:
    call: Call = CANNOT_TELL
    if adjusted_p < alpha:
        call = "better" if comparison.difference > 0 else "worse"
    return replace(comparison, adjusted_p=adjusted_p, call=call)


def _compare(a: str, b: str, correct: Mapping[str, Correct], rule: Rule, num_pairs: int) -> Comparison:
    seeds = tuple(seed for seed in correct[a] if seed in correct[b])
    tables = [np.stack([correct[arm][seed] for seed in seeds]) for arm in (a, b)]  # (num_seeds, N)
    if len(seeds) == 1 or tables[0].shape[1] == 1:
        interval = stats.image_bootstrap(tables[0][0], tables[1][0])
        return Comparison(
            a=a, b=b, difference=interval.estimate, ci95=_ends(interval), basis="test images", seeds=seeds,
            margin=rule.margin, effect=max(abs(interval.estimate), rule.margin),
        )  # fmt: skip
    found = stats.paired_difference(*tables)
    effect = max(abs(found.estimate), rule.margin)
    return Comparison(
        a=a,
        b=b,
        difference=found.estimate,
        ci95=_ends(found.interval(0.05 / rule.num_looks)),
        basis="seeds and test images",
        seeds=seeds,
        p_value=min(1.0, rule.num_looks * found.p_value),
        same_answers=bool((tables[0] == tables[1]).all()),
        margin=rule.margin,
        chance_a_wins=found.chance_a_wins,
        effect=effect,
        seeds_needed=stats.seeds_needed(found, effect, rule.alpha / num_pairs / rule.num_looks),
    )


def _ends(interval: Interval) -> tuple[float, float]:
    return interval.low, interval.high


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The answer: an arm, or "cannot tell", and the sentences that say why.

    `answer` is what to use; `evidence` the differences that it rests on; `next_best` and `level` are arms.
    """

    choice: str
    answer: str
    evidence: tuple[str, ...] = ()
    next_best: str = ""
    level: tuple[str, ...] = ()  # arms that cannot be distinguished from the best

    @property
    def text(self) -> str:
        return " ".join([self.answer, *self.evidence])


def against(best: str, other: str, comparisons: Sequence[Comparison]) -> Comparison | None:
    """Return the comparison of `best` with `other`, in this direction; None if there is none."""
    for c in comparisons:
        if (c.a, c.b) == (best, other):
            return c
        if (c.b, c.a) == (best, other):
            return c.turned()
    return None


def decide(
    accuracies: Mapping[str, float],
    comparisons: Sequence[Comparison],
    at_chance: set[str],
    setting: str,
    without_runs: Sequence[str] = (),
) -> Verdict:
    """Name the arm that is better than every other, or say which cannot be distinguished from the best.

    accuracies are the arms' mean test accuracies; of `without_runs` no run finished; `setting` says what the answer is
    for, such as "wynet on cifar10".
    """
    ranked = sorted(accuracies, key=lambda arm: -accuracies[arm])
    if not ranked:
        return Verdict(choice=CANNOT_TELL, answer="Cannot tell: no run finished.")
    best, others = ranked[0], ranked[1:]
    if not others:
        rest = f"no run of {enclosed(without_runs)} finished" if without_runs else "there is nothing to compare it with"
        return Verdict(choice=CANNOT_TELL, answer=f"Cannot tell: {enclosed([best])} is the only arm; {rest}.")
    found = {other: against(best, other, comparisons) for other in others}
    level = tuple(arm for arm, c in found.items() if not c or c.call != "better")
    beaten = [arm for arm in others if arm not in level]
    evidence = [_difference_text(c) for c in found.values() if c]
    if at_chance:
        evidence.append(f"Stayed at chance: {named(sorted(at_chance))}.")
    if without_runs:
        evidence.append(f"No run finished of {named(without_runs)}.")
    if best in at_chance:
        answer = f"Cannot tell: even the best arm, {arm_title(best)}, stayed at chance."
    elif level:
        worse = (
            f" {enclosed(beaten)} {'is' if len(beaten) == 1 else 'are'} worse than {arm_title(best)}." if beaten else ""
        )
        answer = f"Cannot tell {enclosed([best, *level])} apart for {setting}.{worse}"
    else:
        answer = (
            f"Use {enclosed([best])} for {setting}: it is better than {named(beaten)}.{_next_best(beaten, comparisons)}"
        )
    decided = not level and best not in at_chance
    return Verdict(
        choice=best if decided else CANNOT_TELL,
        answer=answer,
        evidence=tuple(evidence),
        next_best=beaten[0] if decided else "",
        level=level,
    )


def _next_best(ranked: Sequence[str], comparisons: Sequence[Comparison]) -> str:
    """Name the best of several other arms, and those that cannot be distinguished from it."""
    first, *others = ranked
    if not others:
        return ""
    found = {other: against(first, other, comparisons) for other in others}
    level = [arm for arm, c in found.items() if not c or c.call == CANNOT_TELL]
    return f" Next best: {arm_title(first)}{', not distinguishable from ' + named(level) if level else ''}."


def _difference_text(c: Comparison) -> str:
    """Say a comparison in one sentence, and what it would take to decide it."""
    low, high = (signed(100 * end, 2) for end in c.ci95)
    text = f"{difference_title(c.a, c.b)}: {signed(100 * c.difference, 2)} points of test accuracy [{low}, {high}]"
    if c.p_value is None or c.adjusted_p is None:
        return (
            f"{text} over test images; one common seed says nothing of the noise between seeds and supports no "
            f"conclusion: give {MIN_SEEDS} seeds or more."
        )
    text += f", n = {len(c.seeds)} seeds, p {p_text(c.adjusted_p)}"
    if c.call != CANNOT_TELL:
        runs = f"a new run of {enclosed([c.a])} beats one of {enclosed([c.b])}"
        return f"{text}; {runs} with a probability of {chance_text(c)}."
    return f"{text}: cannot tell; {more_seeds_text(c)}."


def rule_of(until_sure: UntilSure | None) -> Rule:
    """Return the rule of a study that adds seeds until it is sure, or of one with a fixed number of them."""
    if until_sure is None:
        return DEFAULT_RULE
    return Rule(margin=until_sure.margin, num_looks=len(stats.looks(until_sure.max_seeds)))


def more_seeds_text(c: Comparison) -> str:
    """Say what it takes to decide a comparison."""
    difference = f"a difference of {100 * c.effect:.2f} points"
    if c.same_answers:
        return "the two are right and wrong on the same images at every seed"
    if c.within_margin:
        return f"the two differ by less than {100 * c.margin:g} points"
    if c.basis == "test images":
        return f"{MIN_SEEDS} seeds or more are needed"
    if c.more_seeds is None:
        return (
            f"even {stats.MAX_SEEDS:,} seeds would not find {difference}: it takes more test images, or steadier seeds"
        )
    return f"{c.more_seeds} more seed{'' if c.more_seeds == 1 else 's'} would find {difference}"


def p_text(p: float) -> str:
    """Write a p-value with its sign of relation, never as a certainty: "= 0.032", "< 0.001", "> 0.999"."""
    return "< 0.001" if p < 0.001 else "> 0.999" if p > 0.999 else f"= {p:.3f}"


def chance_text(c: Comparison) -> str:
    """Write the probability that a new run of a wins, to two digits and never as a certainty."""
    chance = c.chance_a_wins or 0.0
    return "more than 0.99" if chance > 0.99 else "less than 0.01" if chance < 0.01 else f"{chance:.2f}"
