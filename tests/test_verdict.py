"""Comparisons, calls and the sentences of the verdict, from right and wrong answers made by hand."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from crossed_studies import RNG_SEED, answers

from whichnorm.results.comparisons import (
    Comparison,
    Look,
    Rule,
    against,
    compare_arms,
    correct_all,
    fixed_rule,
)
from whichnorm.results.verdict import Failures, chance_text, decide, judge, more_seeds_text, p_text
from whichnorm.specs.names import listed
from whichnorm.stats import given_called, holm, paired_difference, planned_shares, power, shaffer


@pytest.fixture(autouse=True)
def _arms_by_letters(monkeypatch):
    """Arms are a, b and c here, and are called so."""
    for room in ("specs.names", "results.verdict"):
        monkeypatch.setattr(f"whichnorm.{room}.arm_title", str)


SETTING = "net on made-up with the recipe plain at batch size 32"


def arms(ability, *, num_seeds=4, num_images=1000, seed=0, seeds=0.05, images=1.0):
    """Right and wrong answers of arms a, b, c, ... as compare_arms takes them: by arm and seed."""
    rng = np.random.default_rng(seed)
    tables = answers(rng, num_seeds, num_images, ability=ability, seeds=seeds, images=images, arms=len(ability))
    return {name: dict(enumerate(table)) for name, table in zip("abcdefgh", tables, strict=False)}


def comparison(a="a", b="b", **changed):
    values = {
        "difference": 0.01, "ci95": (0.002, 0.018), "basis": "seeds and test images", "seeds": (0, 1, 2),
        "p_value": 0.01, "adjusted_p": 0.02, "chance_a_wins": 0.9, "call": "better", "own_call": "better",
        "equivalence_p": 1.0, "seeds_needed": (12, 90),
    }  # fmt: skip
    return Comparison(a=a, b=b, **{**values, **changed})


def compared(correct, *, margin=0.005, alpha=0.05):
    """Compare arms at the first look at all of their seeds."""
    seeds = tuple(sorted({seed for runs in correct.values() for seed in runs}))
    return compare_arms(correct, replace(fixed_rule([seeds], margin), alpha=alpha))


def verdict_of(correct, **changed):
    accuracies = {arm: float(np.mean(list(runs.values()))) for arm, runs in correct.items()}
    outcome, comparisons = judge(accuracies, compared(correct))
    return decide(outcome, accuracies, comparisons, SETTING, **changed)


# ----- comparisons


def test_every_pair_is_compared_over_its_common_seeds():
    correct = arms([1.0, 0.9, 0.5], num_seeds=4)
    del correct["b"][1]  # a failed run among the seeds
    found = compared(correct)
    assert [(c.a, c.b, c.seeds) for c in found] == [
        ("a", "b", (0, 2, 3)), ("a", "c", (0, 1, 2, 3)), ("b", "c", (0, 2, 3))
    ]  # fmt: skip
    tables = [np.stack([correct[arm][seed] for seed in (0, 2, 3)]) for arm in "ab"]
    want = paired_difference(*tables)
    assert (found[0].difference, found[0].p_value) == (want.estimate, want.p_value / 0.8)


def test_seeds_are_paired_by_their_number_not_their_order():
    correct = arms([1.0, 0.9])
    turned = {"a": correct["a"], "b": dict(reversed(correct["b"].items()))}
    assert compared(turned) == compared(correct)


def test_arms_without_a_common_seed_are_not_compared_and_not_told_apart():
    correct = arms([2.0, -2.0])
    correct["b"] = {seed + 10: right for seed, right in correct["b"].items()}
    assert compared(correct) == ()
    found = verdict_of(correct)
    assert (found.choice, found.level, found.evidence) == ("cannot tell", ("b",), ())
    assert found.answer == f"Cannot tell a and b apart for {SETTING}."


def test_a_pair_without_a_common_seed_is_not_paid_for():
    correct = arms([1.0, 0.9, 0.8])
    correct["c"] = {9: correct["c"][0]}
    (found,) = compared(correct)
    assert found.adjusted_p == found.p_value


@pytest.mark.parametrize("seed", range(5))
def test_calls_are_by_shaffers_correction_over_all_pairs(seed):
    found = compared(arms([1.0, 0.95, 0.9, 0.7], num_seeds=3, seed=seed))
    assert len(found) == 6
    assert [c.adjusted_p for c in found] == pytest.approx(shaffer([c.p_value for c in found], 4))
    for c in found:
        assert (c.call != "cannot tell") == (c.adjusted_p < 0.05)
        assert c.call == "cannot tell" or (c.call == "better") == (c.difference > 0)


def test_a_difference_called_on_its_own_may_not_be_among_others():
    alone = comparison(p_value=0.03, adjusted_p=None, call="cannot tell")
    assert correct_all([alone])[0].call == "better"
    assert correct_all([replace(alone, own_call="worse")])[0].call == "worse"
    among = correct_all([alone, replace(alone, p_value=0.5, own_call="cannot tell"), replace(alone, p_value=0.001)])
    assert [c.adjusted_p for c in among] == pytest.approx([0.06, 0.5, 0.003])
    assert [c.call for c in among] == ["cannot tell", "cannot tell", "better"]


def test_comparisons_without_a_p_value_are_neither_called_nor_counted():
    one_seed = comparison(p_value=None, adjusted_p=None, call="cannot tell", basis="test images", seeds=(0,))
    found = correct_all([one_seed, comparison(p_value=0.03, adjusted_p=None, call="cannot tell"), one_seed])
    assert [c.call for c in found] == ["cannot tell", "better", "cannot tell"]
    assert found[1].adjusted_p == pytest.approx(0.03)
    assert found[0] == one_seed
    assert correct_all([]) == ()


def test_a_stricter_error_rate_calls_less():
    correct = arms([1.0, 0.95, 0.5], num_seeds=3)
    strict, loose = (compared(correct, alpha=alpha) for alpha in (1e-6, 0.3))
    assert all(c.call == "cannot tell" for c in strict)
    assert [c.call for c in loose][1:] == ["better", "better"]
    assert all(a.ci95[0] < b.ci95[0] for a, b in zip(strict, loose, strict=True))


def test_equal_arms_are_seldom_called_whatever_their_number():
    """400 studies of four equal arms: the share with any call, over all six pairs, is at most 5 %."""
    rng = np.random.default_rng(RNG_SEED)
    calls = []
    for _ in range(400):
        tables = answers(rng, 3, 100, ability=[1.0] * 4, seeds=0.05, images=1.0, arms=4)
        p_values = [paired_difference(a, b).p_value for a, b in itertools.combinations(tables, 2)]
        found = correct_all([comparison(p_value=p, own_call="better" if p < 0.05 else "cannot tell") for p in p_values])
        calls.append(any(c.call != "cannot tell" for c in found))
    assert np.mean(calls) < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 400)


def looked_at(numbers, shares):
    return Rule(looks=tuple(Look(seeds=tuple(range(n)), share=w) for n, w in zip(numbers, shares, strict=True)))


def test_p_values_are_the_smallest_of_all_looks_divided_by_their_shares_and_numbers_those_of_the_last():
    correct = arms([1.0, 0.9], num_seeds=5)
    (found,) = compare_arms(correct, looked_at((3, 5), (0.3, 0.7)))
    tables = {n: [np.stack([correct[arm][seed] for seed in range(n)]) for arm in "ab"] for n in (3, 5)}
    each = {n: paired_difference(*of_look) for n, of_look in tables.items()}
    assert found.p_value == pytest.approx(min(1, each[3].p_value / 0.3, each[5].p_value / 0.7))
    interval = each[5].interval(0.05 * 0.7)
    assert (found.difference, found.ci95) == (each[5].estimate, pytest.approx((interval.low, interval.high)))
    assert found.seeds == tuple(range(5))


def test_what_was_called_at_a_look_stays_called():
    """Three seeds of a clear difference, and then three that undo it: the call was paid for."""
    correct = arms([2.0, 0.5], num_seeds=3, seeds=0.0, num_images=4000)
    undone = {seed + 3: runs for seed, runs in correct["a"].items()}
    correct = {"a": correct["a"] | {seed + 3: runs for seed, runs in correct["b"].items()}, "b": correct["b"] | undone}
    (found,) = compare_arms(correct, looked_at((3, 6), (0.5, 0.5)))
    assert found.difference == pytest.approx(0, abs=0.01)
    assert (found.own_call, found.call) == ("better", "better")
    (alone,) = compare_arms(correct, looked_at((6,), (1.0,)))
    assert alone.call == "cannot tell"


def test_equal_arms_are_seldom_called_at_any_look_of_a_growing_study():
    rng, rule = np.random.default_rng(RNG_SEED), looked_at((3, 5, 8), planned_shares((3, 5, 8)))
    unplanned = fixed_rule([tuple(range(n)) for n in (3, 8)])
    calls = []
    for _ in range(300):
        tables = answers(rng, 8, 100, ability=[1.0] * 3, seeds=0.05, images=1.0, arms=3)
        correct = {name: dict(enumerate(table)) for name, table in zip("abc", tables, strict=True)}
        found = [compare_arms(correct, one) for one in (rule, unplanned)]
        calls.append([any(c.call != "cannot tell" for c in of_rule) for of_rule in found])
    assert (np.mean(calls, axis=0) < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 300)).all()


def test_the_same_seeds_are_one_look():
    rule = fixed_rule([(0, 1, 2), (0, 1, 2, 3), (0, 1, 2)])
    assert [look.seeds for look in rule.looks] == [(0, 1, 2), (0, 1, 2, 3)]
    assert [look.share for look in rule.looks] == pytest.approx([0.8, 0.16])
    assert rule.next_share == pytest.approx(0.032)


# ----- what is said beside a call


def test_a_called_difference_has_an_estimate_given_that_it_was_called():
    correct = arms([1.2, 0.8], num_seeds=3)
    (found,) = compared(correct)
    want = given_called(paired_difference(*[np.stack(list(correct[arm].values())) for arm in "ab"]), 0.8 * 0.05)
    assert found.call == "better"
    assert found.if_called == pytest.approx((want.interval.estimate, want.interval.low, want.interval.high))
    assert found.chance_a_wins == pytest.approx(want.chance_a_wins)


def test_an_open_difference_has_its_chances_of_being_beyond_the_margin():
    correct = arms([1.0, 0.99], num_seeds=5)
    (found,) = compared(correct, margin=0.02)
    pair = paired_difference(*[np.stack(list(correct[arm].values())) for arm in "ab"])
    assert found.if_called is None
    assert found.chance_beyond == pytest.approx((pair.chance_below(-0.02), 1 - pair.chance_below(0.02)))


def test_arms_are_the_same_by_two_one_sided_tests_corrected_for_all_pairs():
    correct = arms([1.0, 1.0, 1.0], num_seeds=6, num_images=4000, seeds=0.01, images=0.1)
    found = compared(correct, margin=0.03)
    each = [
        paired_difference(*[np.stack(list(correct[arm].values())) for arm in pair]).equivalence_p_value(0.03) / 0.8
        for pair in itertools.combinations("abc", 2)
    ]
    assert [c.equivalence_p for c in found] == pytest.approx(holm(each))
    assert [c.same for c in found] == [p < 0.05 for p in holm(each)]
    assert any(c.same for c in found)


def test_intervals_of_all_pairs_agree_with_the_calls():
    for seed in range(8):
        for c in compared(arms([1.0, 0.95, 0.85, 0.7], num_seeds=3, seed=seed)):
            low, high = c.simultaneous
            assert low <= c.ci95[0] <= c.ci95[1] <= high or c.call != "cannot tell"
            assert (c.call == "better") <= (low >= 0)
            assert (c.call == "worse") <= (high <= 0)
            assert (c.call == "cannot tell") <= (low < 0 < high)


# ----- the best arm


def test_the_best_is_named_where_all_of_its_own_comparisons_are_significant_without_a_correction():
    pairs = [comparison("a", "b", p_value=0.04, adjusted_p=0.12, call="cannot tell"),
             comparison("a", "c", p_value=0.04, adjusted_p=0.12, call="cannot tell"),
             comparison("b", "c", p_value=0.5, adjusted_p=0.5, call="cannot tell", own_call="cannot tell")]  # fmt: skip
    outcome, judged = judge({"b": 0.8, "a": 0.9, "c": 0.7}, pairs)
    assert (outcome.kind, outcome.front, outcome.beaten) == ("best", "a", ("b", "c"))
    assert [(c.call, c.adjusted_p) for c in judged] == [("better", 0.04), ("better", 0.04), ("cannot tell", 0.5)]
    pairs[0] = replace(pairs[0], p_value=0.06, own_call="cannot tell")
    outcome, judged = judge({"b": 0.8, "a": 0.9, "c": 0.7}, pairs)
    assert (outcome.kind, outcome.level) == ("cannot tell", ("b", "c"))
    assert judged == tuple(pairs)


def test_an_arm_that_is_worse_than_any_other_is_out():
    pairs = [comparison("a", "b", call="cannot tell", own_call="cannot tell"),
             comparison("a", "c", call="cannot tell", own_call="cannot tell"), comparison("b", "c")]  # fmt: skip
    outcome, _ = judge({"a": 0.9, "b": 0.85, "c": 0.7}, pairs)
    assert (outcome.kind, outcome.level, outcome.beaten) == ("cannot tell", ("b",), ("c",))


def test_the_best_are_the_same_where_every_pair_of_them_is():
    level = {"call": "cannot tell", "own_call": "cannot tell"}
    pairs = [comparison("a", "b", same=True, **level), comparison("a", "c"), comparison("b", "c")]
    outcome, _ = judge({"a": 0.9, "b": 0.899, "c": 0.7}, pairs)
    assert (outcome.kind, outcome.level, outcome.beaten) == ("same", ("b",), ("c",))
    found = decide(outcome, {"a": 0.9, "b": 0.899, "c": 0.7}, pairs, SETTING)
    assert found.answer == f"a and b are the same within 0.5 points for {SETTING}: take either. c is worse."
    assert found.choice == "cannot tell"
    three = [
        comparison("a", "b", same=True, **level),
        comparison("a", "c", same=True, **level),
        comparison("b", "c", **level),
    ]
    assert judge({"a": 0.9, "b": 0.899, "c": 0.898}, three)[0].kind == "cannot tell"


@pytest.mark.parametrize("num_arms", [2, 3, 5])
def test_the_best_of_equal_arms_is_seldom_named(num_arms):
    """400 studies in which two arms are best and the others worse by a little, or all are equal."""
    rng, named = np.random.default_rng([RNG_SEED, num_arms]), []
    for _ in range(400):
        tables = answers(rng, 3, 100, ability=[1.0] * num_arms, seeds=0.05, images=1.0, arms=num_arms)
        correct = {name: dict(enumerate(table)) for name, table in zip("abcde", tables, strict=False)}
        named.append(
            judge({arm: float(np.mean(list(runs.values()))) for arm, runs in correct.items()}, compared(correct))[
                0
            ].kind
            == "best"
        )
    assert np.mean(named) < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 400)


# ----- one seed, two seeds, the very same answers


def test_one_seed_supports_no_conclusion_however_large_the_difference_and_says_how_many_are_needed():
    correct = arms([2.0, -2.0], num_seeds=1)
    (found,) = compared(correct, margin=0.01)
    assert (found.basis, found.call, found.p_value, found.adjusted_p) == ("test images", "cannot tell", None, None)
    assert found.ci95[0] > 0.3
    assert found.margin == 0.01
    assert not found.settled
    assert more_seeds_text(found) == "3 seeds or more are needed"
    (text,) = verdict_of(correct).evidence
    assert text.endswith("and supports no conclusion: give 3 seeds or more.")


def test_two_seeds_call_a_large_difference_and_not_a_small_one():
    (large,) = compared(arms([2.0, -1.0], num_seeds=2))
    (small,) = compared(arms([1.0, 0.95], num_seeds=2))
    assert (large.call, large.seeds) == ("better", (0, 1))
    assert small.call == "cannot tell"
    assert small.seeds_needed[1] is None or small.seeds_needed[0] >= 2


@pytest.mark.parametrize("num_seeds", [1, 2, 5])
def test_the_very_same_answers_cannot_be_told_apart(num_seeds):
    same = arms([1.0], num_seeds=num_seeds)["a"]
    found = compared({"a": same, "b": same, "c": same})
    assert [(c.difference, c.call) for c in found] == [(0.0, "cannot tell")] * 3
    assert all(c.ci95[0] < 0 < c.ci95[1] for c in found)
    assert not np.isnan([end for c in found for end in c.ci95]).any()
    assert all(c.same_answers == c.settled == (num_seeds > 1) for c in found)
    verdict = verdict_of({"a": same, "b": same, "c": same})
    said = {True: f"a, b and c are the same within 0.5 points for {SETTING}: take either."}
    assert verdict.answer == said.get(num_seeds > 1, f"Cannot tell a, b and c apart for {SETTING}.")
    assert (verdict.choice, verdict.next_best, verdict.level) == ("cannot tell", "", ("b", "c"))


def test_arms_that_answer_alike_are_said_to_and_one_other_answer_is_enough_not_to():
    same = arms([1.0], num_seeds=3)["a"]
    (found,) = compared({"a": same, "b": same})
    assert more_seeds_text(found) == "the two are right and wrong on the same images at every seed"
    other = {seed: right.copy() for seed, right in same.items()}
    other[2][7] = not other[2][7]
    assert not compared({"a": same, "b": other})[0].same_answers


def test_one_test_image_is_compared_without_a_call():
    table = {seed: np.array([True]) for seed in range(3)}
    other = {seed: np.array([False]) for seed in range(3)}
    (found,) = compared({"a": table, "b": other})
    assert (found.difference, found.call, found.p_value) == (1.0, "cannot tell", None)


# ----- the other way round


def test_a_comparison_turned_around_is_that_of_the_arms_turned_around():
    correct = arms([1.0, 0.8], num_seeds=3)
    (there,) = compared(correct)
    (back,) = compared(dict(reversed(correct.items())))
    turned = there.turned()
    assert (turned.a, turned.b, turned.call, turned.seeds_needed) == (back.a, back.b, back.call, back.seeds_needed)
    for name in ("difference", "ci95", "p_value", "adjusted_p", "chance_a_wins"):
        assert getattr(turned, name) == pytest.approx(getattr(back, name))
    assert turned.turned() == replace(there, chance_a_wins=pytest.approx(there.chance_a_wins))


def test_turning_leaves_no_negative_zero_and_swaps_the_call():
    turned = comparison(difference=0.0, ci95=(0.0, 0.1), chance_a_wins=None).turned()
    assert "-0.0" not in f"{turned.difference} {turned.ci95[1]}"
    assert (turned.call, turned.chance_a_wins) == ("worse", None)
    assert comparison(call="worse").turned().call == "better"
    assert comparison(call="cannot tell").turned().call == "cannot tell"


def test_a_comparison_is_found_in_either_direction():
    known = comparison("a", "b")
    assert against("a", "b", [known]) == known
    assert against("b", "a", [known]) == known.turned()
    assert against("a", "c", [known]) is None


@pytest.mark.parametrize("order", list(itertools.permutations("abc")), ids="".join)
def test_the_verdict_does_not_depend_on_the_order_of_the_arms(order):
    correct = arms([1.5, 0.8, 0.2], num_seeds=3)
    assert verdict_of({arm: correct[arm] for arm in order}) == verdict_of(correct)


# ----- the number of seeds


def test_the_seeds_needed_are_for_the_margin_at_the_share_of_the_next_look():
    correct = arms([1.0, 0.9, 0.98], num_seeds=5, num_images=5000)
    for c in compared(correct, margin=0.02):
        mean = paired_difference(*[np.stack(list(correct[arm].values())) for arm in (c.a, c.b)]).mean
        low, high = c.seeds_needed
        assert low < high
        for seeds, ends in ((low, np.less), (high, np.greater)):  # the seed variance as estimated lies between
            assert ends(power(0.02, seeds, mean.seed_variance, mean.image_variance, 0.05 * 0.16), 0.8)


def test_a_larger_margin_needs_no_more_seeds():
    correct = arms([1.0, 1.0], num_seeds=4, num_images=3000)
    needed = [compared(correct, margin=margin)[0].seeds_needed[0] for margin in (0.02, 0.05, 0.1)]
    assert needed == sorted(needed, reverse=True)
    assert needed[0] > needed[-1]


# ----- sentences


UNSURE = comparison(call="cannot tell", own_call="cannot tell", ci95=(-0.02, 0.04), adjusted_p=0.4)


@pytest.mark.parametrize(
    ("needed", "said"),
    [
        ((12, 90), "to find a difference of 0.5 points takes 12 to 90 seeds in all"),
        ((4, 4), "to find a difference of 0.5 points takes 4 seeds in all"),
        ((700, None), "to find a difference of 0.5 points takes 700 to more than 1,000 seeds in all"),
        ((None, None), "even 1,000 seeds would not find a difference of 0.5 points: it takes more test images"),
        (None, "no further look is planned"),
    ],
)
def test_cannot_tell_says_how_many_seeds_find_the_margin(needed, said):
    assert more_seeds_text(replace(UNSURE, seeds_needed=needed)) == said


def test_few_images_are_said_to_be_what_is_missing():
    few_images = arms([1.0, 0.9], num_seeds=5, num_images=60)
    (found,) = compared(few_images)
    assert found.seeds_needed == (None, None)
    assert "it takes more test images. With a probability of " in verdict_of(few_images).evidence[0]


def test_the_same_is_settled_without_a_call():
    small = replace(UNSURE, same=True)
    assert small.settled
    assert more_seeds_text(small) == "the two are the same within 0.5 points"
    assert not UNSURE.settled


@pytest.mark.parametrize(
    ("p", "said"),
    [
        (1.0, "> 0.999"), (0.9999, "> 0.999"), (0.999, "= 0.999"), (0.0321, "= 0.032"), (0.001, "= 0.001"),
        (0.00099, "< 0.001"), (1e-12, "< 0.001"), (0.0, "< 0.001"),
    ],
)  # fmt: skip
def test_p_values_are_never_written_as_zero_or_one(p, said):
    assert p_text(p) == said


@pytest.mark.parametrize(
    ("chance", "said"),
    [
        (1.0, "more than 0.99"), (0.996, "more than 0.99"), (0.99, "0.99"), (0.857, "0.86"), (0.5, "0.50"),
        (0.01, "0.01"), (0.004, "less than 0.01"), (0.0, "less than 0.01"),
    ],
)  # fmt: skip
def test_chances_are_never_written_as_zero_or_one(chance, said):
    assert chance_text(comparison(chance_a_wins=chance)) == said


def test_lists_read_as_sentences():
    assert [listed(names) for names in (["a"], ["a", "b"], ["a", "b", "c"])] == ["a", "a and b", "a, b and c"]


def decided(**calls):
    """The verdict on a (best), b and c, given a's calls against these."""
    comparisons = [comparison("a", other, p_value=0.02, call=call, own_call=call) for other, call in calls.items()]
    accuracies = {"a": 0.9, **{other: 0.8 - place / 10 for place, other in enumerate(calls)}}
    outcome, judged = judge(accuracies, comparisons)
    return decide(outcome, accuracies, judged, SETTING)


