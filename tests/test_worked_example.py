"""The published worked example of four channels and three images, recomputed in exact arithmetic.

Published figures are rounded or cut after one to three digits. Two are neither, and are listed with the reason.
"""

from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from fractions import Fraction

import numpy as np
import pytest
import torch

from whichnorm.norms import EPS, parse_norm
from whichnorm.norms.kernel import batch_norm

IMAGES = [
    [[[2, 3]], [[5, 7]], [[11, 13]], [[17, 19]]],
    [[[0, 1]], [[1, 2]], [[3, 5]], [[8, 13]]],
    [[[1, 2]], [[3, 4]], [[5, 6]], [[7, 8]]],
]  # (3, 4, 1, 2)


def values(image, channel):
    return IMAGES[image][channel][0]


SETS = {
    "bn": [[v for image in range(3) for v in values(image, channel)] for channel in range(4)],
    "ln": [[v for channel in range(4) for v in values(image, channel)] for image in range(3)],
    "gn:2": [[v for c in channels for v in values(i, c)] for i in range(3) for channels in ((0, 1), (2, 3))],
}
PUBLISHED = {
    ("bn", "mean"): ["1.5", "3.66", "7.16", "12.0"],
    ("bn", "std"): [".91", "1.97", "3.57", "4.6"],
    ("ln", "mean"): ["9.625", "4.125", "4.5"],
    ("ln", "std"): ["5.97", "4.13", "2.29"],
    ("gn:2", "mean"): ["4.25", "15", "1", "7.25", "2.25", "6.5"],
    ("gn:2", "std"): ["1.9", "3.16", ".7", "3.76", "1.11", "1.11"],
}
WRONG = {
    ("bn", "std", 0): "0.9574",  # .91 is the variance 11/12, not its root
    ("gn:2", "mean", 4): "2.5",  # (1 + 2 + 3 + 4) / 4, not 2.25
}
FIGURES = [(norm, what, i) for (norm, what), figures in PUBLISHED.items() for i in range(len(figures))]


def exact(norm, what, index):
    """Return the mean or the standard deviation of a statistics set to 28 digits."""
    members = SETS[norm][index]
    mean = Fraction(sum(members), len(members))
    if what == "mean":
        return Decimal(mean.numerator) / mean.denominator
    var = sum((v - mean) ** 2 for v in members) / len(members)
    return (Decimal(var.numerator) / var.denominator).sqrt()


def agrees(figure, value):
    """Tell whether a printed figure is the value rounded, or cut, after as many digits."""
    last_digit = Decimal(1).scaleb(Decimal(figure).as_tuple().exponent)
    return Decimal(figure) in (value.quantize(last_digit, ROUND_HALF_UP), value.quantize(last_digit, ROUND_DOWN))


@pytest.mark.parametrize("figure", [f for f in FIGURES if f not in WRONG], ids=str)
def test_published_figures_are_the_exact_values_rounded_or_cut(figure):
    norm, what, index = figure
    assert agrees(PUBLISHED[norm, what][index], exact(norm, what, index))


@pytest.mark.parametrize("figure", WRONG, ids=str)
def test_two_published_figures_are_wrong_and_these_are_right(figure):
    norm, what, index = figure
    assert not agrees(PUBLISHED[norm, what][index], exact(norm, what, index))
    assert agrees(WRONG[figure], exact(norm, what, index))


def test_the_wrong_standard_deviation_is_the_variance_cut_after_two_digits():
    assert agrees(PUBLISHED["bn", "std"][0], exact("bn", "std", 0) ** 2)
    assert round(exact("bn", "std", 0) ** 2 * 12, 20) == 11


@pytest.mark.parametrize("norm", SETS)
def test_our_layers_standardize_the_example_by_the_exact_statistics(norm):
    x = torch.tensor(IMAGES, dtype=torch.float64)
    y = parse_norm(norm).build(num_channels=4).double()(x).detach().numpy()
    N, C = y.shape[:2]
    if norm == "bn":
        sets = [y[:, c].ravel() for c in range(C)]
    elif norm == "ln":
        sets = [y[n].ravel() for n in range(N)]
    else:
        sets = [y[n, 2 * g : 2 * g + 2].ravel() for n in range(N) for g in range(2)]
    for index, got in enumerate(sets):
        mean, std = float(exact(norm, "mean", index)), float(exact(norm, "std", index))
        want = [(v - mean) / np.sqrt(std**2 + EPS) for v in SETS[norm][index]]
        np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-12)


def test_batch_norm_returns_the_examples_exact_mean_and_variance():
    _, mean, var = batch_norm(torch.tensor(IMAGES, dtype=torch.float64))
    np.testing.assert_allclose(mean.numpy(), [float(exact("bn", "mean", i)) for i in range(4)], rtol=1e-14)
    np.testing.assert_allclose(var.numpy(), [float(exact("bn", "std", i)) ** 2 for i in range(4)], rtol=1e-14)
