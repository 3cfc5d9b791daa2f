"""Comparisons, calls and the sentences of the verdict, from right and wrong answers made by hand."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from crossed_studies import RNG_SEED, answers

from whichnorm.results.comparisons import DEFAULT_RULE, Comparison, Rule, against, called, compare_arms
from whichnorm.results.verdict import chance_text, decide, more_seeds_text, p_text
from whichnorm.specs.names import listed
from whichnorm.stats import holm, paired_difference, power


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
        "p_value": 0.01, "adjusted_p": 0.02, "chance_a_wins": 0.9, "call": "better", "effect": 0.01, "seeds_needed": 3,
    }  # fmt: skip
    return Comparison(a=a, b=b, **{**values, **changed})


def verdict_of(correct, rule=DEFAULT_RULE, at_chance=frozenset()):
    accuracies = {arm: float(np.mean(list(runs.values()))) for arm, runs in correct.items()}
    return decide(accuracies, compare_arms(correct, rule), set(at_chance), SETTING)


# ----- comparisons


def test_every_pair_is_compared_over_its_common_seeds():
    correct = arms([1.0, 0.9, 0.5], num_seeds=4)
    del correct["b"][1]  # a failed run among the seeds
    found = compare_arms(correct, DEFAULT_RULE)
    assert [(c.a, c.b, c.seeds) for c in found] == [
        ("a", "b", (0, 2, 3)), ("a", "c", (0, 1, 2, 3)), ("b", "c", (0, 2, 3))
    ]  # fmt: skip
    tables = [np.stack([correct[arm][seed] for seed in (0, 2, 3)]) for arm in "ab"]
    want = paired_difference(*tables)
    assert (found[0].difference, found[0].p_value) == (want.estimate, want.p_value)


def test_seeds_are_paired_by_their_number_not_their_order():
    correct = arms([1.0, 0.9])
    turned = {"a": correct["a"], "b": dict(reversed(correct["b"].items()))}
    assert compare_arms(turned, DEFAULT_RULE) == compare_arms(correct, DEFAULT_RULE)


def test_arms_without_a_common_seed_are_not_compared_and_not_told_apart():
    correct = arms([2.0, -2.0])
    correct["b"] = {seed + 10: right for seed, right in correct["b"].items()}
    assert compare_arms(correct, DEFAULT_RULE) == ()
    found = verdict_of(correct)
    assert (found.choice, found.level, found.evidence) == ("cannot tell", ("b",), ())
    assert found.answer == f"Cannot tell a and b apart for {SETTING}."


def test_a_pair_without_a_common_seed_is_not_paid_for():
    correct = arms([1.0, 0.9, 0.8])
    correct["c"] = {9: correct["c"][0]}
    (found,) = compare_arms(correct, DEFAULT_RULE)
    assert found.adjusted_p == found.p_value


@pytest.mark.parametrize("seed", range(5))
def test_calls_are_by_holms_correction_over_all_pairs(seed):
    found = compare_arms(arms([1.0, 0.95, 0.9, 0.7], num_seeds=3, seed=seed), DEFAULT_RULE)
    assert len(found) == 6
    assert [c.adjusted_p for c in found] == pytest.approx(holm([c.p_value for c in found]))
    for c in found:
        assert (c.call != "cannot tell") == (c.adjusted_p < 0.05)
        assert c.call == "cannot tell" or (c.call == "better") == (c.difference > 0)


def test_a_difference_called_on_its_own_may_not_be_among_others():
    alone = comparison(p_value=0.03, adjusted_p=None, call="cannot tell")
    assert called([alone])[0].call == "better"
    assert called([replace(alone, difference=-0.01)])[0].call == "worse"
    among = called([alone, replace(alone, p_value=0.5), replace(alone, p_value=0.001)])
    assert [c.adjusted_p for c in among] == pytest.approx([0.06, 0.5, 0.003])
    assert [c.call for c in among] == ["cannot tell", "cannot tell", "better"]


def test_comparisons_without_a_p_value_are_neither_called_nor_counted():
    one_seed = comparison(p_value=None, adjusted_p=None, call="cannot tell", basis="test images", seeds=(0,))
    found = called([one_seed, comparison(p_value=0.03, adjusted_p=None, call="cannot tell"), one_seed])
    assert [c.call for c in found] == ["cannot tell", "better", "cannot tell"]
    assert found[1].adjusted_p == pytest.approx(0.03)
    assert found[0] == one_seed
    assert called([]) == ()


def test_a_stricter_error_rate_calls_less():
    correct = arms([1.0, 0.95, 0.5], num_seeds=3)
    strict, loose = (compare_arms(correct, Rule(alpha=alpha)) for alpha in (1e-6, 0.3))
    assert all(c.call == "cannot tell" for c in strict)
    assert [c.call for c in loose][1:] == ["better", "better"]
    assert [c.ci95 for c in strict] == [c.ci95 for c in loose]


def test_equal_arms_are_seldom_called_whatever_their_number():
    """400 studies of four equal arms: the share with any call, over all six pairs, is at most 5 %."""
    rng = np.random.default_rng(RNG_SEED)
    calls = []
    for _ in range(400):
        tables = answers(rng, 3, 100, ability=[1.0] * 4, seeds=0.05, images=1.0, arms=4)
        p_values = [paired_difference(a, b).p_value for a, b in itertools.combinations(tables, 2)]
        found = called([comparison(p_value=p, adjusted_p=None, call="cannot tell") for p in p_values])
        calls.append(any(c.call != "cannot tell" for c in found))
    assert np.mean(calls) < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 400)


def test_looks_multiply_p_values_and_lengthen_intervals():
    correct = arms([1.0, 0.9, 0.85], num_seeds=3)
    once, often = compare_arms(correct, Rule()), compare_arms(correct, Rule(num_looks=5))
    tables = [np.stack(list(correct[arm].values())) for arm in "ab"]
    interval = paired_difference(*tables).interval(0.05 / 5)
    assert often[0].ci95 == pytest.approx((interval.low, interval.high))
    for a, b in zip(once, often, strict=True):
        assert b.p_value == pytest.approx(min(1, 5 * a.p_value))
        assert b.ci95[0] < a.ci95[0] < a.ci95[1] < b.ci95[1]
        assert b.seeds_needed is None or b.seeds_needed >= a.seeds_needed


# ----- one seed, two seeds, the very same answers


def test_one_seed_supports_no_conclusion_however_large_the_difference_and_says_how_many_are_needed():
    correct = arms([2.0, -2.0], num_seeds=1)
    (found,) = compare_arms(correct, Rule(margin=0.01))
    assert (found.basis, found.call, found.p_value, found.adjusted_p) == ("test images", "cannot tell", None, None)
    assert found.ci95[0] > 0.3
    assert found.margin == 0.01
    assert not found.settled
    assert more_seeds_text(found) == "3 seeds or more are needed"
    (text,) = verdict_of(correct).evidence
    assert text.endswith("and supports no conclusion: give 3 seeds or more.")


def test_two_seeds_call_a_large_difference_and_not_a_small_one():
    (large,) = compare_arms(arms([2.0, -1.0], num_seeds=2), DEFAULT_RULE)
    (small,) = compare_arms(arms([1.0, 0.95], num_seeds=2), DEFAULT_RULE)
    assert (large.call, large.seeds) == ("better", (0, 1))
    assert small.call == "cannot tell"
    assert small.more_seeds is None or small.more_seeds >= 1


@pytest.mark.parametrize("num_seeds", [1, 2, 5])
def test_the_very_same_answers_cannot_be_told_apart(num_seeds):
    same = arms([1.0], num_seeds=num_seeds)["a"]
    found = compare_arms({"a": same, "b": same, "c": same}, DEFAULT_RULE)
    assert [(c.difference, c.call) for c in found] == [(0.0, "cannot tell")] * 3
    assert all(c.ci95[0] < 0 < c.ci95[1] for c in found)
    assert not np.isnan([end for c in found for end in c.ci95]).any()
    assert all(c.same_answers == c.settled == (num_seeds > 1) for c in found)
    verdict = verdict_of({"a": same, "b": same, "c": same})
    assert verdict.answer == f"Cannot tell a, b and c apart for {SETTING}."
    assert (verdict.choice, verdict.next_best, verdict.level) == ("cannot tell", "", ("b", "c"))


def test_arms_that_answer_alike_are_said_to_and_one_other_answer_is_enough_not_to():
    same = arms([1.0], num_seeds=3)["a"]
    (found,) = compare_arms({"a": same, "b": same}, DEFAULT_RULE)
    assert more_seeds_text(found) == "the two are right and wrong on the same images at every seed"
    other = {seed: right.copy() for seed, right in same.items()}
    other[2][7] = not other[2][7]
    assert not compare_arms({"a": same, "b": other}, DEFAULT_RULE)[0].same_answers


def test_one_test_image_is_compared_without_a_call():
    table = {seed: np.array([True]) for seed in range(3)}
    other = {seed: np.array([False]) for seed in range(3)}
    (found,) = compare_arms({"a": table, "b": other}, DEFAULT_RULE)
    assert (found.difference, found.call, found.p_value) == (1.0, "cannot tell", None)


# ----- the other way round


def test_a_comparison_turned_around_is_that_of_the_arms_turned_around():
    correct = arms([1.0, 0.8], num_seeds=3)
    (there,) = compare_arms(correct, DEFAULT_RULE)
    (back,) = compare_arms(dict(reversed(correct.items())), DEFAULT_RULE)
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


def test_the_seeds_needed_are_for_the_difference_found_or_the_margin_at_the_corrected_level():
    correct = arms([1.0, 0.9, 0.98], num_seeds=5)
    for c in compare_arms(correct, Rule(margin=0.01)):
        assert c.effect == max(abs(c.difference), 0.01)
        mean = paired_difference(*[np.stack(list(correct[arm].values())) for arm in (c.a, c.b)]).mean
        if c.seeds_needed is None:  # even with the seed noise as it was estimated
            assert power(c.effect, 10_000, mean.seed_variance, mean.image_variance, 0.05 / 3)[0] < 0.8
        else:
            assert power(c.effect, 2 * c.seeds_needed, mean.seed_variance, mean.image_variance, 0.05 / 3)[0] > 0.8


def test_a_larger_margin_needs_no_more_seeds():
    correct = arms([1.0, 1.0], num_seeds=4, num_images=3000)
    needed = [compare_arms(correct, Rule(margin=margin))[0].seeds_needed for margin in (0.02, 0.05, 0.1)]
    assert needed == sorted(needed, reverse=True)


@pytest.mark.parametrize(("needed", "more"), [(9, 6), (4, 1), (3, 1), (2, 1), (None, None)])
def test_there_is_at_least_one_seed_to_add(needed, more):
    assert comparison(seeds_needed=needed, call="cannot tell").more_seeds == more


# ----- sentences


UNSURE = comparison(call="cannot tell", ci95=(-0.02, 0.04), adjusted_p=0.4)


def test_cannot_tell_says_how_many_more_seeds_would_tell_which_difference():
    assert more_seeds_text(replace(UNSURE, seeds_needed=9)) == "6 more seeds would find a difference of 1.00 points"
    assert more_seeds_text(replace(UNSURE, seeds_needed=4)) == "1 more seed would find a difference of 1.00 points"


def test_cannot_tell_says_where_no_number_of_seeds_is_enough():
    assert more_seeds_text(replace(UNSURE, seeds_needed=None)) == (
        "even 1,000 seeds would not find a difference of 1.00 points: it takes more test images, or steadier seeds"
    )
    few_images = arms([1.0, 0.9], num_seeds=5, num_images=60)
    (found,) = compare_arms(few_images, DEFAULT_RULE)
    assert found.seeds_needed is None
    assert verdict_of(few_images).evidence[0].endswith("it takes more test images, or steadier seeds.")


def test_a_difference_within_the_margin_is_settled_without_a_call():
    small = replace(UNSURE, ci95=(-0.003, 0.004), margin=0.005)
    assert small.within_margin
    assert small.settled
    assert more_seeds_text(small) == "the two differ by less than 0.5 points"
    assert not replace(small, ci95=(-0.003, 0.005)).settled
    assert not replace(small, ci95=(-0.005, 0.003)).settled
    assert not replace(small, basis="test images").settled


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
    comparisons = [comparison("a", other, call=call) for other, call in calls.items()]
    accuracies = {"a": 0.9, **{other: 0.8 - place / 10 for place, other in enumerate(calls)}}
    return decide(accuracies, comparisons, set(), SETTING)


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
    assert found.answer == f"Cannot tell a and b apart for {SETTING}. c is worse than a."
    assert decided(b="cannot tell", c="better", d="better").answer.endswith("c and d are worse than a.")
    level = decided(b="cannot tell", c="cannot tell")
    assert level.answer == f"Cannot tell a, b and c apart for {SETTING}."
    assert level.evidence[0].endswith("p = 0.020: cannot tell; 1 more seed would find a difference of 1.00 points.")


def test_no_arm_and_one_arm_have_a_verdict():
    assert decide({}, [], set(), SETTING).answer == "Cannot tell: no run finished."
    found = decide({"a": 0.9}, [], set(), SETTING)
    assert found.answer == "Cannot tell: a is the only arm; there is nothing to compare it with."
    assert found.choice == "cannot tell"
    found = decide({"a": 0.9}, [], set(), SETTING, without_runs=["b", "c"])
    assert found.answer == "Cannot tell: a is the only arm; no run of b and c finished."


def test_of_two_arms_the_worse_is_not_called_the_next_best():
    found = verdict_of(arms([1.5, 0.2], num_seeds=3))
    assert found.choice == "a"
    assert found.answer == f"Use a for {SETTING}: it is better than b."


def test_an_arm_of_which_no_run_finished_is_named():
    found = decide({"a": 0.9, "b": 0.8}, [comparison("a", "b", call="better")], set(), SETTING, without_runs=["c"])
    assert found.choice == "a"
    assert found.evidence[-1] == "No run finished of c."


def test_what_is_said_needs_no_more_seeds():
    for call, seeds in (("better", 0), ("worse", 0), ("cannot tell", 2)):
        assert replace(comparison("a", "b", call=call), seeds_needed=5).more_seeds == seeds


def test_a_best_arm_at_chance_is_not_recommended():
    found = verdict_of(arms([1.5, 0.2], num_seeds=3), at_chance={"a"})
    assert (found.choice, found.next_best) == ("cannot tell", "")
    assert found.answer == "Cannot tell: even the best arm, a, stayed at chance."
    assert found.evidence[-1] == "Stayed at chance: a."
