"""Means over seeds and images: variances by hand and by a bootstrap, coverage by quadrature and by simulation."""

import numpy as np
import pytest
from crossed_studies import RNG_SEED, accuracy, answers, normal_table, pigeonhole_bootstrap
from scipy import special
from scipy import stats as scipy_stats

from whichnorm.stats import CrossedMean, crossed_interval, crossed_mean, quantile_of_two

Z = scipy_stats.norm.ppf(0.975)


def mean_of(seed_variance, image_variance, num_seeds=3, estimate=0.9):
    return CrossedMean(
        estimate=estimate, num_seeds=num_seeds, seed_variance=seed_variance, image_variance=image_variance
    )


def two_way_anova(table):
    """Return the mean squares of seeds, images and the rest, summed cell by cell."""
    n, N = len(table), len(table[0])
    grand = sum(table[i][j] for i in range(n) for j in range(N)) / (n * N)
    rows = [sum(table[i]) / N for i in range(n)]
    columns = [sum(table[i][j] for i in range(n)) / n for j in range(N)]
    of_seeds = N * sum((row - grand) ** 2 for row in rows) / (n - 1)
    of_images = n * sum((column - grand) ** 2 for column in columns) / (N - 1)
    rest = sum((table[i][j] - rows[i] - columns[j] + grand) ** 2 for i in range(n) for j in range(N))
    return of_seeds, of_images, rest / ((n - 1) * (N - 1))


# ----- the two variances


def test_the_variances_of_two_seeds_and_three_images_by_hand():
    # Means of seeds 1, 3 (variance 2); of images 1, 2, 3 (variance 1). What is left is 0, ±1: sum 4 over 2 degrees.
    got = crossed_mean([[1.0, 0.0, 2.0], [1.0, 4.0, 4.0]])
    assert (got.estimate, got.num_seeds) == (2.0, 2)
    assert got.seed_variance == pytest.approx(2.0)
    assert got.image_variance == 0.0  # (1 - 2 / 2) / 3
    got = crossed_mean([[1.0, 0.0, 5.0], [1.0, 4.0, 7.0]])  # images 1, 2, 6: variance 7; the rest as before
    assert got.image_variance == pytest.approx((7 - 2 / 2) / 3)
    assert got.variance == pytest.approx(got.seed_variance / 2 + got.image_variance)


@pytest.mark.parametrize("shape", [(2, 7), (3, 40), (8, 5)], ids=str)
@pytest.mark.parametrize("parts", [(0.5, 1.0), (0.0, 0.0), (2.0, 0.1)], ids=str)
def test_the_variances_are_those_of_a_balanced_two_way_analysis(shape, parts):
    table = normal_table(np.random.default_rng(RNG_SEED), *shape, seeds=parts[0], images=parts[1])
    of_seeds, of_images, rest = two_way_anova(table.tolist())
    num_seeds, N = shape
    got = crossed_mean(table)
    assert got.estimate == pytest.approx(table.mean())
    assert got.seed_variance == pytest.approx(max(of_seeds / N, 1 / N**2))
    assert got.image_variance == pytest.approx(max((of_images - rest) / (num_seeds * N), 0), abs=1e-15)


def test_the_variance_is_that_of_the_means_of_many_studies():
    rng = np.random.default_rng(RNG_SEED)
    found = [crossed_mean(normal_table(rng, 4, 60, seeds=0.2, images=1.5)) for _ in range(3000)]
    truth = 0.2**2 / 4 + 1.5**2 / 60 + 1 / (4 * 60)
    assert np.var([f.estimate for f in found]) == pytest.approx(truth, rel=0.08)  # three standard errors of a variance
    assert np.mean([f.variance for f in found]) == pytest.approx(truth, rel=0.03)
    assert np.mean([f.seed_variance for f in found]) == pytest.approx(0.2**2 + 1 / 60, rel=0.05)


def test_neither_the_order_of_seeds_nor_that_of_images_matters():
    rng = np.random.default_rng(0)
    table = normal_table(rng, 5, 50, seeds=0.3, images=1.0)
    a, b = crossed_mean(table), crossed_mean(table[rng.permutation(5)][:, rng.permutation(50)])
    assert (b.seed_variance, b.image_variance) == pytest.approx((a.seed_variance, a.image_variance))


def test_seeds_that_agree_by_rounding_have_the_spread_of_one_image():
    got = crossed_mean([[1, 0, 1, 1], [1, 1, 1, 0], [1, 1, 0, 1]])
    assert got.seed_variance == pytest.approx(1 / 16)
    assert crossed_mean([[1, 1, 1, 1], [0, 0, 0, 0]]).seed_variance == pytest.approx(0.5)


@pytest.mark.parametrize(
    "table", [[], [[]], [1.0, 2.0], [[1.0, 0.0, 1.0]], [[1.0], [0.0]], [[[1, 0], [0, 1]]]], ids=str
)
def test_two_seeds_and_two_images_are_needed(table):
    with pytest.raises(ValueError, match="two or more seeds and images are needed"):
        crossed_mean(table)


# ----- closed forms at both ends


