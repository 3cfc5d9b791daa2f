"""Every normalization against float64 formulas written out here, torch's own layers, and its invariants."""

import copy
import dataclasses
import pickle

import numpy as np
import pytest
import torch
from torch import nn

from whichnorm.errors import ModelError, SpecError
from whichnorm.norms import (
    EPS,
    FORMS,
    NORM_LAYERS,
    BatchNormSpec,
    ChannelLayerNormSpec,
    ElementLayerNormSpec,
    GroupNormSpec,
    InstanceNormSpec,
    LayerNormSpec,
    NoNormSpec,
    functional,
    layers,
    norm_layers,
    norm_parameter_names,
    parse_norm,
)
from whichnorm.norms.functional import batch_norm, group_norm

KINDS = ["bn", "ln", "ln-element", "ln-channel", "gn:2", "gn:4", "gn:8", "gn:c1", "gn:c2", "in"]
NORMS = KINDS + [f"{kind}:noaffine" for kind in KINDS]
PER_IMAGE = [kind for kind in KINDS if kind != "bn"]
FORMATS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}
SHAPES = [(3, 24, 5, 4), (1, 24, 7, 3), (2, 24, 1, 9)]


def kind_of(norm):
    return norm.removesuffix(":noaffine")


def statistics_sets(norm, shape):
    """Number the statistics set of every element of an (N, C, H, W) input, by the definition of each norm."""
    N, C, H, W = shape
    sets = np.empty(shape, dtype=int)
    kind = kind_of(norm)
    for n in range(N):
        for c in range(C):
            for h in range(H):
                for w in range(W):
                    sets[n, c, h, w] = {
                        "bn": c,
                        "ln": n,
                        "ln-element": n,
                        "ln-channel": (n * H + h) * W + w,
                        "in": n * C + c,
                        "gn:2": n * 2 + c // max(C // 2, 1),
                        "gn:4": n * 4 + c // max(C // 4, 1),
                        "gn:8": n * 8 + c // max(C // 8, 1),
                        "gn:c1": n * C + c,
                        "gn:c2": n * C + c // 2,
                    }[kind]
    return sets


def each_set(norm, shape):
    sets = statistics_sets(norm, shape)
    for number in np.unique(sets):
        yield sets == number


def reference(norm, x, weight, bias, grad):
    """Return output and gradients in float64: of the input by the full Jacobian of each statistics set."""
    x, grad = x.double().numpy(), grad.double().numpy()
    weight = np.broadcast_to(spread(weight), x.shape)
    bias = np.broadcast_to(spread(bias), x.shape)
    xhat, dx = np.empty_like(x), np.empty_like(x)
    for members in each_set(norm, x.shape):
        values, upstream = x[members], (grad * weight)[members]
        n = values.size
        mean = values.sum() / n
        std = np.sqrt(((values - mean) ** 2).sum() / n + EPS)
        xhat[members] = (values - mean) / std
        jacobian = (np.eye(n) - 1 / n - np.outer(xhat[members], xhat[members]) / n) / std
        dx[members] = jacobian.T @ upstream
    return xhat * weight + bias, dx, grad * xhat, grad


def spread(parameter):
    """Give a (C,) or (C, H, W) parameter the dimensions of an input."""
    array = parameter.detach().double().numpy()
    return array.reshape(1, -1, 1, 1) if array.ndim == 1 else array[None]


def summed_to(parameter, elements):
    """Sum an (N, C, H, W) array of per-element gradients over the elements that share a parameter."""
    return elements.sum(axis=(0, 2, 3)) if parameter.dim() == 1 else elements.sum(axis=0)


def built(norm, shape, dtype=torch.float32, seed=1):
    """Build a layer, give it its size, and give weight and bias random values."""
    layer = parse_norm(norm).build(num_channels=shape[1]).to(dtype)
    if isinstance(layer, layers.LazyLayerNorm):
        layer(torch.zeros(shape, dtype=dtype))
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator, dtype=torch.float64) + 0.5)
    return layer.train()


def affine_of(layer, C):
    """Return weight and bias, or ones and zeros where the layer has none."""
    if layer.weight is None:
        return torch.ones(C), torch.zeros(C)
    return layer.weight, layer.bias


def run(layer, x, grad):
    """Return output, input gradient and parameter gradients of a fresh forward and backward pass."""
    x = x.detach().clone(memory_format=torch.preserve_format).requires_grad_()
    layer.zero_grad()
    y = layer(x)
    y.backward(grad.to(y.dtype))
    return y.detach(), x.grad, [p.grad.clone() for p in layer.parameters()]


def random_input(shape, seed=0, dtype=torch.float32):
    generator = torch.Generator().manual_seed(seed)
    return (3 * torch.randn(shape, generator=generator, dtype=torch.float64) + 1).to(dtype)


