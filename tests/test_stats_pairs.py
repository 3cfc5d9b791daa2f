"""Paired differences against closed forms, power and seeds needed against simulation."""

import itertools

import numpy as np
import pytest
from crossed_studies import RNG_SEED, accuracy, answers, normal_table
from scipy import stats as scipy_stats

from whichnorm.stats import CrossedMean, PairedDifference, crossed_mean, paired_difference, power, seeds_needed


def difference(estimate, seed_variance=2e-5, image_variance=4e-6, num_seeds=3):
    return PairedDifference(
        mean=CrossedMean(
            estimate=estimate, num_seeds=num_seeds, seed_variance=seed_variance, image_variance=image_variance
        )
    )


def two_arms(num_seeds=4, num_images=300, ability=(1.0, 0.7), seed=0):
    return answers(np.random.default_rng(seed), num_seeds, num_images, ability=ability, seeds=0.1, images=1.0, arms=2)


# ----- differences


def test_the_difference_is_that_of_the_accuracies_paired_by_seed_and_image():
    a, b = two_arms()
    got = paired_difference(a, b)
    assert got.estimate == pytest.approx(a.mean() - b.mean())
    assert got.mean == crossed_mean(a.astype(float) - b)
    mispaired = paired_difference(a, b[:, np.random.default_rng(0).permutation(300)])
    assert mispaired.interval().high - mispaired.interval().low > 1.1 * (got.interval().high - got.interval().low)


def test_pairing_takes_out_what_the_seeds_have_in_common():
    rng = np.random.default_rng(0)
    common = np.array([[0.2], [-0.1], [0.0], [-0.1]])  # a good start helps both arms
    a, b = (level + common + rng.normal(0, 0.01, size=(4, 200)) for level in (0.85, 0.84))
    assert paired_difference(a, b).interval().low > 0
    assert paired_difference(a, b[::-1]).interval().low < 0


def test_arms_the_other_way_round_turn_everything():
    a, b = two_arms()
    there, back = paired_difference(a, b), paired_difference(b, a)
    assert back.estimate == -there.estimate
    assert (back.interval().low, back.interval().high) == pytest.approx((-there.interval().high, -there.interval().low))
    assert back.p_value == pytest.approx(there.p_value)
    assert back.chance_a_wins == pytest.approx(1 - there.chance_a_wins)


@pytest.mark.parametrize("num_seeds", [2, 3, 5, 30])
def test_where_images_add_nothing_it_is_the_paired_t_test(num_seeds):
    rng = np.random.default_rng(0)
    a = rng.normal(0.9, 0.1, size=num_seeds)
    b = a - 0.02 + rng.normal(0, 0.05, size=num_seeds)
    test = scipy_stats.ttest_rel(a, b)
    got = paired_difference(np.repeat(a[:, None], 100, axis=1), np.repeat(b[:, None], 100, axis=1))
    for confidence in (0.8, 0.95):
        want, found = test.confidence_interval(confidence), got.interval(1 - confidence)
        assert (found.low, found.high) == pytest.approx((max(want.low, -1), min(want.high, 1)), rel=1e-9)
    assert got.p_value == pytest.approx(test.pvalue, rel=1e-6)


def test_where_seeds_do_not_vary_it_is_the_normal_test_over_paired_images():
    a, b = (arm[:1].repeat(3, axis=0) for arm in two_arms(num_images=20_000, ability=(1.0, 0.98)))
    d = a[0].astype(float) - b[0]
    z = d.mean() / scipy_stats.sem(d)
    got = paired_difference(a, b)
    half = scipy_stats.norm.ppf(0.975) * scipy_stats.sem(d)
    assert got.interval().high == pytest.approx(d.mean() + half, rel=1e-3)
    assert got.p_value == pytest.approx(2 * scipy_stats.norm.sf(abs(z)), rel=2e-2)
    exact = difference(0.004, seed_variance=0, image_variance=4e-6)
    assert exact.p_value == pytest.approx(2 * scipy_stats.norm.sf(2), rel=1e-9)


def test_the_very_same_answers_give_no_difference_and_no_certainty():
    a, _ = two_arms()
    got = paired_difference(a, a)
    assert (got.estimate, got.p_value, got.chance_a_wins) == (0.0, 1.0, 0.5)
    half = scipy_stats.t.ppf(0.975, 3) / 300 / np.sqrt(4)  # one image's share is the spread between seeds
    assert (got.interval().low, got.interval().high) == pytest.approx((-half, half))


