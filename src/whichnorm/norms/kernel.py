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
CACHED_VALUES = 2**19  # values of a part of a batch: 2 MiB in float32


def accumulate_type(x: Tensor) -> Tensor:
    """Return x in the type in which its statistics are computed: float32, or float64 if it is float64."""
    return x if x.dtype == torch.float64 else x.float()


def is_traced() -> bool:
    """Tell whether torch is exporting or compiling: then torch's own operators take the place of our kernels, whose
    parts, written results and hand-made gradients are no operators that an export could name."""
    return torch.compiler.is_compiling() or torch.onnx.is_in_onnx_export()


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


def _parts(x: Tensor) -> list[slice]:
    """Split the batch on a CPU into parts whose float32 copies stay in its cache, which is most of the speed there."""
    images = max(1, len(x) if x.is_cuda else CACHED_VALUES // max(1, x.shape[1:].numel()))
    return [slice(start, start + images) for start in range(0, max(1, len(x)), images)]


def _minus(x: Tensor, shift: Tensor) -> Tensor:
    """Return x (N, C, ...) minus shift, in the type of its statistics and as (N, C, L); shift broadcasts to that."""
    values = accumulate_type(x).flatten(2)
    return values - shift if values.dtype == x.dtype else values.sub_(shift)  # a converted copy is ours to change


def _moments(x: Tensor) -> tuple[Tensor, Tensor]:
    """Return the mean and the biased variance of every channel of every image, both (N, C)."""
    means, variances = [], []
    for part in _parts(x):
        mean = accumulate_type(x[part]).flatten(2).mean(2)
        centered = _minus(x[part], mean[:, :, None])
        means.append(mean)
        variances.append((centered * centered).mean(2))
    return torch.cat(means), torch.cat(variances)


class _Standardize(torch.autograd.Function):
    """Standardize x by pooled statistics, then scale and shift each channel; the gradient is written out by hand.

    The variance of a statistics set is the mean of its channels' variances plus the variance of their means: Chan,
    Golub and LeVeque, "Updating formulae and a pairwise algorithm", 1979. Nothing cancels where the mean is large.
    With xhat = (x - mean) r, r = (variance + eps)^-1/2 and m() the mean over a statistics set,
    dx = r (w g - m(w g) - xhat m(w g xhat)): Ioffe and Szegedy, "Batch Normalization", 2015, section 3, in which
    the sums over a set are pooled from sums over each channel of each image.
    """

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, num_groups: int | None, eps: float
    ) -> tuple[Tensor, Tensor, Tensor]:
        means, variances = _moments(x)  # (N, C)
        mean = pool(means, num_groups)
        var = pool(variances + (means - mean).square(), num_groups)
        rstd = torch.rsqrt(var + eps)
        scale, y = rstd * weight, torch.empty_like(x)
        for part in _parts(x):
            values = _minus(x[part], mean[part, :, None]).mul_(scale[part, :, None]).add_(bias[:, None])
            y[part].copy_(values.view_as(x[part]))
        ctx.save_for_backward(x, weight, mean, rstd)
        ctx.num_groups = num_groups
        ctx.mark_non_differentiable(mean, var)
        return y, mean, var

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor, *_: Tensor) -> tuple[Tensor, Tensor, Tensor, None, None]:
        x, weight, mean, rstd = ctx.saved_tensors
        sums, dots = [], []
        for part in _parts(x):
            g = accumulate_type(grad[part]).flatten(2)  # (N, C, L)
            sums.append(g.sum(2))
            dots.append((g * _minus(x[part], mean[part, :, None])).sum(2))
        grad_sum, grad_dot = torch.cat(sums), torch.cat(dots) * rstd  # (N, C)
        positions = x.shape[2:].numel()
        offset = rstd * pool(weight * grad_sum, ctx.num_groups) / positions
        slope = rstd.square() * pool(weight * grad_dot, ctx.num_groups) / positions
        scale, dx = rstd * weight, torch.empty_like(x)
        for part in _parts(x):
            values = _minus(x[part], mean[part, :, None]).mul_(-slope[part, :, None])
            g = accumulate_type(grad[part]).flatten(2)
            values.addcmul_(g, scale[part, :, None]).sub_(offset[part, :, None])
            dx[part].copy_(values.view_as(x[part]))
        return dx, grad_dot.sum(0), grad_sum.sum(0), None, None


