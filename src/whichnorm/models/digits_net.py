"""A network for the 8x8 digits: four 3x3 convolutions with 11,498 parameters, seconds to train on a CPU."""

from torch import nn

from whichnorm.models.factory import Norm
from whichnorm.models.layers import Dropout, conv3x3, global_pool_head, named


def digits_net(norm: Norm, num_classes: int, in_channels: int, *, dropout: float = 0.0) -> nn.Module:
    """Return the network; all widths are multiples of 8, so gn:8 and its divisors fit."""

    def block(in_channels: int, out_channels: int) -> nn.Sequential:
        return nn.Sequential(conv3x3(in_channels, out_channels), norm(out_channels), nn.ReLU(), Dropout(dropout))

    return named(
        block1=block(in_channels, 16),  # 16 x 8 x 8
        block2=block(16, 16),
        pool=nn.MaxPool2d(2),  # 16 x 4 x 4
        block3=block(16, 24),
        block4=block(24, 24),
        head=global_pool_head(24, num_classes),
    )