def stock_layer(norm, shape):
    """Return torch's own layer for a norm; `apply_stock` applies it to (N, C, H, W)."""
    spec, C = parse_norm(norm), shape[1]
    kind, affine = kind_of(norm), spec.affine
    if kind == "bn":
        return nn.BatchNorm2d(C, affine=affine)
    if kind == "ln":
        return nn.GroupNorm(1, C, affine=affine)
    if kind == "in":
        return nn.InstanceNorm2d(C, affine=affine)
    if kind == "ln-element":
        return nn.LayerNorm(shape[1:], elementwise_affine=affine)
    if kind == "ln-channel":
        return nn.LayerNorm(C, elementwise_affine=affine)
    return nn.GroupNorm(C // spec.channels_per_group if spec.channels_per_group else spec.num_groups, C, affine=affine)


class Adapted(nn.Module):
    """A layer of torch's that takes and gives (N, C, H, W)."""

    def __init__(self, norm, stock):
        super().__init__()
        self.norm, self.stock = norm, stock

    def forward(self, x):
        return apply_stock(self.norm, self.stock, x)


def apply_stock(norm, stock, x):
    if kind_of(norm) == "ln-channel":
        return stock(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
    return stock(x)


def assert_raises_one_line(error, match, function):
    with pytest.raises(error, match=match) as caught:
        function()
    assert "\n" not in str(caught.value)


# ----- forward and backward against formulas


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
    monkeypatch.setattr(functional, "CACHED_VALUES", cached_values)
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
    assert np.prod(shape) > functional.CACHED_VALUES
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


# ----- BatchNorm's running statistics


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


# ----- invariants


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


# ----- LayerNorm with a weight per element


def test_ln_element_finds_its_size_at_the_first_forward_pass():
    lazy = parse_norm("ln-element").build(num_channels=8)
    lazy(random_input((2, 8, 5, 4)))
    assert type(lazy) is layers.LayerNorm
    assert lazy.weight.shape == lazy.bias.shape == (8, 5, 4)
    assert bool((lazy.weight == 1).all())
    assert bool((lazy.bias == 0).all())
    assert lazy.eps == EPS


def test_ln_element_without_affine_becomes_a_layer_norm_without_parameters():
    lazy = parse_norm("ln-element:noaffine").build(num_channels=8)
    lazy(random_input((2, 8, 5, 4)))
    assert type(lazy) is layers.LayerNorm
    assert list(lazy.parameters()) == []


@pytest.mark.parametrize("norm", ["ln-element", "ln-element:noaffine"])
@pytest.mark.parametrize("shape", [(2, 8, 4, 5), (2, 8, 5, 5), (2, 9, 5, 4)], ids=str)
def test_ln_element_refuses_another_size_afterwards(norm, shape):
    layer = built(norm, (2, 8, 5, 4))
    assert_raises_one_line(ModelError, r"\(8, 5, 4\).*one image size only", lambda: layer(torch.ones(shape)))


@pytest.mark.parametrize("norm", NORMS)
def test_a_deep_copy_is_equal_and_independent(norm):
    shape = (3, 24, 5, 4)
    layer, x = built(norm, shape), random_input(shape)
    twin = copy.deepcopy(layer)
    want = twin.eval()(x)
    with torch.no_grad():
        for value in layer.state_dict().values():
            value.add_(1)
    assert torch.equal(twin(x), want)


def test_an_unused_ln_element_can_be_copied_and_loaded():
    trained = built("ln-element", (2, 8, 5, 4))
    x = random_input((2, 8, 5, 4))
    fresh = copy.deepcopy(parse_norm("ln-element").build(num_channels=8))
    fresh.load_state_dict(trained.state_dict())
    assert torch.equal(fresh(x), trained(x))
    again = built("ln-element", (2, 8, 5, 4), seed=8)
    again.load_state_dict(trained.state_dict())
    assert torch.equal(again(x), trained(x))


def test_state_of_another_size_does_not_load_into_a_sized_ln_element():
    with pytest.raises(RuntimeError, match="size mismatch"):
        built("ln-element", (2, 8, 5, 4)).load_state_dict(built("ln-element", (2, 8, 6, 4)).state_dict())


# ----- specs and their text


TEXTS = [*NORMS, "none", "gn:1", "gn:32", "gn:c16", "gn:c16:noaffine"]


@pytest.mark.parametrize("text", TEXTS)
def test_every_text_form_reads_back(text):
    spec = parse_norm(text)
    assert str(spec) == text
    assert parse_norm(str(spec)) == spec
    assert parse_norm(f"  {text.upper()} ") == spec
    assert spec.title


def test_texts_name_the_specs():
    assert parse_norm("bn") == BatchNormSpec()
    assert parse_norm("ln") == LayerNormSpec()
    assert parse_norm("ln-element:noaffine") == ElementLayerNormSpec(affine=False)
    assert parse_norm("ln-channel") == ChannelLayerNormSpec()
    assert parse_norm("in") == InstanceNormSpec()
    assert parse_norm("gn:8") == GroupNormSpec(num_groups=8)
    assert parse_norm("gn:c16:noaffine") == GroupNormSpec(channels_per_group=16, affine=False)
    assert parse_norm("none") == NoNormSpec()
    assert {str(parse_norm(form)) for form in FORMS} == set(FORMS)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("bm", r"unknown norm 'bm' \(did you mean 'bn'\?\); there are bn, ln"),
        ("batchnorm", "unknown norm 'batchnorm'.*there are bn"),
        ("ln-chanel", "did you mean 'ln-channel'"),
        ("", "unknown norm ''"),
        ("8", "unknown norm '8'"),
        ("b\nn", "unknown norm"),
        ("gn", r"needs a number of groups \(gn:8\).*gn:c16"),
        ("gn:", "needs a number of groups"),
        ("gn:noaffine", "needs a number of groups"),
        ("gn:-2", "needs a number of groups"),
        ("gn:2.5", "needs a number of groups"),
        ("gn:cc2", "needs a number of groups"),
        ("gn:0", "gn:0: .*1 or more"),
        ("gn:c0", "gn:c0: .*1 or more"),
        ("bn:affine", "'affine' is not an option of bn; only :noaffine is"),
        ("bn:", "is not an option of bn"),
        ("bn:8", "'8' is not an option of bn"),
        ("gn:8:4", "'4' is not an option of gn:8"),
        ("ln:noaffine:noaffine", "'noaffine:noaffine' is not an option of ln"),
        ("none:noaffine", "'noaffine' is not an option of none; it has none"),
    ],
)
def test_a_text_that_names_no_norm_is_refused_with_what_is_allowed(text, match):
    assert_raises_one_line(SpecError, match, lambda: parse_norm(text))


