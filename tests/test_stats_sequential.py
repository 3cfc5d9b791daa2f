"""Looks at growing data: when they come, and the error of all of them together."""

import itertools

import numpy as np
import pytest
from crossed_studies import RNG_SEED, normal_table

from whichnorm.stats import crossed_mean, looks


def test_looks_come_after_three_seeds_and_then_at_half_as_many_again():
    assert looks(10) == (3, 4, 6, 9, 10)
    assert looks(20) == (3, 4, 6, 9, 13, 19, 20)


@pytest.mark.parametrize("max_seeds", [1, 2, 3])
def test_few_seeds_are_looked_at_once(max_seeds):
    assert looks(max_seeds) == (max_seeds,)


@pytest.mark.parametrize("max_seeds", range(1, 60))
def test_looks_rise_to_the_last_seed(max_seeds):
    found = looks(max_seeds)
    assert found[-1] == max_seeds
    assert all(a < b <= max(a + 1, 1.5 * a) for a, b in itertools.pairwise(found))


@pytest.mark.parametrize("parts", [(0.3, 0.5, 0.5), (0.05, 1.0, 1.0), (0.0, 0.0, 1.0)], ids=str)
def test_equal_arms_are_called_at_any_look_in_at_most_5_of_100_studies(parts):
    """1,000 studies without a true difference; the images stay the same from look to look. Peeking calls more."""
    rng = np.random.default_rng(RNG_SEED)
    seeds, images, rest = parts
    numbers = looks(13)
    called = np.zeros((2, 1000), dtype=bool)  # an equal share of alpha at every look; all of alpha at every look
    for study in range(1000):
        table = normal_table(rng, 13, 100, seeds=seeds, images=images, rest=rest)
        for num_seeds in numbers:
            found = crossed_mean(table[:num_seeds])
            called[0, study] |= abs(found.estimate) > found.half_width(0.05 / len(numbers))
            called[1, study] |= abs(found.estimate) > found.half_width(0.05)
    assert called[0].mean() < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 1000)
    assert called[1].mean() > 0.06
    assert called[1].mean() > 2 * called[0].mean()