class _StandardizeChannels(torch.autograd.Function):
    """As _Standardize, with the C values at each position of each image as one statistics set; x is (N, C, ...)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
        y, means, rstds = torch.empty_like(x), [], []
        for part in _parts(x):
            mean = accumulate_type(x[part]).flatten(2).mean(1, keepdim=True)  # (N, 1, L)
            values = _minus(x[part], mean)
            rstd = torch.rsqrt((values * values).mean(1, keepdim=True) + eps)
            torch.addcmul(bias[:, None], values.mul_(rstd), weight[:, None], out=values)
            y[part].copy_(values.view_as(x[part]))
            means.append(mean)
            rstds.append(rstd)
        ctx.save_for_backward(x, weight, torch.cat(means), torch.cat(rstds))
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        x, weight, mean, rstd = ctx.saved_tensors
        dx, grad_weight, grad_bias = torch.empty_like(x), torch.zeros_like(weight), torch.zeros_like(weight)
        for part in _parts(x):
            xhat = _minus(x[part], mean[part]).mul_(rstd[part])
            g = accumulate_type(grad[part]).flatten(2)
            product, wg = g * xhat, g * weight[:, None]
            grad_weight += product.sum((0, 2))
            grad_bias += g.sum((0, 2))
            slope = product.mul_(weight[:, None]).mean(1, keepdim=True)
            wg.sub_(wg.mean(1, keepdim=True)).addcmul_(xhat, slope, value=-1).mul_(rstd[part])
            dx[part].copy_(wg.view_as(x[part]))
        return dx, grad_weight, grad_bias, None


def _affine(x: Tensor, weight: Tensor | None, bias: Tensor | None) -> tuple[Tensor, Tensor]:
    """Return weight and bias (C,) in the type of x's statistics, one and zero where there is none."""
    ones = accumulate_type(x.new_ones(x.shape[1]))
    return (
        ones if weight is None else weight.to(ones.dtype),
        torch.zeros_like(ones) if bias is None else bias.to(ones.dtype),
    )


def standardize(
    x: Tensor, weight: Tensor | None, bias: Tensor | None, num_groups: int | None, eps: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Standardize x (N, C, ...) and return it with the mean and the biased variance used, both (N, C).

    num_groups groups of channels of each image share statistics; PER_BATCH pools each channel over the batch.
    weight and bias are (C,), or None for one and zero.
    """
    require_several_values(x, num_groups)
    return _Standardize.apply(x, *_affine(x, weight, bias), num_groups, eps)


def group_norm(
    x: Tensor, num_groups: int, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5
) -> Tensor:
    """Standardize each group of channels of each image by its own mean and biased variance.

    x is (N, C, ...), and so is the result. One group gives LayerNorm over (C, H, W), one channel per group
    InstanceNorm. Wu and He, "Group Normalization", ECCV 2018, equations 1, 2 and 7.
    """
    if is_traced():
        require_several_values(x, num_groups)
        return F.group_norm(accumulate_type(x), num_groups, *_affine(x, weight, bias), eps).to(x.dtype)
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


def like_input(last: Tensor, x: Tensor) -> Tensor:
    """Return (N, H, W, C) values as (N, C, H, W), in the type and memory format of x; free for channels_last."""
    is_last = x.is_contiguous(memory_format=torch.channels_last)
    memory_format = torch.channels_last if is_last else torch.contiguous_format
    return last.permute(0, 3, 1, 2).to(x.dtype).contiguous(memory_format=memory_format)


def channel_layer_norm(
    x: Tensor, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5
) -> Tensor:
    """Standardize the C values at each position of each image; x is (N, C, H, W), weight and bias are (C,).

    Ba, Kiros and Hinton, "Layer Normalization", 2016, applied at each position as in Liu et al.,
    "A ConvNet for the 2020s", CVPR 2022.
    """
    if x.shape[1] == 1:
        raise SpecError(f"statistics over one channel (input {tuple(x.shape)}) erase the input; expected 2 or more")
    if is_traced():
        last = accumulate_type(x).permute(0, 2, 3, 1)  # (N, H, W, C)
        return F.layer_norm(last, last.shape[3:], *_affine(x, weight, bias), eps).permute(0, 3, 1, 2).to(x.dtype)
    return _StandardizeChannels.apply(x, *_affine(x, weight, bias), eps)


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
    return like_input(F.layer_norm(last, last.shape[1:], scale, shift, eps), x)