@pytest.mark.parametrize("shapes", [((2, 5), (2, 6)), ((3, 5), (2, 5)), ((5,), (2, 5))], ids=str)
def test_pairs_need_equal_shapes(shapes):
    with pytest.raises(ValueError, match="equal shapes"):
        paired_difference(np.zeros(shapes[0]), np.zeros(shapes[1]))


def test_one_seed_gives_no_paired_difference():
    with pytest.raises(ValueError, match="two or more seeds"):
        paired_difference([[True, False]], [[False, False]])


def test_an_interval_of_a_difference_stays_between_minus_one_and_one():
    interval = difference(0.1, seed_variance=1.0, num_seeds=2).interval()
    assert (interval.estimate, interval.low, interval.high) == (0.1, -1, 1)


# ----- p-values


@pytest.mark.parametrize("num_seeds", [2, 3, 5, 20])
@pytest.mark.parametrize("estimate", [0.0005, 0.004, -0.01])
def test_a_p_value_is_the_level_whose_interval_ends_at_zero(estimate, num_seeds):
    found = difference(estimate, num_seeds=num_seeds)
    interval = found.interval(found.p_value)
    end = interval.low if estimate > 0 else interval.high
    assert end == pytest.approx(0, abs=1e-7)


@pytest.mark.parametrize("seed", range(20))
def test_a_p_value_is_below_a_level_exactly_where_its_interval_leaves_out_zero(seed):
    found = paired_difference(*two_arms(num_images=200, ability=(1.0, 0.8), seed=seed))
    for alpha in (0.2, 0.05, 0.01):
        interval = found.interval(alpha)
        assert (found.p_value < alpha) == (interval.low > 0 or interval.high < 0)


@pytest.mark.parametrize("num_seeds", [2, 3, 10])
def test_a_p_value_falls_from_one_as_the_difference_grows_and_is_never_zero(num_seeds):
    p_values = [difference(estimate, num_seeds=num_seeds).p_value for estimate in np.linspace(0, 0.05, 40)]
    assert p_values[0] == 1.0
    assert all(a > b for a, b in itertools.pairwise(p_values) if b > 1e-12)
    assert 0 < difference(1.0, seed_variance=1e-12, image_variance=1e-12, num_seeds=1000).p_value <= 1e-9


def test_p_values_rise_with_either_variance():
    p = lambda seeds, images: difference(0.005, seeds, images).p_value  # noqa: E731
    assert p(1e-5, 1e-6) < p(2e-5, 1e-6) < p(2e-5, 3e-6)


@pytest.mark.parametrize("num_seeds", [2, 3, 5, 10])
@pytest.mark.parametrize("spread", [(0.0, 1.0), (0.2, 1.0), (0.6, 1.5)], ids=str)
def test_simulated_intervals_of_differences_hold_the_truth_and_equal_arms_are_seldom_called(num_seeds, spread):
    """Arms with a true difference, and the p-value's verdict on the same arms once the truth is taken away."""
    rng = np.random.default_rng([RNG_SEED, num_seeds])
    seeds, images = spread
    ability = np.array([1.0, 0.8])
    truth = float(np.subtract(*accuracy(ability, seeds=seeds, images=images)))
    found = [
        paired_difference(*answers(rng, num_seeds, 200, ability=ability, seeds=seeds, images=images, arms=2))
        for _ in range(1000)
    ]
    covered = np.mean([f.interval().low <= truth <= f.interval().high for f in found])
    assert 0.92 < covered < (0.99 if num_seeds == 2 else 0.975)
    level = [
        PairedDifference(mean=CrossedMean(**{**vars(f.mean), "estimate": f.estimate - truth})) for f in found[:300]
    ]
    assert np.mean([f.p_value < 0.05 for f in level]) < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 300)


# ----- the chance that a new run wins


@pytest.mark.parametrize("num_seeds", [2, 3, 10])
def test_the_chance_of_winning_is_students_predictive_distribution(num_seeds):
    of_seeds = np.random.default_rng(0).normal(0.2, 0.5, size=num_seeds)
    table = np.repeat(of_seeds[:, None], 50, axis=1)
    spread = of_seeds.std(ddof=1) * np.sqrt(1 + 1 / num_seeds)
    want = scipy_stats.t.sf(0, num_seeds - 1, loc=of_seeds.mean(), scale=spread)
    assert paired_difference(table, np.zeros_like(table)).chance_a_wins == pytest.approx(want)