@pytest.mark.parametrize("alpha", [0.2, 0.05, 0.001])
@pytest.mark.parametrize("num_seeds", [2, 3, 5, 30])
def test_where_images_add_nothing_the_interval_is_students(num_seeds, alpha):
    of_seeds = np.random.default_rng(0).normal(0.9, 1.0, size=num_seeds)
    got = crossed_mean(np.repeat(of_seeds[:, None], 50, axis=1))
    low, high = scipy_stats.t.interval(1 - alpha, num_seeds - 1, of_seeds.mean(), scipy_stats.sem(of_seeds))
    assert got.image_variance == pytest.approx(0, abs=1e-30)
    assert got.half_width(alpha) == pytest.approx((high - low) / 2, rel=1e-9)
    assert got.estimate == pytest.approx((high + low) / 2)


@pytest.mark.parametrize("alpha", [0.2, 0.05, 0.001])
def test_where_seeds_do_not_vary_the_interval_is_normal(alpha):
    row = np.random.default_rng(0).normal(size=20_000)
    low, high = scipy_stats.norm.interval(1 - alpha, row.mean(), scipy_stats.sem(row))
    assert crossed_mean([row] * 3).half_width(alpha) == pytest.approx((high - low) / 2, rel=0.02)  # an image's share
    assert mean_of(0, 4e-6).half_width(alpha) == pytest.approx(scipy_stats.norm.isf(alpha / 2) * 2e-3, rel=1e-12)


def test_the_multiple_is_between_the_normal_and_students_and_grows_with_the_share_of_seeds():
    shares = np.linspace(0, 1, 101)
    for df in (1, 2, 4, 19):
        got = quantile_of_two(shares, 1 - shares, df)
        assert (got[0], got[-1]) == pytest.approx((Z, scipy_stats.t.ppf(0.975, df)))
        assert (np.diff(got) > 0).all()


def test_the_multiple_is_cochrans_mean_of_the_two_quantiles_weighted_by_the_parts():
    for df in (2, 3, 19):
        t, z = scipy_stats.t.ppf(0.975, df), scipy_stats.norm.ppf(0.975)
        assert quantile_of_two(2.0, 6.0, df) == pytest.approx((2 * t + 6 * z) / 8, rel=1e-9)


@pytest.mark.parametrize(("df", "alpha"), [(1, 0.05), (2, 0.01), (3, 0.003)])
def test_the_multiple_is_longer_than_cochrans_with_two_seeds_and_at_strict_levels(df, alpha):
    t, z = scipy_stats.t.isf(alpha / 2, df), scipy_stats.norm.isf(alpha / 2)
    assert (2 * t + 6 * z) / 8 < quantile_of_two(2.0, 6.0, df, alpha) < (t + z) / 2


@pytest.mark.parametrize("alpha", [1e-12, 1e-6, 0.05, 0.5, 1.0])
@pytest.mark.parametrize("df", [1, 2, 9, 999])
def test_the_quantiles_are_scipys_from_the_far_tail_to_the_middle(df, alpha):
    assert quantile_of_two(1.0, 0.0, df, alpha) == pytest.approx(scipy_stats.t.isf(alpha / 2, df), rel=1e-6, abs=1e-12)
    assert quantile_of_two(0.0, 1.0, df, alpha) == pytest.approx(scipy_stats.norm.isf(alpha / 2), rel=1e-9, abs=1e-12)


# ----- how often the intervals hold the truth


def coverage(shares, df, alpha, multiple=quantile_of_two):
    """Return the probability that an interval holds the mean, at each of these true shares of the estimated part.

    The mean is standard normal; the estimate of the seeds' part is share times chi-squared / df, and is integrated out.
    """
    nodes, weights = special.roots_legendre(300)
    shares = np.reshape(shares, (-1, 1))
    estimated = shares * scipy_stats.chi2.ppf((nodes + 1) / 2, df) / df  # (num_shares, 300)
    half = multiple(estimated, 1 - shares, df, alpha) * np.sqrt(estimated + 1 - shares)
    return (2 * scipy_stats.norm.cdf(half) - 1) @ weights / 2


def satterthwaite(estimated, known, df, alpha):
    share = estimated / (estimated + known)
    return scipy_stats.t.isf(alpha / 2, df / np.maximum(share, 1e-9) ** 2)


SHARES = np.linspace(0, 1, 201)


def test_the_quadrature_gives_exact_coverage_where_one_part_is_zero():
    for df in (1, 2, 9):
        assert coverage([0, 1], df, 0.05) == pytest.approx([0.95, 0.95], abs=1e-5)


@pytest.mark.parametrize(
    ("num_seeds", "low", "high"),
    [(2, 95.0, 98.9), (3, 95.0, 97.1), (5, 95.0, 96.4), (10, 95.0, 95.7)],
)  # fmt: skip
def test_a_95_percent_interval_covers_what_its_docstring_says_at_every_share(num_seeds, low, high):
    found = 100 * coverage(SHARES, num_seeds - 1, 0.05)
    assert (min(found), max(found)) == pytest.approx((low, high), abs=0.051)  # rounded to a decimal


