"""Intervals against scipy, formulas by hand, and how often they hold the truth."""

import math

import numpy as np
import pytest
from scipy import stats as scipy_stats

from whichnorm.stats import (
    Interval,
    call,
    image_bootstrap,
    mean_interval,
    paired_interval,
    proportion_interval,
)

RNG_SEED = 20240501


def samples(n, seed=0):
    return np.random.default_rng(seed).normal(0.9, 0.01, size=n)


def answers(counts):
    """Return paired booleans of test images: a alone is right, b alone is right, both are, none is."""
    a_only, b_only, both, neither = counts
    a = np.repeat([True, False, True, False], [a_only, b_only, both, neither])
    b = np.repeat([False, True, True, False], [a_only, b_only, both, neither])
    return a, b


# ----- Student's t


@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.99])
@pytest.mark.parametrize("n", [2, 3, 5, 30])
def test_the_interval_of_a_mean_is_students(n, confidence):
    values = samples(n)
    low, high = scipy_stats.t.interval(confidence, n - 1, loc=values.mean(), scale=scipy_stats.sem(values))
    got = mean_interval(values.tolist(), confidence=confidence)
    assert (got.estimate, got.low, got.high) == pytest.approx((values.mean(), low, high), rel=1e-12)


@pytest.mark.parametrize("n", [2, 3, 5, 30])
def test_the_interval_of_pairs_is_that_of_the_paired_t_test(n):
    a = samples(n)
    b = a - 0.004 + samples(n, seed=1) / 100
    want = scipy_stats.ttest_rel(a, b).confidence_interval(0.95)
    got = paired_interval(a.tolist(), b.tolist())
    assert (got.low, got.high) == pytest.approx((want.low, want.high), rel=1e-9)
    assert got.estimate == pytest.approx(np.mean(a) - np.mean(b))


def test_three_values_by_hand():
    got = mean_interval([0.90, 0.92, 0.94])  # s = 0.02, t(2 degrees, 97.5 %) = 4.302653
    half = 4.302652729911275 * 0.02 / math.sqrt(3)
    assert (got.low, got.estimate, got.high) == pytest.approx((0.92 - half, 0.92, 0.92 + half))


def test_pairing_takes_out_what_the_seeds_have_in_common():
    a = np.array([0.80, 0.90, 0.85])
    got = paired_interval(a, a - np.array([0.010, 0.011, 0.012]))
    assert got.low > 0
    assert paired_interval(a, a[::-1]).low < 0


def test_pairs_the_other_way_round_turn_the_interval():
    a, b = samples(5), samples(5, seed=1)
    there, back = paired_interval(a, b), paired_interval(b, a)
    assert (there.estimate, there.low, there.high) == pytest.approx((-back.estimate, -back.high, -back.low))


def test_values_that_agree_have_the_spread_of_the_resolution():
    got = mean_interval([0.91, 0.91, 0.91], resolution=1e-3)
    half = scipy_stats.t.ppf(0.975, 2) * 1e-3 / math.sqrt(3)
    assert (got.low, got.high) == pytest.approx((0.91 - half, 0.91 + half), rel=1e-12)
    equal = paired_interval([0.9, 0.8], [0.9, 0.8], resolution=0.01)
    assert (equal.estimate, equal.high) == pytest.approx((0.0, scipy_stats.t.ppf(0.975, 1) * 0.01 / math.sqrt(2)))
    assert call(equal) == "cannot tell"


def test_a_spread_above_the_resolution_is_left_as_it_is():
    values = samples(4)
    assert mean_interval(values, resolution=1e-6) == mean_interval(values)
    assert mean_interval(values, resolution=0.5).high > mean_interval(values).high


@pytest.mark.parametrize("values", [[], [0.9], [[0.9, 0.8], [0.7, 0.6]]], ids=str)
def test_an_interval_needs_two_values_in_a_row(values):
    with pytest.raises(ValueError, match="at least 2"):
        mean_interval(values)


def test_pairs_need_equal_lengths():
    with pytest.raises(ValueError, match="equal lengths, got 2 and 3"):
        paired_interval([1, 2], [1, 2, 3])


