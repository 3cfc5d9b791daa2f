"""The two sizes between which two arms change places: by hand, by another fit, and how often they hold the truth."""

import math

import numpy as np
import pytest
from scipy import optimize

from benchmarks.crossings import CURVES, SIZES, Curve, bracket, study
from whichnorm.stats import find_crossing

CALLS = {"+": "better", "-": "worse", "0": "cannot tell"}


def crossing(signs, differences, sizes=(2, 4, 8, 16)):
    return find_crossing(sizes, differences, [CALLS[sign] for sign in signs])


@pytest.mark.parametrize(
    ("signs", "differences", "low", "high", "about"),
    [
        ("++--", [0.3, 0.1, -0.1, -0.2], 4, 8, 4 * math.sqrt(2)),  # half-way on the axis
        ("+++-", [0.3, 0.3, 0.3, -0.1], 8, 16, 8 * 2**0.75),
        ("+00-", [0.2, 0, 0, -0.2], 2, 16, 4 * math.sqrt(2)),  # zero from 4 to 8: the middle
        ("+00-", [0.3, -0.02, 0.06, -0.3], 2, 16, 8 * 2 ** (0.02 / 0.32)),  # -0.02 and 0.06 become 0.02 twice
        ("0+-0", [-0.1, 0.1, -0.3, 0.1], 4, 8, 4 * 2**0.25),  # what is beyond the two sizes does not move it
        ("++0-", [0.3, 0.1, 0.05, -0.1], 4, 16, 8 * 2 ** (1 / 3)),
    ],
)
@pytest.mark.parametrize("turned", [False, True])
def test_crossings_that_can_be_worked_out_by_hand(signs, differences, low, high, about, turned):
    if turned:
        signs, differences = signs.translate(str.maketrans("+-", "-+")), np.negative(differences)
    found = crossing(signs, differences)
    assert (found.low, found.high, found.better_below) == (low, high, "b" if turned else "a")
    assert found.about == pytest.approx(about)


@pytest.mark.parametrize("signs", ["0000", "+000", "000-", "+++0", "-0--", "+-+0", "+0-+", "-+-+"])
def test_without_both_calls_or_with_more_than_one_change_there_is_no_crossing(signs):
    sign = {"+": 0.1, "-": -0.1, "0": 0.0}
    assert crossing(signs, [sign[one] for one in signs]) is None


def test_one_size_and_none_have_no_crossing():
    assert crossing("+", [0.1], sizes=[4]) is None
    assert crossing("", [], sizes=[]) is None


@pytest.mark.parametrize("seed", range(5))
def test_the_place_between_is_that_of_the_monotone_fit_and_scales_with_the_sizes(seed):
    inner = np.random.default_rng(seed).normal(0, 0.2, 5)
    differences, sizes, signs = np.array([0.3, *inner, -0.2]), 2 ** np.arange(1, 8), "+00000-"
    fit = optimize.isotonic_regression(differences, increasing=False).x
    assert np.log2(crossing(signs, differences, sizes).about) == pytest.approx(np.interp(0, -fit, np.log2(sizes)))
    scaled = crossing(signs, differences, 10 * sizes)
    assert scaled.about == pytest.approx(10 * crossing(signs, differences, sizes).about)
    assert (scaled.low, scaled.high) == (20, 1280)


@pytest.mark.parametrize("num_seeds", [3, 5])
@pytest.mark.parametrize("curve", CURVES, ids=str)
def test_the_two_sizes_hold_the_truth_in_95_of_100_studies(curve, num_seeds):
    """Of 300 studies; more than 24 miss with a probability of 1 in 100 where 5 of 100 do."""
    rng = np.random.default_rng([num_seeds, len(curve.name)])
    found = [bracket(study(curve, num_seeds, rng)) for _ in range(300)]
    missed = [low > curve.place or high < curve.place for low, high in found]
    assert sum(missed) <= 24
    closed = sum(low > 0 and high < math.inf for low, high in found)
    assert closed > 200 or curve.name != "steep step"  # one without ends would hold everything


def test_the_generator_s_curves_are_zero_where_they_say():
    assert [curve.name for curve in CURVES] == ["linear", "steep step", "flat"]
    for curve in CURVES:
        differences = curve.differences()
        assert np.all(differences[np.less(SIZES, curve.place)] > 0)
        assert np.all(differences[np.greater(SIZES, curve.place)] < 0)
        assert np.all(np.diff(differences) <= 0)


def test_a_study_has_the_differences_of_its_curve():
    curve = Curve(name="two", place=3, of=lambda octave: -0.1 * octave)
    a, b = study(curve, 40, np.random.default_rng(0), num_images=4000)
    np.testing.assert_allclose((a.astype(float) - b).mean(axis=(1, 2)), curve.differences(), atol=0.03)


@pytest.mark.parametrize(
    ("sizes", "differences", "calls", "words"),
    [
        ((2, 4), (0.1,), ["better"], "as many sizes"),
        ((2, 4), (0.1, -0.1), ["better"], "as many sizes"),
        (((2, 4),), ((0.1, -0.1),), [["better", "worse"]], "as many sizes"),
        ((4, 2), (0.1, -0.1), ["better", "worse"], "must be 1 or more and rise"),
        ((2, 2), (0.1, -0.1), ["better", "worse"], "must be 1 or more and rise"),
        ((0, 2), (0.1, -0.1), ["better", "worse"], "must be 1 or more and rise"),
        ((2, 4), (0.1, -0.1), ["better", "best"], "calls are"),
        ((2, 4), (-0.1, -0.1), ["better", "worse"], "above 0"),
        ((2, 4), (0.1, 0.0), ["better", "worse"], "above 0"),
    ],
)
def test_what_does_not_fit_is_refused(sizes, differences, calls, words):
    with pytest.raises(ValueError, match=words):
        find_crossing(sizes, differences, calls)
