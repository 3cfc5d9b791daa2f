"""Looks at growing data: when they come, what each may spend, and the error of all of them together."""

import numpy as np
import pytest
from crossed_studies import RNG_SEED, normal_table

from whichnorm.stats import crossed_mean, look_alpha, looks


def test_looks_come_after_three_seeds_and_then_every_quarter_more():
    assert list(looks(10)) == [3, 4, 5, 6, 8, 10]
    assert list(looks(20)) == [3, 4, 5, 6, 8, 10, 12, 15, 19, 20]


@pytest.mark.parametrize("max_seeds", [1, 2, 3])
def test_few_seeds_are_looked_at_once(max_seeds):
    assert list(looks(max_seeds)) == [max_seeds]


@pytest.mark.parametrize("max_seeds", range(1, 60))
def test_looks_rise_to_the_last_seed(max_seeds):
    found = list(looks(max_seeds))
    assert found[-1] == max_seeds
    assert all(a < b for a, b in zip(found, found[1:], strict=False))
    assert all(b <= max(a + 1, 1.25 * a + 0.5) for a, b in zip(found, found[1:], strict=False))


@pytest.mark.parametrize("num_looks", [1, 2, 3, 8, 30])
@pytest.mark.parametrize("alpha", [0.05, 0.01])
def test_all_looks_together_spend_alpha_and_the_last_spends_most(num_looks, alpha):
    shares = [look_alpha(index, num_looks, alpha) for index in range(num_looks)]
    assert sum(shares) == pytest.approx(alpha)
    assert min(shares) > 0
    assert shares[-1] == max(shares)
    assert shares[-1] >= alpha / 2


@pytest.mark.parametrize("parts", [(0.3, 0.5, 0.5), (0.05, 1.0, 1.0), (0.0, 0.0, 1.0)], ids=str)
def test_equal_arms_are_called_at_any_look_in_at_most_5_of_100_studies(parts):
    """1,000 studies without a true difference; the images stay the same from look to look. Peeking calls more."""
    rng = np.random.default_rng(RNG_SEED)
    seeds, images, rest = parts
    numbers = list(looks(10))
    called = np.zeros((2, 1000), dtype=bool)  # as divided among looks; with all of alpha at every look
    for study in range(1000):
        table = normal_table(rng, 10, 100, seeds=seeds, images=images, rest=rest)
        for index, num_seeds in enumerate(numbers):
            found = crossed_mean(table[:num_seeds])
            distance = abs(found.estimate)
            called[0, study] |= distance > found.half_width(look_alpha(index, len(numbers)))
            called[1, study] |= distance > found.half_width(0.05)
    assert called[0].mean() < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 1000)
    assert called[1].mean() > called[0].mean()