def test_an_interval_is_clipped_at_both_ends_and_keeps_its_estimate():
    assert Interval(0.99, 0.95, 1.03).clipped(0, 1) == Interval(0.99, 0.95, 1)
    assert Interval(0.01, -0.03, 0.05).clipped(0, 1) == Interval(0.01, 0, 0.05)
    assert Interval(0.5, 0.4, 0.6).clipped(0, 1) == Interval(0.5, 0.4, 0.6)


# ----- Wilson


@pytest.mark.parametrize(("count", "total"), [(0, 10), (1, 10), (5, 10), (10, 10), (350, 360), (9123, 10000), (1, 1)])
@pytest.mark.parametrize("confidence", [0.9, 0.95])
def test_the_interval_of_a_share_is_wilsons(count, total, confidence):
    z = scipy_stats.norm.ppf((1 + confidence) / 2)
    p = count / total
    centre = (p + z**2 / (2 * total)) / (1 + z**2 / total)
    half = z / (1 + z**2 / total) * math.sqrt(p * (1 - p) / total + z**2 / (4 * total**2))
    got = proportion_interval(count, total, confidence)
    assert got.estimate == p
    assert (got.low, got.high) == pytest.approx((centre - half, centre + half), rel=1e-9, abs=1e-12)
    assert 0 <= got.low < got.high <= 1


def test_the_ends_of_wilsons_interval_are_where_the_score_test_turns():
    z = scipy_stats.norm.ppf(0.975)
    got = proportion_interval(93, 100)
    for end in (got.low, got.high):
        assert abs(0.93 - end) / math.sqrt(end * (1 - end) / 100) == pytest.approx(z)


@pytest.mark.parametrize(("count", "total"), [(11, 10), (-1, 10), (0, 0)])
def test_a_share_must_be_possible(count, total):
    with pytest.raises(ValueError, match=r".+"):
        proportion_interval(count, total)


# ----- bootstrap over test images


def test_the_bootstrap_is_scipys_percentile_bootstrap_of_pairs():
    a, b = answers((40, 25, 900, 35))
    want = scipy_stats.bootstrap(
        (a.astype(float), b.astype(float)),
        lambda x, y, axis: np.mean(x, axis=axis) - np.mean(y, axis=axis),
        paired=True, vectorized=True, method="percentile", n_resamples=10_000, batch=1000,
        random_state=np.random.default_rng(0),
    ).confidence_interval  # fmt: skip
    got = image_bootstrap(a, b)
    # A 2.5 % quantile of 10,000 normal draws has a standard error of 0.027 standard deviations, here 2.2e-4.
    assert got.low == pytest.approx(want.low, abs=1.2e-3)
    assert got.high == pytest.approx(want.high, abs=1.2e-3)
    assert got.estimate == pytest.approx(0.015)


@pytest.mark.parametrize("counts", [(40, 25, 900, 35), (300, 310, 5000, 390), (100, 20, 1000, 80)], ids=str)
def test_the_bootstrap_agrees_with_the_normal_interval_of_mcnemars_variance(counts):
    a, b = answers(counts)
    n, (a_only, b_only) = sum(counts), counts[:2]
    difference = (a_only - b_only) / n
    std = math.sqrt((a_only + b_only) / n - difference**2) / math.sqrt(n)
    got = image_bootstrap(a, b)
    assert got.estimate == pytest.approx(difference)
    assert got.low == pytest.approx(difference - 1.959964 * std, abs=0.08 * std + 1 / n)
    assert got.high == pytest.approx(difference + 1.959964 * std, abs=0.08 * std + 1 / n)


def test_the_bootstrap_depends_on_the_pairs_not_on_their_order():
    a, b = answers((40, 25, 900, 35))
    order = np.random.default_rng(3).permutation(len(a))
    assert image_bootstrap(a[order], b[order]) == image_bootstrap(a, b)
    shuffled = image_bootstrap(a, b[order])  # other pairs: the same estimate, another interval
    assert shuffled.estimate == image_bootstrap(a, b).estimate
    assert shuffled.high - shuffled.low > 1.2 * (image_bootstrap(a, b).high - image_bootstrap(a, b).low)


def test_the_bootstrap_is_a_function_of_its_arguments():
    a, b = answers((40, 25, 900, 35))
    assert image_bootstrap(a, b, seed=4, resamples=500) == image_bootstrap(a, b, seed=4, resamples=500)
    assert image_bootstrap(a, b, seed=4, resamples=500) != image_bootstrap(a, b, seed=5, resamples=500)