def test_a_verdict_names_the_best_and_the_next_best():
    found = decided(b="better", c="better")
    assert (found.choice, found.next_best, found.level) == ("a", "b", ())
    assert found.answer == (
        f"Use a for {SETTING}: it is better than b and c. Next best: b, not distinguishable from c."
    )
    assert found.evidence[0] == (
        "a − b: +1.00 points of test accuracy [+0.20, +1.80], n = 3 seeds, p = 0.020; "
        "a new run of a beats one of b with a probability of 0.90."
    )
    assert found.text == " ".join([found.answer, *found.evidence])


def test_a_verdict_names_the_arms_level_with_the_best_and_those_that_are_worse():
    found = decided(b="cannot tell", c="better")
    assert (found.choice, found.next_best, found.level) == ("cannot tell", "", ("b",))
    assert found.answer == f"Cannot tell a and b apart for {SETTING}. c is worse."
    assert decided(b="cannot tell", c="better", d="better").answer.endswith("c and d are worse.")
    level = decided(b="cannot tell", c="cannot tell")
    assert level.answer == f"Cannot tell a, b and c apart for {SETTING}."
    assert level.evidence[0].endswith(
        "p = 0.020: cannot tell; to find a difference of 0.5 points takes 12 to 90 seeds in all."
    )


