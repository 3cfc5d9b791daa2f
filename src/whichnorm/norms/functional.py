"""Standardization of feature maps, with one numeric policy for every normalization.

Statistics, scale and shift are computed in float32 (float64 for float64 inputs) whatever the input's type, and the
result is rounded once to the input's type. BatchNorm, LayerNorm, GroupNorm and InstanceNorm share one kernel: each
needs the mean and the variance of every (image, channel) pair, and they differ only in which of these pairs are
pooled. So no layer is favoured in precision or in speed, and all keep the channels_last memory format.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from whichnorm.errors import SpecError

PER_BATCH = None  # in place of a group count: pool each channel over the images of the batch


def accumulate_type(x: Tensor) -> Tensor:
    """Return x in the type in which its statistics are computed: float32, or float64 if it is float64."""
    return x if x.dtype == torch.float64 else x.float()


def pool(table: Tensor, num_groups: int | None) -> Tensor:
    """Replace each entry of an (N, C) table by the mean over the entries that share its statistics; (N, C) again."""
    N, C = table.shape
    if num_groups is PER_BATCH:
        return table.mean(0, keepdim=True).expand(N, C)
    grouped = table.view(N, num_groups, C // num_groups)
    return grouped.mean(2, keepdim=True).expand_as(grouped).reshape(N, C)


def require_several_values(x: Tensor, num_groups: int | None) -> None:
    """Refuse statistics over one value: they are the value itself, and the layer would erase its input."""
    N, C = x.shape[:2]
    positions = x.shape[2:].numel()
    count = positions * (N if num_groups is PER_BATCH else C // num_groups)
    if count > 1:
        return
    over = "one image at one position" if num_groups is PER_BATCH else "one channel at one position"
    remedy = "a batch of 2 or more" if num_groups is PER_BATCH else "fewer groups, or a larger feature map"
    raise SpecError(f"statistics over {over} (input {tuple(x.shape)}) erase the input; expected {remedy}")


class _Standardize(torch.autograd.Function):
    """Standardize x by pooled statistics, then scale and shift each channel; the gradient is written out by hand.

    With xhat = (x - mean) r, r = (variance + eps)^-1/2 and m() the mean over a statistics set,
    dx = r (w g - m(w g) - xhat m(w g xhat)): Ioffe and Szegedy, "Batch Normalization", 2015, section 3, in which
    the sums over a set are pooled from sums over each channel of each image.
    """

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, num_groups: int | None, eps: float
    ) -> tuple[Tensor, Tensor, Tensor]:
        N, C = x.shape[:2]
        values = accumulate_type(x).flatten(2)  # (N, C, L)
        mean = pool(values.mean(2), num_groups)  # (N, C)
        centered = values - mean[:, :, None]  # two passes: E[x^2] - E[x]^2 would cancel where the mean is large
        var = pool(centered.square().mean(2), num_groups)
        rstd = torch.rsqrt(var + eps)
        y = torch.addcmul(bias.expand(N, C)[:, :, None], centered, (rstd * weight)[:, :, None])
        ctx.save_for_backward(x, weight, mean, rstd)
        ctx.num_groups = num_groups
        ctx.mark_non_differentiable(mean, var)
        return y.to(x.dtype).view_as(x), mean, var

    @staticmethod
    @once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, grad: Tensor, *_: Tensor) -> tuple[Tensor, Tensor, Tensor, None, None]:
        x, weight, mean, rstd = ctx.saved_tensors
        g = accumulate_type(grad).flatten(2)
        centered = accumulate_type(x).flatten(2) - mean[:, :, None]
        positions = centered.shape[2]
        grad_sum = g.sum(2)  # (N, C)
        grad_dot = (g * centered).sum(2) * rstd
        offset = pool(weight * grad_sum, ctx.num_groups) / positions
        slope = pool(weight * grad_dot, ctx.num_groups) / positions
        dx = torch.addcmul((-rstd * offset)[:, :, None], g, (rstd * weight)[:, :, None])
        dx = dx.addcmul_(centered, (-rstd.square() * slope)[:, :, None])
        return dx.to(x.dtype).view_as(x), grad_dot.sum(0), grad_sum.sum(0), None, None


def standardize(
    x: Tensor, weight: Tensor | None, bias: Tensor | None, num_groups: int | None, eps: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Standardize x (N, C, ...) and return it with the mean and the biased variance used, both (N, C).

    num_groups groups of channels of each image share statistics; PER_BATCH pools each channel over the batch.
    weight and bias are (C,), or None for one and zero.
    """
    require_several_values(x, num_groups)
    ones = accumulate_type(x.new_ones(x.shape[1]))
    weight = ones if weight is None else weight.to(ones.dtype)
    bias = torch.zeros_like(ones) if bias is None else bias.to(ones.dtype)
    return _Standardize.apply(x, weight, bias, num_groups, eps)


