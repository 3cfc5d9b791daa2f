"""BatchNorm's running statistics against torch's."""

import copy

import pytest
import torch
from norm_reference import NORMS, apply_stock, built, random_input, stock_layer
from torch import nn

from whichnorm.norms import EPS, BatchNormSpec, parse_norm


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("momentum", [0.1, 0.3])
def test_running_statistics_follow_torchs_and_serve_evaluation(momentum, affine):
    ours = BatchNormSpec(momentum=momentum, affine=affine).build(num_channels=6)
    stock = nn.BatchNorm2d(6, momentum=momentum, affine=affine)
    for step in range(5):
        x = (step + 1) * random_input((4, 6, 5, 3), seed=step) - step
        torch.testing.assert_close(ours(x), stock(x), rtol=1e-5, atol=1e-5)
    assert int(ours.num_batches_tracked) == 5
    torch.testing.assert_close(ours.running_mean, stock.running_mean, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(ours.running_var, stock.running_var, rtol=1e-5, atol=1e-6)
    x = random_input((4, 6, 5, 3), seed=9)
    before = copy.deepcopy(ours.state_dict())
    y = ours.eval()(x)
    torch.testing.assert_close(y, stock.eval()(x), rtol=1e-5, atol=1e-5)
    by_hand = (x.double() - before["running_mean"].double().view(1, 6, 1, 1)) / torch.sqrt(
        before["running_var"].double().view(1, 6, 1, 1) + EPS
    )
    torch.testing.assert_close(y.double(), by_hand, rtol=1e-5, atol=1e-5)
    for key, value in ours.state_dict().items():
        assert torch.equal(value, before[key]), f"evaluation changed {key}"


def test_running_statistics_of_bfloat16_activations_stay_in_float32():
    layer = parse_norm("bn").build(num_channels=6)
    x = random_input((4, 6, 5, 3), dtype=torch.bfloat16)
    layer(x)
    exact = x.double()
    assert layer.running_mean.dtype == layer.running_var.dtype == torch.float32
    torch.testing.assert_close(layer.running_mean.double(), 0.1 * exact.mean((0, 2, 3)), rtol=1e-5, atol=1e-6)
    unbiased = exact.transpose(0, 1).flatten(1).var(1, correction=1)
    torch.testing.assert_close(layer.running_var.double(), 0.9 + 0.1 * unbiased, rtol=1e-5, atol=1e-6)


def test_evaluation_has_the_gradient_of_a_fixed_scale_and_shift():
    layer = built("bn", (4, 6, 5, 3))
    layer(random_input((4, 6, 5, 3)))
    x = random_input((4, 6, 5, 3), seed=3).requires_grad_()
    layer.eval()(x).sum().backward()
    scale = layer.weight.detach() / torch.sqrt(layer.running_var + EPS)
    torch.testing.assert_close(x.grad, scale.view(1, 6, 1, 1).expand_as(x), rtol=1e-5, atol=1e-6)


def test_the_running_variance_is_unbiased_and_the_output_uses_the_biased_one():
    x = torch.tensor([[[[1.0]]], [[[3.0]]]])  # mean 2, biased variance 1, unbiased 2
    layer = parse_norm("bn").build(num_channels=1)
    y = layer(x)
    torch.testing.assert_close(y.flatten(), torch.tensor([-1.0, 1.0]) / (1 + EPS) ** 0.5)
    torch.testing.assert_close(layer.running_mean, torch.tensor([0.1 * 2]))
    torch.testing.assert_close(layer.running_var, torch.tensor([0.9 + 0.1 * 2]))


@pytest.mark.parametrize("norm", NORMS)
def test_state_dicts_are_exchanged_with_torchs_layers_both_ways(norm):
    shape = (3, 24, 5, 4)
    ours, stock = built(norm, shape), stock_layer(norm, shape)
    with torch.no_grad():
        for p in stock.parameters():
            p.normal_()
    apply_stock(norm, stock, random_input(shape))  # moves BatchNorm's buffers
    other = built(norm, shape, seed=7)
    other.load_state_dict(stock.state_dict())
    stock_again = stock_layer(norm, shape)
    stock_again.load_state_dict(other.state_dict())
    assert list(ours.state_dict()) == list(stock.state_dict())
    x = random_input(shape, seed=4)
    want = apply_stock(norm, stock.eval(), x)
    torch.testing.assert_close(other.eval()(x), want, rtol=1e-5, atol=1e-5)
    assert torch.equal(apply_stock(norm, stock_again.eval(), x), want)
    assert isinstance(ours, type(stock))