def test_no_arm_and_one_arm_have_a_verdict():
    assert decide(None, {}, [], SETTING).answer == "Cannot tell: no run finished."
    found = decide(None, {"a": 0.9}, [], SETTING)
    assert found.answer == "Cannot tell: a is the only arm; there is nothing to compare it with."
    assert found.choice == "cannot tell"
    lost = [Failures(arm=arm, failed=3, runs=3) for arm in "bc"]
    found = decide(None, {"a": 0.9}, [], SETTING, failures=lost)
    assert found.answer == "Cannot tell: a is the only arm; no run of b and c finished."


def test_of_two_arms_the_worse_is_not_called_the_next_best():
    found = verdict_of(arms([1.5, 0.2], num_seeds=3))
    assert found.choice == "a"
    assert found.answer == f"Use a for {SETTING}: it is better than b."


def test_an_arm_of_which_no_run_finished_is_named():
    pairs, accuracies = [comparison("a", "b")], {"a": 0.9, "b": 0.8}
    outcome, judged = judge(accuracies, pairs)
    lost = [Failures(arm="c", failed=3, runs=3)]
    found = decide(outcome, accuracies, judged, SETTING, failures=lost, with_failures=outcome)
    assert found.choice == "a"
    assert found.evidence[0] == "3 of 3 runs of c did not finish: up to 100 % of its runs may not."


