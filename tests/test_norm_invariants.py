"""What each normalization leaves unchanged, and inputs that it cannot normalize."""

import numpy as np
import pytest
import torch
from norm_reference import (
    KINDS,
    NORMS,
    PER_IMAGE,
    assert_raises_one_line,
    built,
    each_set,
    random_input,
    run,
    spread,
    statistics_sets,
)
from torch import nn

from whichnorm.errors import SpecError
from whichnorm.norms import EPS, ElementLayerNormSpec, GroupNormSpec, LayerNormSpec, layers, parse_norm
from whichnorm.norms.kernel import batch_norm, group_norm


@pytest.mark.parametrize("norm", PER_IMAGE)
def test_an_image_does_not_see_its_neighbours(norm):
    layer, x = built(norm, (4, 8, 6, 5)), random_input((4, 8, 6, 5))
    other = torch.cat([x[:1], 100 * random_input((3, 8, 6, 5), seed=5)])
    torch.testing.assert_close(layer(x)[:1], layer(x[:1]), rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(layer(x)[:1], layer(other)[:1], rtol=1e-6, atol=1e-6)


def test_with_batch_norm_an_image_sees_its_neighbours_in_training_only():
    layer, x = built("bn", (4, 8, 6, 5)), random_input((4, 8, 6, 5))
    other = torch.cat([x[:1], 100 * random_input((3, 8, 6, 5), seed=5)])
    assert (layer(x)[:1] - layer(other)[:1]).abs().max() > 0.5
    layer.eval()
    torch.testing.assert_close(layer(x)[:1], layer(other)[:1])


@pytest.mark.parametrize("norm", PER_IMAGE)
def test_per_image_norms_do_the_same_in_evaluation(norm):
    layer, x = built(norm, (4, 8, 6, 5)), random_input((4, 8, 6, 5))
    assert torch.equal(layer.train()(x), layer.eval()(x))


@pytest.mark.parametrize("norm", KINDS)
def test_output_does_not_change_when_each_statistics_set_is_scaled_and_shifted(norm):
    shape = (3, 24, 5, 4)
    layer = built(norm, shape, dtype=torch.float64)
    x = 10 * random_input(shape, dtype=torch.float64)  # a large variance makes eps small beside it
    sets = statistics_sets(norm, shape)
    rng = np.random.default_rng(0)
    a = torch.from_numpy(rng.uniform(0.5, 3, sets.max() + 1)[sets])
    b = torch.from_numpy(rng.uniform(-50, 50, sets.max() + 1)[sets])
    torch.testing.assert_close(layer(a * x + b), layer(x), rtol=1e-5, atol=1e-5)


INVARIANT_TO_A_SCALE_AND_SHIFT_OF_EACH = {
    "channel": {"bn", "in", "gn:c1"},
    "image": {"ln", "ln-element", "ln-channel", "gn:2", "gn:4", "gn:8", "gn:c2", "in", "gn:c1"},
    "position of an image": {"ln-channel"},
    "channel of an image": {"in", "gn:c1"},
    "pair of channels of an image": {"in", "gn:c1", "gn:c2"},
    "half of an image's channels": {"in", "gn:c1", "gn:c2", "gn:2", "gn:4", "gn:8"},
    "batch": set(KINDS),
}


@pytest.mark.parametrize("what", INVARIANT_TO_A_SCALE_AND_SHIFT_OF_EACH)
@pytest.mark.parametrize("norm", KINDS)
def test_exactly_the_scales_within_statistics_sets_are_taken_out(norm, what):
    N, C, H, W = shape = (3, 24, 5, 4)
    sizes = {
        "channel": (1, C, 1, 1), "image": (N, 1, 1, 1), "position of an image": (N, 1, H, W),
        "channel of an image": (N, C, 1, 1), "batch": (1, 1, 1, 1),
    }  # fmt: skip
    rng = np.random.default_rng(0)

    def draw(low, high):
        if what == "pair of channels of an image":
            return torch.from_numpy(rng.uniform(low, high, (N, C // 2, 1, 1))).repeat_interleave(2, dim=1)
        if what == "half of an image's channels":
            return torch.from_numpy(rng.uniform(low, high, (N, 2, 1, 1))).repeat_interleave(C // 2, dim=1)
        return torch.from_numpy(rng.uniform(low, high, sizes[what]))

    layer = built(norm, shape, dtype=torch.float64)
    x = 10 * random_input(shape, dtype=torch.float64)
    change = (layer(draw(0.5, 3) * x + draw(-50, 50)) - layer(x)).abs().max()
    if norm in INVARIANT_TO_A_SCALE_AND_SHIFT_OF_EACH[what]:
        assert change < 1e-5
    else:
        assert change > 0.1


@pytest.mark.parametrize("norm", NORMS)
def test_a_new_layer_gives_mean_zero_and_variance_one_over_each_statistics_set(norm):
    shape = (3, 24, 5, 4)
    layer = parse_norm(norm).build(num_channels=24).double()
    if isinstance(layer, layers.LazyLayerNorm):
        layer(torch.zeros(shape, dtype=torch.float64))
    x = 10 * random_input(shape, dtype=torch.float64)
    y = layer(x).detach().numpy()
    for members in each_set(norm, shape):
        assert abs(y[members].mean()) < 1e-9
        var = x.numpy()[members].var()
        np.testing.assert_allclose(y[members].var(), var / (var + EPS), rtol=1e-9)


@pytest.mark.parametrize("norm", NORMS)
def test_input_gradients_sum_to_zero_over_each_statistics_set(norm):
    shape = (3, 24, 5, 4)
    layer = built(norm, shape, dtype=torch.float64)
    x, grad = random_input(shape, dtype=torch.float64), random_input(shape, seed=2, dtype=torch.float64)
    _, dx, _ = run(layer, x, grad)
    for members in each_set(norm, shape):
        inside = dx.numpy()[members]
        assert np.abs(inside).max() > 1e-3
        assert abs(inside.sum()) < 1e-9
        # A change of scale leaves the output as it is, so the gradient is orthogonal to the input, up to eps.
        assert abs((inside * x.numpy()[members]).sum()) < 1e-3


def test_layer_norm_is_group_norm_with_one_group():
    x = random_input((3, 24, 5, 4))
    ln, gn = LayerNormSpec().build(num_channels=24), GroupNormSpec(num_groups=1).build(num_channels=24)
    assert torch.equal(ln(x), gn(x))
    torch.testing.assert_close(ElementLayerNormSpec().build(num_channels=24)(x), gn(x), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("norm", ["gn:24", "gn:c1"])
def test_instance_norm_is_group_norm_with_one_channel_per_group(norm):
    x = random_input((3, 24, 5, 4))
    assert torch.equal(parse_norm("in").build(num_channels=24)(x), parse_norm(norm).build(num_channels=24)(x))


def test_for_one_image_batch_norm_is_instance_norm():
    x = random_input((1, 24, 5, 4))
    bn, instance = parse_norm("bn").build(num_channels=24), parse_norm("in").build(num_channels=24)
    torch.testing.assert_close(bn(x), instance(x), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("norm", ["bn", "ln", "ln-element", "ln-channel", "in", "gn:c1"])
def test_norms_without_an_order_of_channels_commute_with_permuting_them(norm):
    layer = parse_norm(norm).build(num_channels=8)
    x, order = random_input((3, 8, 5, 4)), torch.tensor([3, 0, 7, 1, 6, 4, 2, 5])
    torch.testing.assert_close(layer(x[:, order]), layer(x)[:, order], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("norm", ["gn:2", "gn:4", "gn:c2"])
def test_group_norm_does_not_commute_with_moving_channels_between_groups(norm):
    layer = parse_norm(norm).build(num_channels=8)
    x = random_input((3, 8, 5, 4)) + 10 * torch.arange(8.0).view(1, 8, 1, 1)
    order = torch.tensor([7, 1, 2, 3, 4, 5, 6, 0])
    assert (layer(x[:, order]) - layer(x)[:, order]).abs().max() > 0.1


# ----- inputs that cannot be normalized


@pytest.mark.parametrize(
    ("norm", "shape"),
    [
        ("bn", (1, 8, 1, 1)), ("in", (2, 8, 1, 1)), ("gn:c1", (2, 8, 1, 1)), ("gn:8", (2, 8, 1, 1)),
        ("ln", (2, 1, 1, 1)), ("ln-element", (2, 1, 1, 1)), ("ln-channel", (2, 1, 5, 4)),
    ],
)  # fmt: skip
def test_statistics_over_one_value_are_refused(norm, shape):
    layer = parse_norm(norm).build(num_channels=shape[1])
    assert_raises_one_line(SpecError, "erase the input.*expected", lambda: layer(torch.ones(shape)))


@pytest.mark.parametrize(
    ("norm", "shape"),
    [
        ("bn", (2, 8, 1, 1)), ("bn", (1, 8, 1, 2)), ("in", (1, 8, 2, 1)), ("gn:c2", (1, 8, 1, 1)),
        ("ln", (1, 2, 1, 1)), ("ln-element", (1, 1, 2, 1)), ("ln-channel", (1, 2, 1, 1)),
    ],
)  # fmt: skip
def test_statistics_over_two_values_give_plus_and_minus_one(norm, shape):
    layer = parse_norm(norm).build(num_channels=shape[1])
    x = 10 * random_input(shape)
    y = layer(x).detach()
    torch.testing.assert_close(y.abs(), torch.ones(shape), rtol=1e-2, atol=1e-2)
    assert float(y.sum()) == pytest.approx(0, abs=1e-4)


def test_batch_norm_evaluates_one_image_at_one_position():
    layer = parse_norm("bn").build(num_channels=8).eval()
    x = random_input((1, 8, 1, 1))
    torch.testing.assert_close(layer(x), x / (1 + EPS) ** 0.5)


@pytest.mark.parametrize("norm", KINDS)
def test_a_constant_input_gives_the_bias_and_finite_gradients(norm):
    shape = (3, 24, 5, 4)
    layer = built(norm, shape)
    y, dx, parameter_grads = run(layer, torch.full(shape, 7.0), random_input(shape, seed=2))
    bias = torch.from_numpy(np.array(np.broadcast_to(spread(layer.bias), shape))).float()
    torch.testing.assert_close(y, bias, rtol=0, atol=1e-4)
    assert all(bool(g.isfinite().all()) for g in (dx, *parameter_grads))


@pytest.mark.parametrize("norm", PER_IMAGE)
def test_no_images_give_no_output(norm):
    layer = built(norm, (3, 24, 5, 4))
    assert layer(torch.empty(0, 24, 5, 4)).shape == (0, 24, 5, 4)


def test_batch_norm_refuses_no_images_in_training():
    assert_raises_one_line(
        SpecError, "expected a batch of 2", lambda: parse_norm("bn").build(num_channels=8)(torch.empty(0, 8, 5, 4))
    )


def test_functions_take_inputs_without_positions_or_with_other_numbers_of_dimensions():
    x = random_input((3, 8, 5))
    torch.testing.assert_close(group_norm(x, num_groups=2), nn.functional.group_norm(x, 2), rtol=1e-5, atol=1e-5)
    y, mean, var = batch_norm(x)
    torch.testing.assert_close(y, nn.functional.batch_norm(x, None, None, training=True), rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(mean, x.mean((0, 2)))
    torch.testing.assert_close(var, x.var((0, 2), correction=0))
