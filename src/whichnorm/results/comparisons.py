"""Paired comparisons of arms over the looks at a study: what each allows to say."""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from whichnorm import stats
from whichnorm.specs.study import StudySpec, UntilSure
from whichnorm.stats import Call, Interval, PairedDifference

CANNOT_TELL: Final = "cannot tell"
MARGIN = 0.005  # half a point: a smaller difference is not worth finding unless somebody asks for it
MIN_SEEDS = 3  # two give an interval too long to be of use

Correct = Mapping[int, NDArray[Any]]  # of one arm: seed to (N,) in [0, 1] over the test images, right being 1
Ends = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Look:
    """A look at a study: the seeds it had, and the share of the error rate that calls at this look may spend."""

    seeds: tuple[int, ...]
    share: float


@dataclass(frozen=True, kw_only=True)
class Rule:
    """When a difference is called: the error rate over all looks together, and the difference that is worth finding.

    `next_share` is that of one more look, None if there is none; `final` is the last one that is planned, as its number
    of seeds and its share.
    """

    looks: tuple[Look, ...]
    alpha: float = 0.05
    margin: float = MARGIN
    next_share: float | None = None
    final: tuple[int, float] | None = None


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Test accuracy of arm a less that of arm b, paired by seed and test image.

    `difference` and the intervals are of the last look, `p_value` and `equivalence_p` the smallest of all looks, each
    divided by its look's share of the error rate: what was called once stays called. Intervals are 95 % over all looks,
    `ci95` on its own and `simultaneous` together with those of all other pairs. What is said of the arm that is named
    best needs no correction: see `for_the_best`. With one common seed there is only an interval over test images, no
    p-value and no call.
    """

    a: str
    b: str
    difference: float
    ci95: Ends
    basis: Literal["seeds and test images", "test images"]
    seeds: tuple[int, ...]
    margin: float = MARGIN
    p_value: float | None = None
    simultaneous: Ends | None = None
    adjusted_p: float | None = None  # corrected for the number of pairs: Shaffer
    own_call: Call = CANNOT_TELL  # by `p_value`: what naming the best arm rests on
    call: Call = CANNOT_TELL  # by `adjusted_p`
    equivalence_p: float | None = None  # that the difference is the margin or more; corrected for all pairs: Holm
    same: bool = False  # the difference is less than the margin, by `equivalence_p`
    same_answers: bool = False  # the two arms predict right and wrong alike, on every image at every seed
    chance_a_wins: float | None = None  # that a new run of a beats one of b at the same seed
    chance_beyond: Ends | None = None  # that b, and that a, is better by more than the margin
    if_called: tuple[float, float, float] | None = None  # difference and 95 % interval, given that it was called
    seeds_needed: tuple[int | None, int | None] | None = None  # in all, at the next look, to call the margin
    chance_settled: float | None = None  # by the last look that is planned

    @property
    def interval(self) -> Ends:
        """The interval that agrees with `call`: together with those of the other pairs, where there are such."""
        return self.simultaneous or self.ci95

    @property
    def settled(self) -> bool:
        """Tell whether more seeds are not needed."""
        return self.call != CANNOT_TELL or self.same or self.same_answers

    def turned(self) -> "Comparison":
        """Return the same as b less a."""
        called = None if self.if_called is None else (0.0 - self.if_called[0], *_turned(self.if_called[1:]))
        return replace(
            self,
            a=self.b,
            b=self.a,
            difference=0.0 - self.difference,  # no negative zero
            ci95=_turned(self.ci95),
            simultaneous=self.simultaneous and _turned(self.simultaneous),
            own_call=TURNED[self.own_call],
            call=TURNED[self.call],
            chance_a_wins=None if self.chance_a_wins is None else 1 - self.chance_a_wins,
            chance_beyond=self.chance_beyond and self.chance_beyond[::-1],
            if_called=called,
        )


TURNED: Mapping[Call, Call] = {"better": "worse", "worse": "better", CANNOT_TELL: CANNOT_TELL}


def _turned(ends: tuple[float, ...]) -> Ends:
    low, high = ends
    return 0.0 - high, 0.0 - low


def rule_of(study: StudySpec) -> Rule:
    """Return the rule of a study: its planned looks where it adds seeds itself, else the looks that were made at it."""
    if study.until_sure:
        return growing_rule(study.seeds, study.until_sure)
    return fixed_rule((*study.looks, study.seeds))


def growing_rule(seeds: Sequence[int], plan: UntilSure) -> Rule:
    """Return the rule of a study that adds seeds itself and has these so far."""
    planned = stats.looks(plan.max_seeds)
    shares = stats.planned_shares(planned)
    made = [number for number in planned if number <= len(seeds)]
    more = len(made) < len(planned)
    return Rule(
        looks=tuple(Look(seeds=tuple(seeds[:n]), share=share) for n, share in zip(made, shares, strict=False)),
        margin=plan.margin,
        next_share=shares[len(made)] if more else None,
        final=(planned[-1], shares[-1]) if more else None,
    )


def fixed_rule(looks: Sequence[tuple[int, ...]], margin: float = MARGIN) -> Rule:
    """Return the rule of a study that was looked at with these seeds, without a plan; the same seeds count once."""
    distinct = [seeds for place, seeds in enumerate(looks) if seeds not in looks[:place]]
    *shares, following = stats.unplanned_shares(len(distinct) + 1)
    made = tuple(Look(seeds=seeds, share=share) for seeds, share in zip(distinct, shares, strict=True))
    return Rule(looks=made, margin=margin, next_share=following)


def compare_arms(correct: Mapping[str, Correct], rule: Rule) -> tuple[Comparison, ...]:
    """Compare every pair of arms that have a seed in common, and call what the corrections for their number leave."""
    pairs = [(a, b) for a, b in itertools.combinations(correct, 2) if set(correct[a]) & set(correct[b])]
    found = [_compare(a, b, correct, rule, len(pairs)) for a, b in pairs]
    return _corrected(found, rule.alpha, lambda p_values: stats.shaffer(p_values, len(correct)))


def for_the_best(comparisons: Sequence[Comparison], best: str) -> tuple[Comparison, ...]:
    """Judge the comparisons of an arm that is named best by themselves: all of them had to be significant."""
    return tuple(
        replace(c, adjusted_p=c.p_value, call=c.own_call, simultaneous=c.ci95)
        if best in (c.a, c.b) and c.own_call != CANNOT_TELL
        else c
        for c in comparisons
    )


def correct_all(comparisons: Sequence[Comparison], alpha: float = 0.05) -> tuple[Comparison, ...]:
    """Correct comparisons of several studies for the number of all of them, by Holm's method."""
    return _corrected(comparisons, alpha, stats.holm)


