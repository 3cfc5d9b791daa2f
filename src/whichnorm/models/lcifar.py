"""Two networks of seven blocks for CIFAR-10: grouped_cifar with 5,882 parameters and lcifar with 73,770."""

from torch import nn

from whichnorm.models.factory import ImageSize, Norm
from whichnorm.models.layers import Dropout, conv1x1, named, require_positive, whole_image_pool


def _positions(side: int) -> int:
    return side // 4 - 2


def grouped_cifar(
    norm: Norm, num_classes: int, in_channels: int, *, image_size: ImageSize = 32, dropout: float = 0.0
) -> nn.Module:
    """Return the narrow network, published with BatchNorm; three of its convolutions have 16 groups.

    It gives logits, where the published one ends in a log-softmax.
    """
    return _network("grouped_cifar", norm, num_classes, in_channels, image_size, dropout, multiplier=1, groups=16)


def lcifar(
    norm: Norm, num_classes: int, in_channels: int, *,
    image_size: ImageSize = 32, dropout: float = 0.0, multiplier: int = 2,
) -> nn.Module:  # fmt: skip
    """Return grouped_cifar without grouped convolutions and every width times `multiplier`, published with LayerNorm.

    It gives logits, where the published one ends in a log-softmax. It was published beside grouped_cifar, which has a
    twelfth of its parameters: what differs between them cannot be put down to the norm.
    """
    require_positive("lcifar", multiplier=multiplier)
    return _network("lcifar", norm, num_classes, in_channels, image_size, dropout, multiplier=multiplier, groups=1)


def _network(
    name: str, norm: Norm, num_classes: int, in_channels: int, image_size: ImageSize, dropout: float,
    *, multiplier: int, groups: int,
) -> nn.Module:  # fmt: skip
    narrow, middle, wide = 8 * multiplier, 16 * multiplier, 32 * multiplier

    def conv(
        in_channels: int, out_channels: int, *, bias: bool = False, dilation: int = 1, groups: int = 1
    ) -> nn.Conv2d:
        return nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=bias, dilation=dilation, groups=groups)

    def block(*convs: nn.Conv2d) -> nn.Sequential:
        return nn.Sequential(*convs, norm(convs[-1].out_channels), Dropout(dropout), nn.ReLU())

    def widen() -> nn.Sequential:
        return block(conv(middle, wide, groups=groups), conv1x1(wide, narrow))

    return named(
        block1=block(conv(in_channels, middle, bias=True)),  # 32 x 32 positions
        block2=widen(),
        pool1=nn.MaxPool2d(2),  # 16 x 16
        block3=block(conv(narrow, middle)),
        block4=widen(),
        pool2=nn.MaxPool2d(2),  # 8 x 8
        block5=block(conv(narrow, middle, dilation=2)),  # 6 x 6
        block6=widen(),
        block7=block(conv(narrow, middle)),
        pool=whole_image_pool(name, image_size, _positions),
        flatten=nn.Flatten(),
        linear=nn.Linear(middle, num_classes),
    )
