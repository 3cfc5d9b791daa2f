"""Float64 formulas of every normalization, written out, for the tests of the layers."""

import numpy as np
import pytest
import torch
from torch import nn

from whichnorm.norms import EPS, layers, parse_norm

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
