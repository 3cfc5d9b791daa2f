"""Parts that several networks share: a dropout with cheap random numbers, and the sizes of images."""

from collections import OrderedDict
from collections.abc import Callable

import torch
from torch import Tensor, nn

from whichnorm.errors import ModelError
from whichnorm.models.factory import ImageSize, sides


class Dropout(nn.Dropout):
    """Dropout at about a third of torch's cost on the CPU, most of which is for random numbers.

    A 64-bit random integer decides about four elements, so the rate is rounded to a multiple of 1/65536 and kept
    elements are divided by one minus the rounded rate: the expectation is the input. Decisions fill the input's memory
    order, so one seed drops other elements in channels_last than in contiguous inputs, at the same rate. Off the CPU
    this is `torch.nn.functional.dropout`. Srivastava et al., "Dropout", JMLR 2014.
    """

    def forward(self, input: Tensor) -> Tensor:
        dropped = round(self.p * 65536)
        if not self.training or self.inplace or input.device.type != "cpu" or dropped in (0, 65536):
            return super().forward(input)
        # A scalar factor acts in float32: in bfloat16, 1 / 0.95 would be 0.2% too large as an element of the mask.
        return (input * _keep_mask(input, dropped)).mul_(65536 / (65536 - dropped))


def _keep_mask(like: Tensor, dropped: int) -> Tensor:
    """Return zeros (with probability dropped / 65536) and ones, with the type, shape and memory format of `like`."""
    # Without a lower bound random_() leaves the sign bit 0, and every fourth element would be dropped too often.
    bits = torch.empty((like.numel() + 3) // 4, dtype=torch.int64).random_(-(2**63), None)
    mask = torch.empty_like(like, requires_grad=False)
    flat = mask.as_strided((like.numel(),), (1,))  # empty_like leaves no gaps
    torch.ge(bits.view(torch.int16)[: like.numel()], dropped - 32768, out=flat)
    return mask


def conv3x3(in_channels: int, out_channels: int, *, bias: bool = False, padding: int = 1) -> nn.Conv2d:
    return nn.Conv2d(in_channels, out_channels, kernel_size=3, padding=padding, bias=bias)


def conv1x1(in_channels: int, out_channels: int, *, bias: bool = False) -> nn.Conv2d:
    return nn.Conv2d(in_channels, out_channels, kernel_size=1, bias=bias)


def global_pool_head(in_channels: int, num_classes: int, *, bias: bool = True) -> nn.Sequential:
    """Mean over all positions, then a linear map to logits, written as a 1x1 convolution."""
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), conv1x1(in_channels, num_classes, bias=bias), nn.Flatten())


def named(**blocks: nn.Module) -> nn.Sequential:
    """Return the blocks in a row; their names appear in paths such as "block1.conv.weight"."""
    return nn.Sequential(OrderedDict(blocks))


def whole_image_pool(name: str, image_size: ImageSize, positions: Callable[[int], int]) -> nn.AvgPool2d:
    """Return the mean over all positions that are left of an image; `positions` gives them for a side in pixels."""
    H, W = (positions(side) for side in sides(image_size))
    if min(H, W) < 1:
        smallest = next(side for side in range(1, 1024) if positions(side) >= 1)
        shape = "x".join(str(side) for side in sides(image_size))
        raise ModelError(f"images of {shape} are too small for {name}: at least {smallest}x{smallest} pixels")
    return nn.AvgPool2d(kernel_size=H if H == W else (H, W))


def require_positive(name: str, **options: int) -> None:
    """Raise for an option below 1."""
    for option, value in options.items():
        if value < 1:
            raise ModelError(f"{option} of network {name!r} is {value}, expected 1 or more")