@pytest.mark.parametrize("num_seeds", [2, 3, 8])
def test_a_new_seed_falls_below_each_predicted_quantile_as_often_as_predicted(num_seeds):
    """With the next seed's own difference taken as the origin, chances are uniform over studies."""
    rng = np.random.default_rng([RNG_SEED, num_seeds])
    chances = []
    for _ in range(1000):
        table = normal_table(rng, num_seeds + 1, 50, mean=0.1, seeds=0.3, images=1.0)  # the same images for all
        seen, new = table[:-1], table[-1].mean()
        chances.append(paired_difference(seen - new, np.zeros_like(seen)).chance_a_wins)
    assert scipy_stats.kstest(chances, "uniform").pvalue > 0.01


def test_the_chance_of_winning_depends_on_seeds_not_on_the_choice_of_images():
    assert difference(0.005, image_variance=0).chance_a_wins == difference(0.005, image_variance=1).chance_a_wins
    assert difference(0.005).chance_a_wins > difference(0.003).chance_a_wins > 0.5


# ----- power and the number of seeds


@pytest.mark.parametrize("num_seeds", [2, 3, 5, 12])
@pytest.mark.parametrize("effect", [0.0, 0.1, 0.25])
def test_power_is_the_share_of_simulated_studies_that_call(num_seeds, effect):
    rng = np.random.default_rng([RNG_SEED, num_seeds])
    seeds, images, rest, N = 0.1, 0.5, 0.5, 200
    tables = (normal_table(rng, num_seeds, N, mean=effect, seeds=seeds, images=images, rest=rest) for _ in range(1500))
    found = [crossed_mean(table) for table in tables]
    called = np.mean([abs(f.estimate) > f.half_width() for f in found])
    want = power(effect, num_seeds, seeds**2 + rest**2 / N, images**2 / N)
    assert called == pytest.approx(want, abs=0.04)  # three standard errors of 1,500 studies


def test_power_has_closed_forms_where_one_part_is_zero():
    known = scipy_stats.norm.sf(1.959964 - 0.5 / 0.2) + scipy_stats.norm.cdf(-1.959964 - 0.5 / 0.2)
    assert power(0.5, 4, 0.0, 0.04) == pytest.approx(known, abs=1e-6)
    noncentral = scipy_stats.nct(df=4, nc=0.5 / 0.2)
    quantile = scipy_stats.t.ppf(0.975, 4)
    want = noncentral.sf(quantile) + noncentral.cdf(-quantile)
    assert power(0.5, 5, 5 * 0.04, 0.0) == pytest.approx(want, abs=1e-5)


def test_power_grows_with_effect_and_seeds_and_falls_with_variance_and_strictness():
    base = power(0.01, 5, 1e-4, 1e-6)
    assert power(0.02, 5, 1e-4, 1e-6) > base
    assert power(0.01, 6, 1e-4, 1e-6) > base
    assert power(0.01, 5, 1e-4, 1e-6, alpha=0.01) < base
    assert power(0.01, 5, 1e-4, 2e-5) < base
    assert (np.diff(power(0.01, 5, [5e-5, 1e-4, 2e-4], 1e-6)) < 0).all()
    assert power(-0.01, 5, 1e-4, 1e-6) == pytest.approx(base)


@pytest.mark.parametrize("alpha", [0.05, 0.05 / 6])
@pytest.mark.parametrize("effect", [0.003, 0.005, 0.02])
def test_the_seeds_needed_are_the_least_with_enough_power_where_the_variance_is_well_known(effect, alpha):
    found = difference(0.0, seed_variance=3e-5, image_variance=4e-7, num_seeds=10_000_000)
    low, high = seeds_needed(found, effect, alpha)
    assert low == high
    assert power(effect, low, 3e-5, 4e-7, alpha) >= 0.8
    assert low == 2 or power(effect, low - 1, 3e-5, 4e-7, alpha) < 0.8


@pytest.mark.parametrize("pilot", [3, 5, 10])
def test_the_range_of_seeds_needed_holds_the_number_that_the_true_variance_asks_for(pilot):
    effect, images, variance = 0.01, 1e-6, 2e-4
    truly = next(n for n in range(2, 999) if power(effect, n, variance, images) >= 0.8)
    rng, held = np.random.default_rng(RNG_SEED), []
    for seen in variance * rng.chisquare(pilot - 1, size=600) / (pilot - 1):
        low, high = seeds_needed(difference(0.0, seen, images, pilot), effect)
        held.append((low or 1001) <= truly <= (high or 1001))
    assert 0.8 - 0.05 < np.mean(held) < 0.86  # three standard errors of 600 studies; numbers are whole