def test_a_lead_that_failed_runs_take_away_is_no_answer():
    accuracies = {"a": 0.9, "b": 0.8}
    outcome, judged = judge(accuracies, [comparison("a", "b")])
    turned, _ = judge({"a": 0.5, "b": 0.8}, [comparison("a", "b", call="worse", own_call="worse", difference=-0.3)])
    lost = [Failures(arm="a", failed=2, runs=5)]
    found = decide(outcome, accuracies, judged, SETTING, failures=lost, with_failures=turned)
    assert (found.kind, found.choice, found.next_best) == ("cannot tell", "cannot tell", "")
    assert found.answer == (
        f"Cannot tell for {SETTING}: a is better where it trains, but 2 of its 5 runs did not finish; with these "
        "counted as guesses, b is better."
    )
    assert found.evidence[-1] == "With runs that did not finish counted as guesses, b is the best."


def test_failed_runs_of_another_arm_take_no_lead_away():
    """Counted as guesses they make its differences uneven, so that chance may explain them; that is not the best's."""
    accuracies, level = {"a": 0.9, "b": 0.8}, {"call": "cannot tell", "own_call": "cannot tell"}
    outcome, judged = judge(accuracies, [comparison("a", "b")])
    counted, _ = judge({"a": 0.9, "b": 0.6}, [comparison("a", "b", **level)])
    lost = [Failures(arm="b", failed=1, runs=5)]
    found = decide(outcome, accuracies, judged, SETTING, failures=lost, with_failures=counted)
    assert (found.kind, found.choice) == ("best", "a")
    assert (
        found.evidence[-1] == "With runs that did not finish counted as guesses, these cannot be told apart: a and b."
    )


def test_a_best_arm_at_chance_is_not_recommended():
    found = verdict_of(arms([1.5, 0.2], num_seeds=3), at_chance=["a"])
    assert (found.choice, found.next_best) == ("cannot tell", "")
    assert found.answer == "Cannot tell: even the best arm, a, stayed at chance."
