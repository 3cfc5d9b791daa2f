"""Session08: three blocks of 3x3 convolutions at width 24, with 34,872 parameters (CIFAR-10)."""

from itertools import pairwise

from torch import Tensor, nn

from whichnorm.models.factory import Norm
from whichnorm.models.layers import Dropout, conv1x1, conv3x3, global_pool_head, named


class ConvLayer(nn.Module):
    """3x3 convolution, norm, the layer's input where `skip` adds it, ReLU, dropout.

    Where the numbers of channels differ, a 1x1 convolution without norm brings the input to the output's.
    """

    def __init__(self, norm: Norm, in_channels: int, out_channels: int, *, dropout: float, skip: bool) -> None:
        super().__init__()
        self.conv = conv3x3(in_channels, out_channels)
        self.norm = norm(out_channels)
        self.skip: nn.Module | None = None
        if skip:
            self.skip = nn.Identity() if in_channels == out_channels else conv1x1(in_channels, out_channels)
        self.activation = nn.ReLU()
        self.drop = Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm(self.conv(x))
        if self.skip is not None:
            y = y + self.skip(x)
        return self.drop(self.activation(y))


def session08(
    norm: Norm, num_classes: int, in_channels: int, *, dropout: float = 0.05, add_skip: bool = False
) -> nn.Module:
    """Return the network; it gives logits, where the published one ends in a log-softmax.

    `add_skip` adds each layer's input to its output in blocks 2 and 3, after the norm and before ReLU. The first layer
    of these blocks widens from 16 to 24 channels; the published code has no projection there and fails, ours has one.
    """

    def block(channels: int, num_layers: int, skip: bool) -> nn.Sequential:
        widths = [channels] + [24] * num_layers
        layers = (ConvLayer(norm, a, b, dropout=dropout, skip=skip) for a, b in pairwise(widths))
        return nn.Sequential(*layers)

    def narrow() -> nn.Sequential:
        return nn.Sequential(conv1x1(24, 16), nn.MaxPool2d(2))

    return named(
        block1=block(in_channels, 2, skip=False),  # 24 x 32 x 32
        narrow1=narrow(),  # 16 x 16 x 16
        block2=block(16, 3, skip=add_skip),
        narrow2=narrow(),  # 16 x 8 x 8
        block3=block(16, 3, skip=add_skip),
        head=global_pool_head(24, num_classes, bias=False),
    )