def test_fewer_seeds_are_needed_for_a_larger_effect_and_more_for_a_larger_variance():
    def most(*args, alpha=0.05, **found):
        return seeds_needed(difference(0.0, **found), *args, alpha)[1] or 1001

    by_effect = [most(effect) for effect in (0.006, 0.008, 0.012, 0.03, 0.2)]
    assert by_effect == sorted(by_effect, reverse=True)
    assert by_effect[0] > by_effect[-1] >= 2
    by_seeds = [most(0.01, seed_variance=v) for v in (1e-6, 1e-5, 3e-5, 1e-4)]
    assert by_seeds == sorted(by_seeds)
    assert by_seeds[0] < by_seeds[-1]
    by_images = [most(0.01, image_variance=v) for v in (0.0, 4e-6, 1e-5)]
    assert by_images == sorted(by_images)
    assert by_images[0] < by_images[-1]
    assert most(0.01, alpha=0.005) > most(0.01)


def test_a_longer_pilot_with_the_same_variance_gives_a_shorter_range():
    ranges = [seeds_needed(difference(0.0, num_seeds=pilot), 0.01) for pilot in (3, 5, 20)]
    lengths = [high - low for low, high in ranges]
    assert lengths == sorted(lengths, reverse=True)
    assert lengths[0] > lengths[-1] > 0


def test_an_effect_that_the_choice_of_images_hides_needs_more_than_any_number_of_seeds():
    assert seeds_needed(difference(0.0, image_variance=1e-4), 0.01) == (None, None)


# ----- confidence and equivalence


@pytest.mark.parametrize("num_seeds", [2, 3, 10])
def test_where_images_add_nothing_equivalence_is_the_larger_of_two_one_sided_t_tests(num_seeds):
    rng = np.random.default_rng(num_seeds)
    a = rng.normal(0.9, 0.01, size=num_seeds)
    b = a + rng.normal(0.001, 0.002, size=num_seeds)
    got = paired_difference(np.repeat(a[:, None], 5000, axis=1), np.repeat(b[:, None], 5000, axis=1))
    for margin in (0.0005, 0.005, 0.02):
        above = scipy_stats.ttest_1samp(a - b, -margin, alternative="greater").pvalue
        below = scipy_stats.ttest_1samp(a - b, margin, alternative="less").pvalue
        assert got.equivalence_p_value(margin) == pytest.approx(max(above, below), rel=1e-6)


@pytest.mark.parametrize("seed", range(20))
def test_arms_are_equivalent_exactly_where_the_90_percent_interval_lies_within_the_margin(seed):
    found = paired_difference(*two_arms(num_images=400, ability=(1.0, 1.0), seed=seed))
    interval = found.interval(0.1)
    for margin in (0.02, 0.05, 0.08):
        assert (found.equivalence_p_value(margin) < 0.05) == (-margin < interval.low and interval.high < margin)


def test_confidence_rises_from_0_to_1_and_is_a_half_at_the_estimate():
    found = difference(0.01)
    levels = [found.chance_below(value) for value in np.linspace(-0.2, 0.2, 81)]
    assert all(a < b for a, b in itertools.pairwise(levels) if 1e-9 < a < 1 - 1e-9)
    assert found.chance_below(0.01) == 0.5
    interval = found.interval(0.2)
    assert (found.chance_below(interval.low), found.chance_below(interval.high)) == pytest.approx((0.1, 0.9))


@pytest.mark.parametrize("num_seeds", [3, 5])
def test_arms_that_differ_by_the_margin_are_seldom_said_to_be_the_same(num_seeds):
    rng = np.random.default_rng([RNG_SEED, num_seeds])
    ability, seeds, images = np.array([1.0, 0.9]), 0.02, 0.5
    margin = float(np.subtract(*accuracy(ability, seeds=seeds, images=images)))
    found = [
        paired_difference(*answers(rng, num_seeds, 4000, ability=ability, seeds=seeds, images=images, arms=2))
        for _ in range(400)
    ]
    assert np.mean([f.equivalence_p_value(margin) < 0.05 for f in found]) < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 400)
    assert np.mean([f.equivalence_p_value(2.5 * margin) < 0.05 for f in found]) > 0.5
