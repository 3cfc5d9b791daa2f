"""Which arm is best: closed forms with two arms, symmetry with equal ones, and studies whose truth is known."""

import numpy as np
import pytest
from crossed_studies import RNG_SEED, accuracy, answers
from scipy import stats as scipy_stats

from whichnorm.stats import paired_difference, rank_arms


def arms(num_arms, num_seeds=4, num_images=500, ability=1.0, seed=0, seeds=0.1):
    rng = np.random.default_rng(seed)
    return answers(rng, num_seeds, num_images, ability=ability, seeds=seeds, images=1.0, arms=num_arms)


@pytest.mark.parametrize("num_seeds", [2, 3, 10])
def test_of_two_arms_the_chance_is_students_where_images_add_nothing(num_seeds):
    rng = np.random.default_rng(num_seeds)
    of_seeds = [rng.normal(level, 0.02, size=num_seeds) for level in (0.90, 0.89)]
    tables = [np.repeat(values[:, None], 100, axis=1) for values in of_seeds]
    d = of_seeds[0] - of_seeds[1]
    want = scipy_stats.t.sf(0, num_seeds - 1, loc=d.mean(), scale=scipy_stats.sem(d))
    assert rank_arms(tables).chances_best[0] == pytest.approx(want, abs=0.012)  # three standard errors of 20,000 draws


def test_of_two_arms_the_chance_and_the_regret_are_normal_where_seeds_add_nothing():
    a, b = (arm[:1].repeat(50, axis=0) for arm in arms(2, num_images=20_000, ability=(1.0, 0.99), seeds=0.0))
    d = a[0].astype(float) - b[0]
    z = d.mean() / scipy_stats.sem(d)
    got = rank_arms([a, b])
    assert got.chances_best[0] == pytest.approx(scipy_stats.norm.cdf(z), abs=0.012)
    lost = scipy_stats.sem(d) * (scipy_stats.norm.pdf(z) - z * scipy_stats.norm.sf(z))  # E[max(-D, 0)]
    assert got.regrets[0] == pytest.approx(lost, rel=0.05)
    assert got.regrets[1] - got.regrets[0] == pytest.approx(d.mean(), abs=3 * scipy_stats.sem(d) / 100)


def test_of_two_arms_it_agrees_with_the_confidence_of_their_difference():
    a, b = arms(2, ability=(1.0, 0.9))
    assert rank_arms([a, b]).chances_best[1] == pytest.approx(paired_difference(a, b).chance_below(0), abs=0.03)


def test_arms_with_the_same_answers_have_the_same_chances_and_nothing_to_regret():
    (a,) = arms(1)
    got = rank_arms([a, a, a])
    assert got.regrets == pytest.approx((0, 0, 0), abs=1e-9)
    assert sum(got.chances_best) == pytest.approx(1)


@pytest.mark.parametrize("num_arms", [2, 5])
def test_the_order_of_the_arms_does_not_matter(num_arms):
    tables = arms(num_arms, ability=np.linspace(1.0, 1.1, num_arms))
    there, back = rank_arms(tables), rank_arms(tables[::-1])
    assert there.chances_best == pytest.approx(back.chances_best[::-1], abs=0.015)
    assert there.regrets == pytest.approx(back.regrets[::-1], rel=0.05)


@pytest.mark.parametrize("num_seeds", [3, 5])
def test_the_arm_in_front_is_best_as_often_and_costs_as_much_as_is_said(num_seeds):
    """Studies of arms whose true accuracies are drawn as widely as their estimates err, so that flat priors fit."""
    rng = np.random.default_rng([RNG_SEED, num_seeds])
    said, true = [], []
    for _ in range(400):
        ability = 1 + rng.normal(0, 0.15, size=3)
        tables = answers(rng, num_seeds, 300, ability=ability, seeds=0.1, images=0.5, arms=3)
        got, truth = rank_arms(tables), accuracy(ability, seeds=0.1, images=0.5)
        front = int(np.argmax(tables.mean(axis=(1, 2))))
        said.append((got.chances_best[front], got.regrets[front]))
        true.append((truth.argmax() == front, truth.max() - truth[front]))
    (chance, regret), (right, lost) = np.mean(said, axis=0), np.mean(true, axis=0)
    assert chance == pytest.approx(right, abs=0.08)
    assert lost < 1.3 * regret


@pytest.mark.parametrize("shape", [(1, 10), (3, 1)], ids=str)
def test_two_seeds_and_two_images_are_needed(shape):
    with pytest.raises(ValueError, match="two or more seeds and images are needed"):
        rank_arms([np.ones(shape)] * 2)
