"""MNIST S6: eight small convolutions, mostly without padding, with 8,008 parameters (MNIST)."""

from torch import nn

from whichnorm.models.factory import ImageSize, Norm
from whichnorm.models.layers import Dropout, conv1x1, conv3x3, whole_image_pool


def _positions(side: int) -> int:
    return (side - 6) // 2 - 6


def mnist_s6(
    norm: Norm, num_classes: int, in_channels: int, *, image_size: ImageSize = 28, dropout: float = 0.05
) -> nn.Module:
    """Return the network; it gives logits, where the published one ends in a log-softmax.

    The dropout rate is our choice; the recipe `mnist_s6` has the published one. The published GroupNorm network lacks
    the dropout after the third convolution that the others have; here all norms have it. The published LayerNorm has no
    weight and bias, which is ln-element:noaffine (7,784 parameters).
    """

    def layer(conv: nn.Conv2d, drop: bool = True) -> list[nn.Module]:
        dropping = [Dropout(dropout)] if drop else []
        return [conv, norm(conv.out_channels), *dropping, nn.ReLU()]

    return nn.Sequential(
        *layer(conv3x3(in_channels, 8, padding=0), drop=False),  # 8 x 26 x 26
        *layer(conv3x3(8, 8, padding=0), drop=False),  # 8 x 24 x 24
        *layer(conv3x3(8, 8, padding=0)),  # 8 x 22 x 22
        nn.MaxPool2d(2),  # 8 x 11 x 11
        *layer(conv3x3(8, 16, padding=0)),  # 16 x 9 x 9
        *layer(conv3x3(16, 16, padding=0)),  # 16 x 7 x 7
        *layer(conv1x1(16, 8)),
        *layer(conv3x3(8, 32, padding=0)),  # 32 x 5 x 5
        *layer(conv1x1(32, 16)),
        whole_image_pool("mnist_s6", image_size, _positions),  # 16 x 1 x 1
        conv1x1(16, num_classes),
        nn.Flatten(),
    )
