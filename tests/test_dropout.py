"""Dropout against its definition."""

import pytest
import torch

from whichnorm.models.layers import Dropout


@pytest.mark.parametrize("rate", [0.05, 0.3, 0.5, 0.9])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_dropout_drops_at_its_rate_and_keeps_the_expectation(rate, dtype):
    torch.manual_seed(0)
    y = Dropout(rate)(torch.ones(1000, 1000, dtype=dtype))
    assert y.dtype == dtype
    sigma = (rate * (1 - rate) / y.numel()) ** 0.5
    assert abs((y == 0).double().mean().item() - rate) < 5 * sigma
    exact = 65536 / (65536 - round(rate * 65536))
    assert y.unique().tolist() == [0, torch.tensor(exact).to(dtype).item()]


def test_dropout_drops_every_fourth_element_no_more_often_than_the_others():
    """A 64-bit number decides about four elements; its sign bit must be random too."""
    torch.manual_seed(0)
    dropped = (Dropout(0.3)(torch.ones(400_000)) == 0).double().view(-1, 4)
    sigma = (0.3 * 0.7 / len(dropped)) ** 0.5
    assert (dropped.mean(dim=0) - 0.3).abs().max() < 5 * sigma
    correlation = torch.corrcoef(dropped.T) - torch.eye(4)
    assert correlation.abs().max() < 5 / len(dropped) ** 0.5


def test_dropout_factor_is_not_rounded_in_bfloat16():
    """With a factor rounded to 8 bits the mean would be 0.2% too large."""
    torch.manual_seed(0)
    x = (1 + torch.rand(2_000_000)).bfloat16()
    y = Dropout(0.05)(x).double()
    kept = y != 0
    assert abs(y[kept].mean() / x.double()[kept].mean() / (65536 / (65536 - 3277)) - 1) < 1e-4


def test_dropout_draws_from_the_global_generator():
    layer, x = Dropout(0.4), torch.ones(7, 11)
    torch.manual_seed(5)
    first, second = layer(x), layer(x)
    torch.manual_seed(5)
    assert torch.equal(layer(x), first)
    assert not torch.equal(first, second)
    both = (Dropout(0.3)(torch.ones(10**6)) == 0) & (Dropout(0.3)(torch.ones(10**6)) == 0)
    assert abs(both.double().mean() - 0.09) < 5 * (0.09 * 0.91 / 10**6) ** 0.5


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_dropout_keeps_the_memory_format(memory_format):
    x = torch.ones(64, 24, 9, 5).contiguous(memory_format=memory_format)
    torch.manual_seed(1)
    y = Dropout(0.25)(x)
    assert y.stride() == x.stride()
    assert abs((y == 0).double().mean() - 0.25) < 5 * (0.25 * 0.75 / y.numel()) ** 0.5
    per_channel = (y == 0).double().mean(dim=(0, 2, 3))
    assert (per_channel - 0.25).abs().max() < 5 * (0.25 * 0.75 / (64 * 45)) ** 0.5


def test_dropout_takes_views_and_empty_tensors():
    x = torch.ones(6, 8, 10)[:, ::2, 1:].transpose(0, 2)
    assert Dropout(0.5)(x).shape == x.shape
    assert Dropout(0.5)(torch.ones(0, 3)).shape == (0, 3)


def test_dropout_passes_the_gradient_of_kept_elements_only():
    x = torch.randn(50, 50, requires_grad=True)
    y = Dropout(0.3)(x)
    y.sum().backward()
    factor = 65536 / (65536 - round(0.3 * 65536))
    torch.testing.assert_close(x.grad, (y != 0).float() * factor)
    torch.testing.assert_close(y, x * x.grad)


def test_dropout_is_the_identity_in_evaluation_and_at_rate_0():
    x = torch.randn(20, 20)
    state = torch.get_rng_state()
    assert torch.equal(Dropout(0.5).eval()(x), x)
    assert torch.equal(Dropout(0.5).eval()(x), x)
    assert torch.equal(state, torch.get_rng_state())
    assert torch.equal(Dropout(0.0)(x), x)
    assert torch.equal(Dropout(1.0)(x), torch.zeros_like(x))
