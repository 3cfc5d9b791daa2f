"""The slope of accuracy over a quantity, against least squares, paired differences and the truth."""

import numpy as np
import pytest
from crossed_studies import RNG_SEED, accuracy, answers

from whichnorm.stats import paired_difference, trend


def tables(rng, abilities, num_seeds, N):
    return answers(rng, num_seeds, N, ability=abilities, seeds=0.1, images=1.0, arms=len(abilities))


def test_the_slope_is_that_of_least_squares():
    x, correct = np.array([0, 1, 2, 3, 3.58]), tables(np.random.default_rng(0), [0, 0.1, 0.3, 0.2, 0.5], 4, 300)
    fitted = np.polyfit(x, correct.mean(axis=(1, 2)), 1)[0]
    found = trend(x, correct)
    assert found.estimate == pytest.approx(fitted)
    of_seeds = [np.polyfit(x, correct[:, seed].mean(axis=1), 1)[0] for seed in range(4)]
    assert found.mean.seed_variance == pytest.approx(np.var(of_seeds, ddof=1))


def test_of_two_places_it_is_the_paired_difference_over_their_distance():
    a, b = tables(np.random.default_rng(1), [0.0, 0.2], 5, 400)
    found, difference = trend([1, 3], [a, b]), paired_difference(b, a)
    assert found.estimate == pytest.approx(difference.estimate / 2)
    assert found.p_value == pytest.approx(difference.p_value)
    assert found.interval().low == pytest.approx(difference.interval().low / 2)


def test_it_moves_with_the_unit_and_turns_with_the_axis():
    x, correct = np.arange(4), tables(np.random.default_rng(2), [0, 0.1, 0.1, 0.3], 3, 200)
    found = trend(x, correct)
    assert trend(10 * x + 7, correct).estimate == pytest.approx(found.estimate / 10)
    assert trend(-x, correct).estimate == pytest.approx(-found.estimate)
    assert trend(-x, correct).p_value == pytest.approx(found.p_value)
    assert trend(x[::-1], correct[::-1]).p_value == pytest.approx(found.p_value)


@pytest.mark.parametrize("num_seeds", [3, 5])
@pytest.mark.parametrize("step", [0.0, 0.1])
def test_its_interval_holds_the_truth_in_95_of_100_studies(num_seeds, step):
    """Of 400 studies; fewer than 368 with a probability of 1 in 100 where 95 of 100 do."""
    rng, x = np.random.default_rng([RNG_SEED, num_seeds, int(10 * step)]), np.arange(5)
    truth = np.polyfit(x, accuracy(step * x, seeds=0.1, images=1.0), 1)[0]
    intervals = [trend(x, tables(rng, step * x, num_seeds, 300)).interval() for _ in range(400)]
    assert sum(one.low <= truth <= one.high for one in intervals) >= 368


@pytest.mark.parametrize(
    ("places", "shape"),
    [((1, 1), (2, 3, 10)), ((1,), (1, 3, 10)), ((1, 2, 3), (2, 3, 10)), (((1, 2),), (2, 3, 10)), ((1, 2), (2, 10))],
)
def test_what_does_not_fit_is_refused(places, shape):
    with pytest.raises(ValueError, match="a trend needs places"):
        trend(places, np.zeros(shape))


def test_one_seed_tells_no_trend():
    with pytest.raises(ValueError, match="two or more seeds"):
        trend([1, 2], np.zeros((2, 1, 10)))
