"""Exact tests against scipy and all sign flips; corrections for their number by hand and by simulation."""

import itertools

import numpy as np
import pytest
from scipy import stats as scipy_stats

from whichnorm.stats import holm, least_sign_flip_p_value, shaffer, sign_flip_p_value, tarone_holm


@pytest.mark.parametrize(("plus", "minus"), [(0, 0), (5, 0), (7, 2), (10, 10), (1, 30), (400, 330)])
def test_signs_of_single_images_are_tested_as_by_mcnemar(plus, minus):
    want = scipy_stats.binomtest(plus, plus + minus).pvalue if plus + minus else 1.0
    assert sign_flip_p_value([1] * plus + [-1] * minus + [0] * 50) == pytest.approx(want, rel=1e-9)


@pytest.mark.parametrize(
    "differences", [[2, -1], [3, 2, 1, -1], [5, 5, -3, 1, 1, 0], [-4, -4, -2, 3, 1, 1, -1]], ids=str
)
def test_the_sign_test_of_sums_is_that_of_all_flips(differences):
    sizes = np.abs(differences)
    flips = [np.dot(signs, sizes) for signs in itertools.product([-1, 1], repeat=len(sizes))]
    want = np.mean(np.abs(flips) >= abs(sum(differences)))
    assert sign_flip_p_value(differences) == pytest.approx(want)
    assert sign_flip_p_value(np.negative(differences)) == pytest.approx(want)


def test_no_p_value_is_below_the_least():
    for differences in ([1] * 6, [3, 1, 1, 2, 0], [], [0, 0]):
        assert sign_flip_p_value(differences) == pytest.approx(least_sign_flip_p_value(differences))
    assert sign_flip_p_value([2, -1, 1]) > least_sign_flip_p_value([2, -1, 1])


def test_holms_adjustment_by_hand():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.5]) == pytest.approx([1.0, 1.0])
    assert holm([]).tolist() == []


def test_tests_that_could_never_be_called_are_not_paid_for():
    p, least = [0.001, 0.02, 0.5, 1.0, 1.0], [1e-6, 1e-6, 0.5, 0.25, 1.0]
    assert tarone_holm(p, least) == pytest.approx([0.002, 0.02, 1, 1, 1])
    assert tarone_holm(p, [1e-9] * 5) == pytest.approx(holm(p))
    assert tarone_holm([0.5], [0.5]).tolist() == [1.0]
    assert tarone_holm([], []).tolist() == []


def test_tarones_number_by_hand():
    # At most k tests can reach 0.05 / k: k = 1 has three (0.05), k = 2 two (0.025), so two count.
    got = tarone_holm([0.02, 0.03, 0.04], [0.01, 0.02, 0.04])
    assert got == pytest.approx([0.04, 0.04, 1.0])


@pytest.mark.parametrize("shared", [0.0, 0.9])
def test_holms_correction_keeps_the_family_wise_error_whatever_the_dependence(shared):
    """Ten true hypotheses and two false ones; 2,000 families with independent and with nearly equal test statistics."""
    rng = np.random.default_rng(20240501)
    common, own = rng.normal(size=(2000, 1)), rng.normal(size=(2000, 12))
    statistics = np.sqrt(shared) * common + np.sqrt(1 - shared) * own + np.array([0.0] * 10 + [4.0] * 2)
    adjusted = np.array([holm(2 * scipy_stats.norm.sf(np.abs(row))) for row in statistics])
    assert np.mean((adjusted[:, :10] < 0.05).any(axis=1)) < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 2000)
    assert np.mean(adjusted[:, 10:] < 0.05) > 0.8


def test_holms_adjustment_keeps_the_order_of_its_arguments():
    p = np.random.default_rng(0).random(20)
    order = np.random.default_rng(1).permutation(20)
    assert holm(p[order]) == pytest.approx(holm(p)[order])
    assert (holm(p) >= p).all()


def test_shaffers_multipliers_by_hand():
    # Of three arms' pairs three, one or none can be equal; of four arms' six pairs six, three, two, one or none.
    assert shaffer([0.01, 0.02, 0.03], 3) == pytest.approx([0.03, 0.03, 0.03])
    assert shaffer([0.03, 0.001, 0.04], 3) == pytest.approx([0.03, 0.003, 0.04])
    assert shaffer([0.001, 0.01, 0.02, 0.03, 0.04, 0.2], 4) == pytest.approx([0.006, 0.03, 0.06, 0.09, 0.09, 0.2])
    assert shaffer([0.02], 2) == pytest.approx([0.02])
    assert shaffer([], 1).tolist() == []


@pytest.mark.parametrize("num_arms", [2, 3, 4, 5])
def test_shaffers_multipliers_are_the_most_pairs_that_can_be_equal_beside_so_many_differences(num_arms):
    """By every partition of the arms into groups of equals, in place of the recursion over group sizes."""
    pairs = list(itertools.combinations(range(num_arms), 2))
    equal = {
        sum(groups[a] == groups[b] for a, b in pairs) for groups in itertools.product(range(num_arms), repeat=num_arms)
    }
    p = np.linspace(1e-6, 2e-6, len(pairs))
    want = [max((n for n in equal if n <= len(pairs) - step), default=1) or 1 for step in range(len(pairs))]
    assert shaffer(p, num_arms) == pytest.approx(np.maximum.accumulate(want * p))
    assert (shaffer(p, num_arms) <= holm(p) + 1e-18).all()


def test_missing_pairs_are_not_paid_for():
    assert shaffer([0.001, 0.02], 3) == pytest.approx([0.002, 0.02])
    assert shaffer([0.01], 3) == pytest.approx([0.01])
    with pytest.raises(ValueError, match="3 arms have 3 pairs, got 4"):
        shaffer([0.1] * 4, 3)


@pytest.mark.parametrize("levels", [(0, 0, 0, 0), (0, 0, 0, 9), (0, 0, 9, 9)], ids=str)
def test_shaffers_correction_keeps_the_family_wise_error_over_the_pairs_of_arms(levels):
    rng = np.random.default_rng(20240501)
    pairs = list(itertools.combinations(range(4), 2))
    means = rng.normal(levels, 1.0, size=(4000, 4))
    false = [place for place, (a, b) in enumerate(pairs) if levels[a] == levels[b]]
    p = np.stack([2 * scipy_stats.norm.sf(np.abs(means[:, a] - means[:, b]) / np.sqrt(2)) for a, b in pairs], axis=1)
    adjusted = np.array([shaffer(row, 4) for row in p])
    assert np.mean((adjusted[:, false] < 0.05).any(axis=1)) < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 4000)
