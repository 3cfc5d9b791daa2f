"""Intervals against scipy, formulas by hand, and how often they hold the truth."""

import math

import numpy as np
import pytest
from scipy import stats as scipy_stats

from whichnorm.stats import (
    Interval,
    crossed_interval,
    image_bootstrap,
    mean_interval,
    proportion_bound,
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


def test_three_values_by_hand():
    got = mean_interval([0.90, 0.92, 0.94])  # s = 0.02, t(2 degrees, 97.5 %) = 4.302653
    half = 4.302652729911275 * 0.02 / math.sqrt(3)
    assert (got.low, got.estimate, got.high) == pytest.approx((0.92 - half, 0.92, 0.92 + half))


@pytest.mark.parametrize("values", [[], [0.9], [[0.9, 0.8], [0.7, 0.6]]], ids=str)
def test_an_interval_needs_two_values_in_a_row(values):
    with pytest.raises(ValueError, match="at least 2"):
        mean_interval(values)


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
    assert got.low < 0 < got.high


@pytest.mark.parametrize(("gains", "losses"), [(4, 0), (5, 0), (6, 0), (0, 5), (0, 6), (12, 3), (9, 3), (30, 10)])
def test_few_images_that_differ_are_called_only_where_mcnemars_exact_test_agrees(gains, losses):
    a = np.array([True] * gains + [False] * losses + [True] * 1000)
    b = np.array([False] * gains + [True] * losses + [True] * 1000)
    p = scipy_stats.binomtest(gains, gains + losses).pvalue
    got = image_bootstrap(a, b)
    assert (got.low > 0 or got.high < 0) == (p <= 0.05)


def test_opposite_answers_give_the_whole_difference():
    assert image_bootstrap([True] * 9, [False] * 9) == Interval(1.0, 1.0, 1.0)
    assert image_bootstrap([False] * 9, [True] * 9) == Interval(-1.0, -1.0, -1.0)


@pytest.mark.parametrize(
    ("a", "b"), [([True], [True, False]), ([], []), ([[True, False]], [[True, False]])], ids=["length", "empty", "2-d"]
)
def test_images_that_are_not_pairs_are_refused(a, b):
    with pytest.raises(ValueError, match="equal, non-empty shapes"):
        image_bootstrap(a, b)


# ----- how often the intervals hold the truth


def share_covered(intervals, truth):
    return np.mean([interval.low <= truth <= interval.high for interval in intervals])


@pytest.mark.parametrize("n", [2, 3, 5])
def test_95_of_100_intervals_of_a_mean_hold_it(n):
    draws = np.random.default_rng(RNG_SEED).normal(0.9, 0.01, size=(3000, n))
    assert 0.93 <= share_covered([mean_interval(row) for row in draws], 0.9) <= 0.97


@pytest.mark.parametrize("shares", [(0.06, 0.04, 0.80, 0.10), (0.05, 0.05, 0.85, 0.05)], ids=str)
def test_95_of_100_bootstrap_intervals_hold_the_difference(shares):
    rng = np.random.default_rng(RNG_SEED)
    intervals = [
        image_bootstrap(*answers(rng.multinomial(1000, shares)), resamples=1000, seed=repeat) for repeat in range(2000)
    ]
    assert 0.93 <= share_covered(intervals, shares[0] - shares[1]) <= 0.97


# ----- seeds and images together


@pytest.mark.parametrize(("count", "total"), [(0, 10), (9, 10), (10, 10), (350, 360), (1, 1)])
def test_one_seed_gives_wilsons_interval_also_over_seeds_and_images(count, total):
    got = crossed_interval([[True] * count + [False] * (total - count)])
    want = proportion_interval(count, total)
    assert (got.estimate, got.low, got.high) == pytest.approx((want.estimate, want.low, want.high), abs=1e-12)


def test_seeds_that_agree_on_every_image_are_one_seed():
    row = [True] * 80 + [False] * 20
    got, want = crossed_interval([row] * 4), proportion_interval(80, 100)
    assert (got.low, got.high) == pytest.approx((want.low, want.high), abs=3e-3)  # t of 99 degrees for a normal's


def test_seeds_that_differ_widen_the_interval_and_order_is_of_no_effect():
    rng = np.random.default_rng(0)
    steady = rng.random((3, 200)) < 0.8
    spread = rng.random((3, 200)) < np.array([[0.65], [0.8], [0.95]])
    a, b = crossed_interval(steady), crossed_interval(spread)
    assert b.high - b.low > 2 * (a.high - a.low)
    again = crossed_interval(spread[::-1, rng.permutation(200)])
    assert (again.low, again.high) == pytest.approx((b.low, b.high))


@pytest.mark.parametrize("table", [[[1, 0], [0, 1]], [[1, 1], [0, 0]], [[1], [0]], [[1, 1, 1]] * 3, [[0]] * 2])
def test_tables_in_which_something_does_not_vary_have_an_interval_with_width(table):
    got = crossed_interval(table)
    assert 0 <= got.low <= got.estimate <= got.high <= 1
    assert got.high - got.low > 0.3


@pytest.mark.parametrize(("seed_spread", "image_spread"), [(0.0, 1.5), (0.3, 1.5), (0.6, 0.5)])
def test_the_interval_over_seeds_and_images_holds_the_truth_about_as_often_as_it_says(seed_spread, image_spread):
    rng = np.random.default_rng(RNG_SEED)
    logistic = lambda x: 1 / (1 + np.exp(-x))  # noqa: E731
    truth = logistic(1.5 + math.hypot(seed_spread, image_spread) * rng.normal(size=400_000)).mean()
    hits = 0
    for _ in range(600):
        logits = 1.5 + seed_spread * rng.normal(size=(4, 1)) + image_spread * rng.normal(size=(1, 100))
        got = crossed_interval(rng.random((4, 100)) < logistic(logits))
        hits += got.low <= truth <= got.high
    assert hits / 600 > 0.92


@pytest.mark.parametrize("table", [[], [[]], [True, False], [[[1]]]], ids=str)
def test_an_interval_over_seeds_and_images_needs_a_table(table):
    with pytest.raises(ValueError, match="full table"):
        crossed_interval(table)


# ----- the bound of a share


@pytest.mark.parametrize(("count", "total"), [(0, 1), (0, 5), (2, 5), (5, 5), (1, 40), (39, 40)])
@pytest.mark.parametrize("confidence", [0.8, 0.95])
def test_the_bound_of_a_share_is_clopper_and_pearsons(count, total, confidence):
    want = scipy_stats.binomtest(count, total, alternative="less").proportion_ci(confidence, method="exact").high
    assert proportion_bound(count, total, confidence) == pytest.approx(want)


def test_no_failure_among_five_runs_is_compatible_with_45_percent():
    assert proportion_bound(0, 5) == pytest.approx(1 - 0.05 ** (1 / 5))
    assert round(100 * proportion_bound(0, 5)) == 45