def test_a_higher_confidence_gives_a_wider_bootstrap_interval():
    a, b = answers((40, 25, 900, 35))
    narrow, wide = image_bootstrap(a, b, confidence=0.8), image_bootstrap(a, b, confidence=0.99)
    assert wide.low < narrow.low < narrow.high < wide.high


def test_equal_answers_leave_room_for_images_not_seen_and_give_no_call():
    """With no image that tells the two apart, a share q of such images is refuted where (1 - q)^N < 2.5 %."""
    a, _ = answers((10, 10, 70, 10))
    got = image_bootstrap(a, a)
    assert got.estimate == 0
    assert got.low == -got.high
    assert (1 - got.high) ** len(a) == pytest.approx(0.025)
    assert call(got) == "cannot tell"


@pytest.mark.parametrize(("gains", "losses"), [(4, 0), (5, 0), (6, 0), (0, 5), (0, 6), (12, 3), (9, 3), (30, 10)])
def test_few_images_that_differ_are_called_only_where_mcnemars_exact_test_agrees(gains, losses):
    a = np.array([True] * gains + [False] * losses + [True] * 1000)
    b = np.array([False] * gains + [True] * losses + [True] * 1000)
    p = scipy_stats.binomtest(gains, gains + losses).pvalue
    got = image_bootstrap(a, b)
    assert (call(got) != "cannot tell") == (p <= 0.05 and (got.low > 0 or got.high < 0))
    assert p <= 0.05 or got.low <= 0 <= got.high


def test_opposite_answers_give_the_whole_difference():
    assert image_bootstrap([True] * 9, [False] * 9) == Interval(1.0, 1.0, 1.0)
    assert call(image_bootstrap([False] * 9, [True] * 9)) == "worse"


@pytest.mark.parametrize(
    ("a", "b"), [([True], [True, False]), ([], []), ([[True, False]], [[True, False]])], ids=["length", "empty", "2-d"]
)
def test_images_that_are_not_pairs_are_refused(a, b):
    with pytest.raises(ValueError, match="equal, non-empty shapes"):
        image_bootstrap(a, b)


# ----- calls


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (0.001, 0.01, "better"), (-0.01, -0.001, "worse"), (-0.01, 0.01, "cannot tell"), (0.0, 0.01, "cannot tell"),
        (-0.01, 0.0, "cannot tell"), (0.0, 0.0, "cannot tell"),
    ],
)  # fmt: skip
def test_a_call_needs_an_interval_that_leaves_out_zero(low, high, said):
    assert call(Interval((low + high) / 2, low, high)) == said


def test_an_undefined_interval_allows_no_call():
    assert call(Interval(math.nan, math.nan, math.nan)) == "cannot tell"


# ----- how often the intervals hold the truth


def share_covered(intervals, truth):
    return np.mean([interval.low <= truth <= interval.high for interval in intervals])


@pytest.mark.parametrize("n", [2, 3, 5])
def test_95_of_100_intervals_of_a_mean_hold_it(n):
    draws = np.random.default_rng(RNG_SEED).normal(0.9, 0.01, size=(3000, n))
    assert 0.93 <= share_covered([mean_interval(row) for row in draws], 0.9) <= 0.97


def test_95_of_100_intervals_of_paired_differences_hold_it():
    rng = np.random.default_rng(RNG_SEED)
    seeds = rng.normal(0.9, 0.05, size=(3000, 3))
    a, b = seeds + rng.normal(0.01, 0.003, size=seeds.shape), seeds + rng.normal(0, 0.003, size=seeds.shape)
    intervals = [paired_interval(x, y) for x, y in zip(a, b, strict=True)]
    assert 0.93 <= share_covered(intervals, 0.01) <= 0.97


@pytest.mark.parametrize("shares", [(0.06, 0.04, 0.80, 0.10), (0.05, 0.05, 0.85, 0.05)], ids=str)
def test_95_of_100_bootstrap_intervals_hold_the_difference(shares):
    rng = np.random.default_rng(RNG_SEED)
    intervals = [
        image_bootstrap(*answers(rng.multinomial(1000, shares)), resamples=1000, seed=repeat) for repeat in range(2000)
    ]
    assert 0.93 <= share_covered(intervals, shares[0] - shares[1]) <= 0.97