def group_norm(
    x: Tensor, num_groups: int, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5
) -> Tensor:
    """Standardize each group of channels of each image by its own mean and biased variance.

    x is (N, C, ...), and so is the result. One group gives LayerNorm over (C, H, W), one channel per group
    InstanceNorm. Wu and He, "Group Normalization", ECCV 2018, equations 1, 2 and 7.
    """
    return standardize(x, weight, bias, num_groups, eps)[0]


def batch_norm(
    x: Tensor, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5
) -> tuple[Tensor, Tensor, Tensor]:
    """Standardize each channel by its mean and biased variance over the batch.

    x is (N, C, ...); returns the result with the batch's mean and variance, both (C,). The statistics, and so every
    image's result, depend on which images share the batch. Ioffe and Szegedy, "Batch Normalization", 2015.
    """
    y, mean, var = standardize(x, weight, bias, PER_BATCH, eps)
    return y, mean[0], var[0]


def fixed_norm(x: Tensor, mean: Tensor, var: Tensor, weight: Tensor | None, bias: Tensor | None, eps: float) -> Tensor:
    """Standardize each channel of x (N, C, ...) by a given mean and variance (C,), as BatchNorm does in evaluation."""
    scale = torch.rsqrt(accumulate_type(var) + eps)
    scale = scale if weight is None else scale * weight
    shift = -mean * scale if bias is None else bias - mean * scale
    shape = (1, -1) + (1,) * (x.dim() - 2)
    return torch.addcmul(shift.view(shape), accumulate_type(x), scale.view(shape)).to(x.dtype)


def channel_layer_norm(
    x: Tensor, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5
) -> Tensor:
    """Standardize the C values at each position of each image; x is (N, C, H, W), weight and bias are (C,).

    Ba, Kiros and Hinton, "Layer Normalization", 2016, applied at each position as in Liu et al.,
    "A ConvNet for the 2020s", CVPR 2022.
    """
    if x.shape[1] == 1:
        raise SpecError(f"statistics over one channel (input {tuple(x.shape)}) erase the input; expected 2 or more")
    last = accumulate_type(x).permute(0, 2, 3, 1)  # (N, H, W, C)
    scale = None if weight is None else weight.to(last.dtype)
    shift = None if bias is None else bias.to(last.dtype)
    return F.layer_norm(last, last.shape[3:], scale, shift, eps).permute(0, 3, 1, 2).to(x.dtype)


def element_layer_norm(
    x: Tensor, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5
) -> Tensor:
    """Standardize each image by its mean and variance over (C, H, W); weight and bias are (C, H, W).

    Ba, Kiros and Hinton, "Layer Normalization", 2016: one scale and shift for each element.
    """
    require_several_values(x, num_groups=1)
    last = accumulate_type(x).permute(0, 2, 3, 1)  # (N, H, W, C): a view of channels_last storage
    scale = None if weight is None else weight.permute(1, 2, 0).to(last.dtype)
    shift = None if bias is None else bias.permute(1, 2, 0).to(last.dtype)
    return F.layer_norm(last, last.shape[1:], scale, shift, eps).permute(0, 3, 1, 2).to(x.dtype)