def _corrected(
    comparisons: Sequence[Comparison], alpha: float, correction: Callable[[Sequence[float]], NDArray[np.float64]]
) -> tuple[Comparison, ...]:
    tested = [place for place, c in enumerate(comparisons) if c.p_value is not None]
    different = correction([comparisons[place].p_value or 0.0 for place in tested]).tolist()
    same = stats.holm([comparisons[place].equivalence_p or 0.0 for place in tested]).tolist()
    judged = list(comparisons)
    for place, p, equivalence_p in zip(tested, different, same, strict=True):
        c = comparisons[place]
        call = c.own_call if p < alpha else CANNOT_TELL
        judged[place] = replace(
            c,
            adjusted_p=p,
            call=call,
            simultaneous=c.simultaneous and _agreeing(c.simultaneous, call),
            equivalence_p=equivalence_p,
            same=equivalence_p < alpha,
        )
    return tuple(judged)


def _agreeing(ends: Ends, call: Call) -> Ends:
    """End an interval at zero where a step-down test calls what a test of all pairs at once would not."""
    low, high = ends
    return (max(low, 0.0) if call == "better" else low, min(high, 0.0) if call == "worse" else high)


def _compare(a: str, b: str, correct: Mapping[str, Correct], rule: Rule, num_pairs: int) -> Comparison:
    seen = [(share, seeds, _tables(a, b, correct, seeds)) for share, seeds in _looks_at(a, b, correct, rule)]
    share, seeds, last = seen[-1]
    if len(seeds) == 1 or last[0].shape[1] == 1:
        interval = stats.image_bootstrap(last[0][0], last[1][0])
        return Comparison(
            a=a, b=b, difference=interval.estimate, ci95=_ends(interval), basis="test images", seeds=seeds,
            margin=rule.margin,
        )  # fmt: skip
    found = [(share, stats.paired_difference(*tables)) for share, seeds, tables in seen if len(seeds) > 1]
    p_value, surest, its_share = min(
        ((one.p_value / share, one, share) for share, one in found), key=lambda each: each[0]
    )
    now, margin = found[-1][1], rule.margin
    own_call: Call = CANNOT_TELL
    if p_value < rule.alpha:
        own_call = "better" if surest.estimate > 0 else "worse"
    selected = stats.given_called(surest, rule.alpha * its_share) if own_call != CANNOT_TELL else None
    return Comparison(
        a=a,
        b=b,
        difference=now.estimate,
        ci95=_ends(now.interval(rule.alpha * share)),
        simultaneous=_ends(now.interval(rule.alpha * share / num_pairs)),
        basis="seeds and test images",
        seeds=seeds,
        margin=margin,
        p_value=min(1.0, p_value),
        own_call=own_call,
        equivalence_p=min(1.0, *(one.equivalence_p_value(margin) / share for share, one in found)),
        same_answers=bool((last[0] == last[1]).all()),
        chance_a_wins=selected.chance_a_wins if selected else now.chance_a_wins,
        chance_beyond=(now.chance_below(-margin), 1 - now.chance_below(margin)),
        if_called=(selected.interval.estimate, selected.interval.low, selected.interval.high) if selected else None,
        seeds_needed=stats.seeds_needed(now, margin, rule.alpha * rule.next_share) if rule.next_share else None,
        chance_settled=_chance_settled(now, rule),
    )


def _chance_settled(found: PairedDifference, rule: Rule) -> float | None:
    if rule.final is None:
        return None
    num_seeds, share = rule.final
    return stats.chance_settled(found, num_seeds, rule.alpha * share, rule.margin)


def _looks_at(
    a: str, b: str, correct: Mapping[str, Correct], rule: Rule
) -> Iterator[tuple[float, tuple[int, ...]]]:  # fmt: skip
    """Yield the share of every look at which two arms had seeds in common, with these seeds."""
    for look in rule.looks:
        seeds = tuple(seed for seed in look.seeds if seed in correct[a] and seed in correct[b])
        if seeds:
            yield look.share, seeds


def _tables(
    a: str, b: str, correct: Mapping[str, Correct], seeds: Sequence[int]
) -> tuple[NDArray[Any], NDArray[Any]]:  # fmt: skip
    """Return two arms' answers, each (num_seeds, N)."""
    one, other = (np.stack([correct[arm][seed] for seed in seeds]) for arm in (a, b))
    return one, other


def _ends(interval: Interval) -> Ends:
    return interval.low, interval.high


def against(best: str, other: str, comparisons: Sequence[Comparison]) -> Comparison | None:
    """Return the comparison of `best` with `other`, in this direction; None if there is none."""
    for c in comparisons:
        if (c.a, c.b) == (best, other):
            return c
        if (c.b, c.a) == (best, other):
            return c.turned()
    return None
