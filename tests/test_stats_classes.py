"""Intervals of an arm's accuracies on several classes, whose variances between seeds are moderated."""

import numpy as np
import pytest
from scipy import special
from scipy import stats as scipy_stats

from whichnorm.stats import class_intervals, crossed_interval, proportion_interval
from whichnorm.stats.intervals import MAX_DF, moderation


def classes_of(rng, num_images, logits, seed_sd, num_seeds, image_sd=1.5):
    """Draw right answers (num_seeds, N) of each class, and their true accuracies: images differ, and seeds do."""
    tables, truths = [], []
    points, weights = np.polynomial.hermite_e.hermegauss(60)
    for logit, sd in zip(logits, seed_sd, strict=True):
        images, seeds = image_sd * rng.standard_normal(num_images), sd * rng.standard_normal((num_seeds, 1))
        tables.append(rng.random((num_seeds, num_images)) < special.expit(logit + images + seeds))
        truths.append(special.expit(logit + np.hypot(image_sd, sd) * points) @ weights / weights.sum())
    return tables, truths


def coverage(seed, repeats, **setting):
    rng, inside = np.random.default_rng(seed), []
    for _ in range(repeats):
        tables, truths = classes_of(rng, **setting)
        inside += [i.low <= truth <= i.high for i, truth in zip(class_intervals(tables), truths, strict=True)]
    return float(np.mean(inside))


@pytest.mark.parametrize(
    "setting",
    [
        {"num_images": 36, "logits": np.linspace(3.5, 6, 10), "seed_sd": np.full(10, 0.3), "num_seeds": 3},
        {"num_images": 108, "logits": np.linspace(3, 6, 10), "seed_sd": np.full(10, 0.4), "num_seeds": 3},
        {"num_images": 1000, "logits": np.linspace(0, 3, 10), "seed_sd": np.linspace(0.1, 0.8, 10), "num_seeds": 5},
        {"num_images": 1000, "logits": np.linspace(0, 3, 10), "seed_sd": np.full(10, 0.5), "num_seeds": 3},
        {"num_images": 200, "logits": np.zeros(100), "seed_sd": np.full(100, 0.2), "num_seeds": 2},
    ],
    ids=["36 images, few mistakes", "108 images, few mistakes", "seed noise by class", "seed noise", "100 classes"],
)
def test_the_intervals_cover_what_they_say(setting):
    repeats = 4000 // len(setting["logits"])
    found = coverage(11, repeats, **setting)
    assert 0.93 <= found <= 0.995  # few images and mistakes: shares go in steps, on the safe side


def one_hundred_and_eight(mistakes, num_seeds=3):
    """One class of 36 images and three seeds, with so many mistakes among the 108 answers, each on an image alone."""
    table = np.ones((num_seeds, 36), dtype=bool)
    for number in range(mistakes):
        table[number % num_seeds, number] = False
    return table


def test_a_class_with_one_mistake_is_not_less_certain_than_one_with_six():
    """As it was: [64.6, 99.98] for one mistake, [80.6, 98.6] for six, [90.4, 100] for none."""
    mistakes = [0, 1, 2, 3, 6, 9, 12, 18]
    found = class_intervals([one_hundred_and_eight(number) for number in mistakes])
    assert [i.estimate for i in found] == pytest.approx([1 - number / 108 for number in mistakes])
    lows = [i.low for i in found]
    assert lows == sorted(lows, reverse=True)
    assert [i.high for i in found] == sorted((i.high for i in found), reverse=True)
    lengths = [i.high - i.low for i in found]
    assert lengths == sorted(lengths)  # more mistakes, a longer interval, here far below one half
    assert found[1].low > 0.9
    assert crossed_interval(one_hundred_and_eight(1)).low < 0.7  # on its own


def test_one_seed_is_wilsons_interval():
    tables = [one_hundred_and_eight(number, num_seeds=1) for number in (0, 1, 5)]
    for found, number in zip(class_intervals(tables), (0, 1, 5), strict=True):
        want = proportion_interval(36 - number, 36)
        assert (found.low, found.high) == pytest.approx((want.low, want.high))


def test_fewer_than_three_classes_with_mistakes_lend_each_other_nothing():
    tables = [one_hundred_and_eight(number) for number in (0, 4, 7)]
    assert class_intervals(tables) == [crossed_interval(table) for table in tables]


@pytest.mark.parametrize("order", [(2, 0, 1, 3), (3, 2, 1, 0)])
def test_the_order_of_classes_and_of_images_is_of_no_account(order):
    rng = np.random.default_rng(4)
    tables, _ = classes_of(rng, 50, (0.0, 1.0, 2.0, 3.0), (0.1, 0.5, 0.3, 0.9), num_seeds=4)
    want = class_intervals(tables)
    got = class_intervals([tables[place][:, rng.permutation(50)] for place in order])
    for place, found in zip(order, got, strict=True):
        assert (found.low, found.high) == pytest.approx((want[place].low, want[place].high))


def test_variances_that_are_equal_are_taken_as_their_common_one():
    prior, df = moderation(np.full(10, 4.0), 4)
    assert df == MAX_DF
    # all alike: the logarithm's mean, freed of its bias log(df / 2) - digamma(df / 2) at both degrees of freedom
    bias = np.log(2) - special.digamma(2) - (np.log(MAX_DF / 2) - special.digamma(MAX_DF / 2))
    assert prior == pytest.approx(4 * np.exp(bias))


@pytest.mark.parametrize(("prior", "prior_df", "df"), [(2.0, 6, 4), (0.5, 20, 2), (3.0, 4, 9)])
def test_what_scaled_f_variances_have_in_common_is_found_again(prior, prior_df, df):
    rng = np.random.default_rng(5)
    drawn = prior * scipy_stats.f(df, prior_df).rvs(size=40_000, random_state=rng)
    found, found_df = moderation(drawn, df)
    assert found == pytest.approx(prior, rel=0.05)
    assert found_df == pytest.approx(prior_df, rel=0.2)