@pytest.mark.parametrize(("num_seeds", "low", "high"), [(2, 87.2, 95.1), (3, 92.2, 95.0), (5, 94.1, 95.0)])
def test_satterthwaites_degrees_of_freedom_cover_less(num_seeds, low, high):
    found = 100 * coverage(SHARES, num_seeds - 1, 0.05, satterthwaite)
    assert (min(found), max(found)) == pytest.approx((low, high), abs=0.051)


@pytest.mark.parametrize("num_seeds", [2, 3, 4, 5, 8, 10, 20])
@pytest.mark.parametrize("alpha", [0.05, 0.05 / 3, 0.05 / 6, 0.05 / 15, 0.05 / 45])
def test_no_level_errs_more_than_it_says_at_any_share(num_seeds, alpha):
    errors = (1 - coverage(SHARES, num_seeds - 1, alpha)) / alpha
    assert errors.max() < 1.02


@pytest.mark.parametrize("df", [1, 2, 4, 19])
@pytest.mark.parametrize("share", [0.0, 0.05, 0.5, 0.95, 1.0])
def test_a_stricter_level_is_never_shorter(df, share):
    levels = np.logspace(-12, 0, 200)
    multiples = [float(quantile_of_two(share, 1 - share, df, alpha)) for alpha in levels]
    assert (np.diff(multiples) <= 1e-9).all()


# Values with parts of all kinds: (spread of seeds, of images, of the rest) at 100 images.
PARTS = [(0.3, 1.0, 1.0), (0.1, 1.0, 1.0), (0.0, 2.0, 1.0), (0.5, 0.2, 0.5)]


@pytest.mark.parametrize("num_seeds", [2, 3, 5, 10])
@pytest.mark.parametrize("parts", PARTS, ids=str)
def test_simulated_intervals_of_values_hold_the_truth(num_seeds, parts):
    rng = np.random.default_rng([RNG_SEED, num_seeds])
    seeds, images, rest = parts
    found = [
        crossed_mean(normal_table(rng, num_seeds, 100, mean=0.3, seeds=seeds, images=images, rest=rest))
        for _ in range(1000)
    ]
    covered = np.mean([abs(f.estimate - 0.3) <= f.half_width() for f in found])
    lowest, highest = {2: (0.95, 0.989), 3: (0.95, 0.971), 5: (0.95, 0.964), 10: (0.95, 0.957)}[num_seeds]
    assert lowest - 0.02 < covered < highest + 0.02  # three standard errors of 1,000 studies


@pytest.mark.parametrize("num_seeds", [2, 3, 5, 10])
@pytest.mark.parametrize("ability", [0.5, 2.5])
@pytest.mark.parametrize(("seeds", "images"), [(0.0, 1.5), (0.15, 1.5), (0.3, 1.0)])
def test_simulated_intervals_of_an_arms_accuracy_hold_the_truth(num_seeds, ability, seeds, images):
    rng = np.random.default_rng([RNG_SEED, num_seeds])
    truth = accuracy(ability, seeds=seeds, images=images)
    tables = [answers(rng, num_seeds, 150, ability=ability, seeds=seeds, images=images)[0] for _ in range(1000)]
    found = [crossed_interval(table) for table in tables]
    covered = np.mean([interval.low <= truth <= interval.high for interval in found])
    assert (
        0.93 < covered < {2: 0.9995, 3: 0.99, 5: 0.975, 10: 0.97}[num_seeds]
    )  # with few seeds Cochran is long, and Wilson


# ----- an independent implementation


@pytest.mark.parametrize("parts", [(0.10, 1.5, 1.0), (0.3, 0.5, 0.5), (0.05, 2.0, 0.5)], ids=str)
def test_the_two_way_bootstrap_of_many_seeds_gives_the_same_interval(parts):
    seeds, images, rest = parts
    table = normal_table(np.random.default_rng(1), 60, 400, mean=0.1, seeds=seeds, images=images, rest=rest)
    low, high = np.quantile(pigeonhole_bootstrap(table), [0.025, 0.975])
    got = crossed_mean(table)
    assert got.half_width() == pytest.approx((high - low) / 2, rel=0.1)
    assert got.estimate == pytest.approx((high + low) / 2, abs=0.1 * got.half_width())


def test_the_two_way_bootstrap_of_right_and_wrong_answers_gives_the_same_interval():
    rng = np.random.default_rng(2)
    table = answers(rng, 60, 400, ability=1.0, seeds=0.3, images=1.5)[0]
    low, high = np.quantile(pigeonhole_bootstrap(table), [0.025, 0.975])
    got = crossed_interval(table)
    assert got.high - got.low == pytest.approx(high - low, rel=0.1)
    a, b = answers(rng, 60, 400, ability=[1.0, 0.8], seeds=0.3, images=1.5, arms=2).astype(float)
    low, high = np.quantile(pigeonhole_bootstrap(a - b), [0.025, 0.975])
    assert crossed_mean(a - b).half_width() == pytest.approx((high - low) / 2, rel=0.1)