@pytest.mark.parametrize(
    ("norm", "num_channels", "match"),
    [
        ("gn:8", 12, r"gn:8: .*12 channels.*8 groups; 1, 2, 3, 4, 6, 12 do \(gn:6 is"),
        ("gn:c8", 12, r"gn:c8: .*12 channels.*groups of 8 channels; 1, 2, 3, 4, 6, 12 do \(gn:c6 is"),
        ("gn:16", 8, r"1, 2, 4, 8 do \(gn:8 is"),
        ("gn:2", 7, r"1, 7 do \(gn:1 is"),
    ],
)
def test_groups_that_do_not_divide_name_those_that_do(norm, num_channels, match):
    assert_raises_one_line(SpecError, match, lambda: parse_norm(norm).build(num_channels=num_channels))


@pytest.mark.parametrize(
    "fields", [{}, {"num_groups": 2, "channels_per_group": 2}, {"num_groups": 0}, {"channels_per_group": -1}], ids=str
)
def test_group_norm_needs_one_positive_number(fields):
    assert_raises_one_line(SpecError, "GroupNorm needs", lambda: GroupNormSpec(**fields))


@pytest.mark.parametrize("text", TEXTS)
def test_specs_are_frozen_hashable_and_can_be_pickled(text):
    spec = parse_norm(text)
    with pytest.raises(dataclasses.FrozenInstanceError):
        spec.affine = not spec.affine
    assert hash(spec) == hash(parse_norm(text))
    assert pickle.loads(pickle.dumps(spec)) == spec


def test_specs_that_differ_are_not_equal():
    assert len({parse_norm(text) for text in TEXTS}) == len(TEXTS)


def test_a_spec_is_a_factory_of_new_layers():
    spec = parse_norm("gn:4")
    first, second = spec(8), spec.build(num_channels=8)
    assert type(first) is type(second) is layers.GroupNorm
    assert first.weight is not second.weight


@pytest.mark.parametrize("norm", NORMS)
def test_every_layer_has_the_same_eps_and_starts_as_the_identity_of_scale_and_shift(norm):
    layer = parse_norm(norm).build(num_channels=24)
    layer(random_input((2, 24, 5, 4)))
    assert layer.eps == EPS == 1e-5
    assert isinstance(layer, NORM_LAYERS)
    for name, p in layer.named_parameters():
        assert bool((p == (1 if name == "weight" else 0)).all())
    assert (len(list(layer.parameters())) == 2) is parse_norm(norm).affine


def test_no_norm_is_the_identity_and_no_norm_layer():
    layer, x = parse_norm("none").build(num_channels=8), random_input((2, 8, 5, 4))
    assert layer(x) is x
    assert not isinstance(layer, NORM_LAYERS)


@pytest.mark.parametrize("norm", KINDS)
def test_norm_layers_and_their_parameters_are_found_by_type_at_any_depth(norm):
    spec = parse_norm(norm)
    model = nn.Sequential(nn.Conv2d(1, 24, 1), spec.build(24), nn.Sequential(spec.build(24), nn.Flatten()))
    model(random_input((2, 1, 5, 4)))
    assert list(norm_layers(model)) == ["1", "2.0"]
    assert norm_parameter_names(model) == {"1.weight", "1.bias", "2.0.weight", "2.0.bias"}
    assert norm_parameter_names(model[1]) == {"weight", "bias"}


def test_other_layers_of_torch_are_found_as_norm_layers_too():
    for layer in (nn.BatchNorm1d(4), nn.SyncBatchNorm(4), nn.InstanceNorm1d(4), nn.RMSNorm(4), nn.LocalResponseNorm(2)):
        assert list(norm_layers(nn.Sequential(nn.ReLU(), layer))) == ["1"]
    assert norm_layers(nn.Sequential(nn.Conv2d(1, 1, 1), nn.ReLU())) == {}
