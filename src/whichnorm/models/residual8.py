"""Residual8: three blocks of 16 and 32 channels, two with a residual connection, with 40,394 parameters (CIFAR-10)."""

from torch import Tensor, nn

from whichnorm.models.factory import Norm
from whichnorm.models.layers import Dropout, conv1x1, conv3x3, global_pool_head, named


def _after(norm: Norm, num_channels: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(norm(num_channels), nn.ReLU(), Dropout(dropout))


class ResidualBlock(nn.Module):
    """Three 3x3 convolutions; a projection of the block's input joins the third before its norm, ReLU and dropout."""

    def __init__(self, norm: Norm, in_channels: int, width: int, *, dropout: float) -> None:
        super().__init__()
        self.conv1 = conv3x3(in_channels, in_channels, bias=True)
        self.after1 = _after(norm, in_channels, dropout)
        self.conv2 = conv3x3(in_channels, width, bias=True)
        self.after2 = _after(norm, width, dropout)
        self.conv3 = conv3x3(width, width, bias=True)
        self.projection = conv1x1(in_channels, width, bias=True)
        self.after3 = _after(norm, width, dropout)

    def forward(self, x: Tensor) -> Tensor:
        y = self.after2(self.conv2(self.after1(self.conv1(x))))
        return self.after3(self.conv3(y) + self.projection(x))


def residual8(norm: Norm, num_classes: int, in_channels: int, *, dropout: float = 0.02) -> nn.Module:
    """Return the network; it gives logits, where the published one ends in a log-softmax.

    The published results for three norms come from three runs with BatchNorm: no other norm was trained.
    """
    first = nn.Sequential(
        conv3x3(in_channels, 16, bias=True), _after(norm, 16, dropout),
        conv3x3(16, 32, bias=True), _after(norm, 32, dropout),
    )  # fmt: skip

    def narrow() -> nn.Sequential:
        return nn.Sequential(conv1x1(32, 16, bias=True), nn.MaxPool2d(2))

    return named(
        block1=first,  # 32 x 32 x 32
        narrow1=narrow(),  # 16 x 16 x 16
        block2=ResidualBlock(norm, 16, 32, dropout=dropout),
        narrow2=narrow(),  # 16 x 8 x 8
        block3=ResidualBlock(norm, 16, 32, dropout=dropout),
        head=global_pool_head(32, num_classes),
    )
