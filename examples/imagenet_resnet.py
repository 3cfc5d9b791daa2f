"""A small ResNet in the layout made for ImageNet, as people train it on 32x32 images too.

    whichnorm compare --data cifar10 --model examples.imagenet_resnet:make --norms bn,gn:4 --batch-size 4

Stem and pooling leave 8x8 of the 32x32 positions and the three later stages 4x4, 2x2 and 1x1, so BatchNorm's last
statistics are over as many values as there are images in a batch. He et al., "Deep Residual Learning for Image
Recognition", CVPR 2016, table 1, with one block per stage and a quarter of the width.
"""

from collections.abc import Callable
from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional as F

Norm = Callable[[int], nn.Module]


class Block(nn.Module):
    """Two 3x3 convolutions with norms, and the input, projected where the shape changes."""

    def __init__(self, norm: Norm, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride, padding=1, bias=False)
        self.norm1 = norm(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.norm2 = norm(out_channels)
        self.skip: nn.Module = nn.Identity()
        if stride > 1 or in_channels != out_channels:
            self.skip = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, 1, stride, bias=False), norm(out_channels)
            )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm2(self.conv2(F.relu(self.norm1(self.conv1(x)))))
        return F.relu(y + self.skip(x))


def make(norm: Norm, num_classes: int, in_channels: int, width: int = 16) -> nn.Module:
    """Return the network; its stages have width, 2, 4 and 8 times width channels."""
    stem = [nn.Conv2d(in_channels, width, 7, 2, padding=3, bias=False), norm(width), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
    widths = [width, width, 2 * width, 4 * width, 8 * width]
    blocks = [Block(norm, a, b, stride=1 if a == b else 2) for a, b in pairwise(widths)]
    return nn.Sequential(*stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8 * width, num_classes))
