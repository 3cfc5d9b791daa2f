"""Differences that are spoken of because they were called: coverage and bias given a call, by simulation."""

import numpy as np
import pytest
from crossed_studies import RNG_SEED
from scipy import stats as scipy_stats

from whichnorm.stats import CrossedMean, PairedDifference, given_called

IMAGES = 1e-6


def difference(estimate, seed_variance=1e-4, num_seeds=3):
    mean = CrossedMean(
        estimate=estimate, num_seeds=num_seeds, seed_variance=seed_variance, image_variance=IMAGES
    )  # fmt: skip
    return PairedDifference(mean=mean)


def called(rng, effect, spread, num_seeds, studies, alpha=0.05):
    """Yield differences of studies in which an effect is called."""
    while studies:
        of_seeds = rng.normal(effect, spread, size=num_seeds)
        found = difference(of_seeds.mean() + rng.normal(0, np.sqrt(IMAGES)), of_seeds.var(ddof=1), num_seeds)
        if found.mean.half_width(alpha) < abs(found.estimate):
            studies -= 1
            yield found


@pytest.mark.parametrize(
    ("num_seeds", "effect", "spread"), [(3, 0.01, 0.006), (3, 0.01, 0.003), (5, 0.01, 0.006), (10, 0.02, 0.017)]
)
def test_the_interval_holds_the_truth_of_called_differences_and_the_estimate_is_nearer_to_it(num_seeds, effect, spread):
    rng, studies = np.random.default_rng([RNG_SEED, num_seeds]), 150
    found = list(called(rng, effect, spread, num_seeds, studies))
    mended = [given_called(one, 0.05).interval for one in found]
    covered = np.mean([one.low <= effect <= one.high for one in mended])
    assert covered > 0.95 - 3 * np.sqrt(0.05 * 0.95 / studies)
    plain = np.mean([one.estimate for one in found])
    assert np.mean([one.estimate for one in mended]) > 0.85 * effect
    assert np.mean([one.estimate for one in mended]) < plain


def test_a_difference_far_beyond_the_threshold_is_left_as_it_is():
    found = difference(0.2, seed_variance=1e-5, num_seeds=20)
    got, want = given_called(found, 0.05).interval, found.interval()
    assert got.estimate == pytest.approx(0.2, abs=1e-4)
    assert (got.low, got.high) == pytest.approx((want.low, want.high), abs=2e-4)
    of_seed = scipy_stats.norm.cdf(0.2 / np.sqrt(1e-5))
    assert given_called(found, 0.05).chance_a_wins == pytest.approx(of_seed, abs=1e-3)


def test_a_difference_that_was_just_called_shrinks_and_the_other_way_round_is_its_mirror_image():
    found, turned = difference(0.0265), difference(-0.0265)
    got, back = given_called(found, 0.05), given_called(turned, 0.05)
    assert found.p_value < 0.05
    assert 0 < got.interval.estimate < 0.0265
    assert got.chance_a_wins < found.chance_a_wins
    assert (back.interval.low, back.interval.high) == pytest.approx((-got.interval.high, -got.interval.low))
    assert back.chance_a_wins == pytest.approx(1 - got.chance_a_wins)
