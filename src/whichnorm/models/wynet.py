"""WyNet: three residual blocks that double their width twice and squeeze it once, with 33,126 parameters (CIFAR-10)."""

import math
from typing import Literal

from torch import Tensor, nn

from whichnorm.errors import ModelError
from whichnorm.models.factory import ImageSize, Norm, sides
from whichnorm.models.layers import Dropout, conv1x1, global_pool_head, named, require_positive

Convolution = Literal["plain", "depthwise", "separable"]
Dilation = int | tuple[int, int]


def _conv(kind: Convolution, in_channels: int, out_channels: int, dilation: Dilation = 1) -> nn.Module:
    """Return a 3x3 convolution that keeps the image size.

    "depthwise" has the most groups that divide both widths. "separable" is one group per channel, then a 1x1
    convolution (Howard et al., "MobileNets", 2017).
    """

    def conv(out_channels: int, groups: int) -> nn.Conv2d:
        return nn.Conv2d(
            in_channels, out_channels, 3, padding=dilation, bias=False, groups=groups, dilation=dilation
        )  # fmt: skip

    if kind == "separable":
        return nn.Sequential(conv(in_channels, groups=in_channels), conv1x1(in_channels, out_channels))
    return conv(out_channels, groups=math.gcd(in_channels, out_channels) if kind == "depthwise" else 1)


class ResidualUnit(nn.Module):
    """Two 3x3 convolutions, each with norm, ReLU and dropout, a 1x1 squeeze, the skip, ReLU and dropout.

    The skip is the identity where widths allow it, and otherwise a 1x1 projection, or nothing without `skip_1x1`.
    """

    def __init__(
        self, norm: Norm, in_channels: int, middle: int, out_channels: int, *,
        convolution: Convolution, dilation: Dilation, skip_1x1: bool, dropout: float,
    ) -> None:  # fmt: skip
        super().__init__()
        self.body = nn.Sequential(
            _conv(convolution, in_channels, middle, dilation), norm(middle), nn.ReLU(), Dropout(dropout),
            _conv(convolution, middle, 2 * middle), norm(2 * middle), nn.ReLU(), Dropout(dropout),
            conv1x1(2 * middle, out_channels),
        )  # fmt: skip
        self.skip: nn.Module | None = nn.Identity()
        if in_channels != out_channels:
            self.skip = conv1x1(in_channels, out_channels) if skip_1x1 else None
        self.after = nn.Sequential(nn.ReLU(), Dropout(dropout))

    def forward(self, x: Tensor) -> Tensor:
        y = self.body(x)
        return self.after(y if self.skip is None else y + self.skip(x))


def wynet(
    norm: Norm, num_classes: int, in_channels: int, *,
    image_size: ImageSize = 32,
    base_channels: int = 4,
    blocks_per_layer: int = 1,
    convolution: Convolution = "plain",
    dilation: bool = False,
    skip_1x1: bool = True,
    dropout: float = 0.0,
) -> nn.Module:  # fmt: skip
    """Return the network; the published run has the defaults, and GroupNorm with 2 groups.

    One fault is repaired: the published first block computes its 1x1 projection but never adds it, so those 24
    parameters cannot learn. Here it is added, and the number of parameters is the published one.

    `blocks_per_layer` repeats each block's unit at its final width. `dilation` dilates the first convolution of blocks
    2 and 3 by a quarter of their image size, with padding that keeps the size (the published code shrinks the image).
    """
    require_positive("wynet", base_channels=base_channels, blocks_per_layer=blocks_per_layer)
    blocks: dict[str, nn.Module] = {}
    channels, size = in_channels, sides(image_size)
    for block in range(3):
        units: list[nn.Module] = []
        width = base_channels * 2 ** (block + 1)  # of the block's result
        for repeat in range(blocks_per_layer):
            spread = (max(size[0] // 4, 1), max(size[1] // 4, 1)) if dilation and block > 0 and repeat == 0 else 1
            middle = width // 2 if block == 0 else width if repeat == 0 else 2 * width
            unit = ResidualUnit(
                norm, channels, middle, width,
                convolution=convolution, dilation=spread, skip_1x1=skip_1x1, dropout=dropout,
            )  # fmt: skip
            units.append(unit)
            channels = width
        blocks[f"block{block + 1}"] = nn.Sequential(*units)
        if block < 2:
            blocks[f"pool{block + 1}"] = nn.MaxPool2d(2)
            size = (size[0] // 2, size[1] // 2)
    if min(size) < 1:
        raise ModelError(f"images of {'x'.join(map(str, sides(image_size)))} are too small for wynet: at least 4x4")
    return named(**blocks, head=global_pool_head(channels, num_classes))
