"""Every normalization against float64 formulas and torch's own layers."""

import numpy as np
import pytest
import torch
from norm_reference import (
    FORMATS,
    KINDS,
    NORMS,
    SHAPES,
    Adapted,
    affine_of,
    built,
    random_input,
    reference,
    run,
    stock_layer,
    summed_to,
)

from whichnorm.norms import kernel, parse_norm


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("memory_format", FORMATS)
@pytest.mark.parametrize("norm", NORMS)
def test_output_and_gradients_equal_the_formulas_in_float32(norm, memory_format, shape):
    layer = built(norm, shape)
    x = random_input(shape).contiguous(memory_format=FORMATS[memory_format])
    grad = random_input(shape, seed=2)
    y, dx, parameter_grads = run(layer, x, grad)
    want_y, want_dx, want_weight, want_bias = reference(norm, x, *affine_of(layer, shape[1]), grad)
    assert y.dtype == torch.float32
    np.testing.assert_allclose(y.numpy(), want_y, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(dx.numpy(), want_dx, rtol=1e-5, atol=1e-5)
    wanted = [summed_to(p, w) for p, w in zip(layer.parameters(), (want_weight, want_bias), strict=False)]
    assert len(wanted) == (2 if parse_norm(norm).affine else 0) == len(parameter_grads)
    for got, want in zip(parameter_grads, wanted, strict=True):
        np.testing.assert_allclose(got.numpy(), want, rtol=1e-5, atol=5e-5)


@pytest.mark.parametrize("memory_format", FORMATS)
@pytest.mark.parametrize("norm", NORMS)
def test_bfloat16_is_the_exact_result_rounded_once(norm, memory_format):
    shape = (3, 24, 5, 4)
    layer = built(norm, shape)
    x = random_input(shape, dtype=torch.bfloat16).contiguous(memory_format=FORMATS[memory_format])
    grad = random_input(shape, seed=2, dtype=torch.bfloat16)
    y, dx, parameter_grads = run(layer, x, grad)
    want_y, want_dx, want_weight, want_bias = reference(norm, x, *affine_of(layer, shape[1]), grad)
    assert y.dtype == dx.dtype == torch.bfloat16
    half_a_step = 2.0**-8  # bfloat16 keeps 8 significant bits
    np.testing.assert_allclose(y.float().numpy(), want_y, rtol=half_a_step, atol=2e-5)
    np.testing.assert_allclose(dx.float().numpy(), want_dx, rtol=half_a_step, atol=2e-5)
    for p, got, want in zip(layer.parameters(), parameter_grads, (want_weight, want_bias), strict=False):
        assert got.dtype == torch.float32
        np.testing.assert_allclose(got.numpy(), summed_to(p, want), rtol=1e-5, atol=5e-5)


@pytest.mark.parametrize("norm", NORMS)
def test_gradients_equal_finite_differences_in_float64(norm):
    shape = (2, 8, 3, 2)
    layer = built(norm, shape, dtype=torch.float64)
    inputs = [random_input(shape, dtype=torch.float64).requires_grad_(), *layer.parameters()]
    names = [name for name, _ in layer.named_parameters()]

    def function(x, *parameters):
        return torch.func.functional_call(layer, dict(zip(names, parameters, strict=True)), (x,))

    assert torch.autograd.gradcheck(function, inputs)


@pytest.mark.parametrize("memory_format", FORMATS)
@pytest.mark.parametrize("norm", NORMS)
def test_output_and_gradients_equal_those_of_torchs_layer(norm, memory_format):
    shape = (3, 24, 5, 4)
    ours, stock = built(norm, shape), stock_layer(norm, shape)
    stock.load_state_dict(ours.state_dict())
    x = random_input(shape).contiguous(memory_format=FORMATS[memory_format])
    grad = random_input(shape, seed=2)
    y, dx, parameter_grads = run(ours, x, grad)
    want_y, want_dx, want_grads = run(Adapted(norm, stock), x, grad)
    torch.testing.assert_close(y, want_y, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(dx, want_dx, rtol=1e-5, atol=1e-5)
    for got, want in zip(parameter_grads, want_grads, strict=True):
        torch.testing.assert_close(got, want, rtol=1e-5, atol=5e-5)


@pytest.mark.parametrize("norm", NORMS)
def test_a_large_mean_does_not_drown_a_small_variance(norm):
    shape = (3, 24, 5, 4)
    layer = built(norm, shape)
    generator = torch.Generator().manual_seed(0)
    x = 1000 + 0.1 * torch.randn(shape, generator=generator)
    y, *_ = run(layer, x, torch.ones(shape))
    want, *_ = reference(norm, x, *affine_of(layer, shape[1]), torch.ones(shape))
    # The float32 mean is off by at most half a step at 1000, 3e-5, which is 3e-4 standard deviations.
    np.testing.assert_allclose(y.numpy(), want, rtol=2e-3, atol=5e-3)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("memory_format", FORMATS)
@pytest.mark.parametrize("norm", NORMS)
def test_type_and_memory_format_are_kept(norm, memory_format, dtype):
    shape, memory_format = (3, 24, 5, 4), FORMATS[memory_format]
    layer = built(norm, shape)
    x = random_input(shape, dtype=dtype).contiguous(memory_format=memory_format)
    for mode in (True, False):
        y = layer.train(mode)(x)
        assert y.dtype == dtype
        assert y.shape == x.shape
        assert y.is_contiguous(memory_format=memory_format)


@pytest.mark.parametrize("cached_values", [1, 24 * 5 * 4, 2 * 24 * 5 * 4, 3 * 24 * 5 * 4 - 1])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("norm", KINDS)
def test_a_batch_that_is_worked_on_in_parts_gives_the_same(norm, dtype, cached_values, monkeypatch):
    monkeypatch.setattr(kernel, "CACHED_VALUES", cached_values)
    shape = (5, 24, 5, 4)
    layer = built(norm, shape)
    x = random_input(shape, dtype=dtype).contiguous(memory_format=torch.channels_last)
    grad = random_input(shape, seed=2, dtype=dtype)
    y, dx, parameter_grads = run(layer, x, grad)
    want_y, want_dx, want_weight, want_bias = reference(norm, x, layer.weight, layer.bias, grad)
    rtol = 2.0**-8 if dtype == torch.bfloat16 else 1e-5
    np.testing.assert_allclose(y.float().numpy(), want_y, rtol=rtol, atol=2e-5)
    np.testing.assert_allclose(dx.float().numpy(), want_dx, rtol=rtol, atol=2e-5)
    for p, got, want in zip(layer.parameters(), parameter_grads, (want_weight, want_bias), strict=True):
        np.testing.assert_allclose(got.numpy(), summed_to(p, want), rtol=1e-5, atol=5e-5)
    assert y.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("norm", ["bn", "ln", "gn:4", "ln-channel", "in"])
def test_a_batch_of_the_size_of_training_equals_torchs_layer_in_float64(norm):
    shape = (20, 32, 32, 32)  # more values than are worked on at once
    assert np.prod(shape) > kernel.CACHED_VALUES
    ours, stock = built(norm, shape), stock_layer(norm, shape)
    stock.load_state_dict(ours.state_dict())
    x, grad = random_input(shape).contiguous(memory_format=torch.channels_last), random_input(shape, seed=2)
    y, dx, parameter_grads = run(ours, x, grad)
    want_y, want_dx, want_grads = run(Adapted(norm, stock).double(), x.double(), grad.double())
    torch.testing.assert_close(y.double(), want_y, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(dx.double(), want_dx, rtol=1e-5, atol=1e-5)
    for got, want in zip(parameter_grads, want_grads, strict=True):
        torch.testing.assert_close(got.double(), want, rtol=1e-5, atol=5e-3)  # sums of 20,480 values of size 3


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("norm", NORMS)
def test_neither_the_input_nor_the_incoming_gradient_is_changed(norm, dtype):
    shape = (3, 24, 5, 4)
    layer = built(norm, shape)
    x, grad = random_input(shape, dtype=dtype), random_input(shape, seed=2, dtype=dtype)
    x_before, grad_before = x.clone(), grad.clone()
    parameters_before = [p.detach().clone() for p in layer.parameters()]
    leaf = x.detach().requires_grad_()  # shares memory with x
    layer(leaf).backward(grad)
    assert torch.equal(x, x_before)
    assert torch.equal(grad, grad_before)
    assert all(torch.equal(p, before) for p, before in zip(layer.parameters(), parameters_before, strict=True))


@pytest.mark.parametrize("norm", NORMS)
def test_a_gradient_without_memory_of_its_own_is_taken(norm):
    """The gradient of a sum is one number expanded to the output's shape."""
    shape = (3, 24, 5, 4)
    layer = built(norm, shape)
    x = random_input(shape)
    _, want_dx, want_grads = run(layer, x, torch.ones(shape))
    layer.zero_grad()
    x.requires_grad_()
    layer(x).sum().backward()
    torch.testing.assert_close(x.grad, want_dx, rtol=1e-5, atol=1e-5)
    for p, want in zip(layer.parameters(), want_grads, strict=True):
        torch.testing.assert_close(p.grad, want, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("norm", NORMS)
def test_an_input_with_gaps_in_memory_gives_what_its_copy_gives(norm):
    shape = (3, 24, 5, 4)
    layer = built(norm, shape)
    x = random_input((3, 48, 5, 8))[:, ::2, :, ::2]
    grad = random_input(shape, seed=2)
    for got, want in zip(run(layer, x, grad)[:2], run(layer, x.contiguous(), grad)[:2], strict=True):
        torch.testing.assert_close(got, want, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("norm", NORMS)
def test_parameters_may_be_bfloat16(norm):
    shape = (3, 24, 5, 4)
    layer, x = built(norm, shape).bfloat16(), random_input(shape, dtype=torch.bfloat16)
    y, _, parameter_grads = run(layer, x, torch.ones(shape))
    want, *_ = reference(norm, x, *affine_of(layer, shape[1]), torch.ones(shape))
    np.testing.assert_allclose(y.float().numpy(), want, rtol=2.0**-8, atol=2e-5)
    assert all(grad.dtype == torch.bfloat16 for grad in parameter_grads)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("norm", NORMS)
def test_autocast_changes_no_number(norm, dtype):
    shape = (3, 24, 5, 4)
    x, grad = random_input(shape, dtype=dtype), random_input(shape, seed=2, dtype=dtype)
    plain, cast = built(norm, shape), built(norm, shape)
    want_y, want_dx, want_grads = run(plain, x, grad)
    x = x.clone().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        y = cast(x)
    y.backward(grad)
    assert y.dtype == dtype
    assert torch.equal(y, want_y)
    assert torch.equal(x.grad, want_dx)
    for p, want in zip(cast.parameters(), want_grads, strict=True):
        assert torch.equal(p.grad, want)
    with torch.autocast("cpu", torch.bfloat16):
        evaluated = cast.eval()(x)
    assert torch.equal(evaluated, plain.eval()(x))
