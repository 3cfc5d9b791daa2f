"""Looks at growing data: when they come, and the error of all of them together."""

import itertools

import numpy as np
import pytest
from crossed_studies import RNG_SEED, normal_table

from whichnorm.stats import PairedDifference, crossed_mean, looks, planned_shares, unplanned_shares


def test_looks_come_after_three_seeds_and_then_at_about_1_6_times_as_many():
    assert looks(20) == (3, 5, 8, 13, 20)
    assert looks(10) == (3, 5, 8, 10)


@pytest.mark.parametrize("max_seeds", [1, 2, 3])
def test_few_seeds_are_looked_at_once(max_seeds):
    assert looks(max_seeds) == (max_seeds,)
    assert planned_shares(looks(max_seeds)) == (1.0,)


@pytest.mark.parametrize("max_seeds", range(1, 80))
def test_looks_rise_to_the_last_seed(max_seeds):
    found = looks(max_seeds)
    assert found[-1] == max_seeds
    assert all(a < b <= 2 * a for a, b in itertools.pairwise(found))


@pytest.mark.parametrize("max_seeds", range(1, 80))
def test_planned_shares_make_the_whole_error_rate_and_follow_the_square_of_the_seeds(max_seeds):
    numbers = looks(max_seeds)
    shares = planned_shares(numbers)
    assert sum(shares) == pytest.approx(1)
    assert min(shares) > 0
    spent = np.cumsum(shares)
    assert spent == pytest.approx([(number / max_seeds) ** 2 for number in numbers])


def test_unplanned_looks_never_spend_more_than_the_whole_error_rate():
    assert unplanned_shares(3) == pytest.approx((0.8, 0.16, 0.032))
    assert unplanned_shares(1) == (0.8,)
    assert 0.999 < sum(unplanned_shares(12)) < 1


@pytest.mark.parametrize("parts", [(0.3, 0.5, 0.5), (0.05, 1.0, 1.0), (0.0, 0.0, 1.0)], ids=str)
def test_equal_arms_are_called_at_any_look_in_at_most_5_of_100_studies(parts):
    """1,000 studies without a true difference; the images stay the same from look to look. Peeking calls more."""
    rng = np.random.default_rng(RNG_SEED)
    seeds, images, rest = parts
    numbers = looks(13)
    plans = [planned_shares(numbers), unplanned_shares(len(numbers)), [1] * len(numbers)]
    called = np.zeros((len(plans), 1000), dtype=bool)
    for study in range(1000):
        table = normal_table(rng, 13, 100, seeds=seeds, images=images, rest=rest)
        for look, num_seeds in enumerate(numbers):
            p_value = PairedDifference(mean=crossed_mean(table[:num_seeds])).p_value
            called[:, study] |= [p_value < 0.05 * plan[look] for plan in plans]
    assert (called[:2].mean(axis=1) < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 1000)).all()
    assert called[2].mean() > 0.06
