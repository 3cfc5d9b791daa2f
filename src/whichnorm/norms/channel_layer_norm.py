"""LayerNorm at each position: one mean and one variance over the channels there."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from whichnorm.errors import count
from whichnorm.norms.spec import EPS, NormSpec, Shape

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True, kw_only=True)
class ChannelLayerNormSpec(NormSpec):
    """Statistics over C at each position of one image, a weight and bias per channel.
    Liu et al., "A ConvNet for the 2020s", CVPR 2022."""

    kind = "ln-channel"
    family = "ln"
    title = "LayerNorm at each position"

    def build(self, num_channels: int) -> "nn.Module":
        from whichnorm.norms.layers import ChannelLayerNorm

        return ChannelLayerNorm(num_channels, eps=EPS, elementwise_affine=self.affine)

    def box(self, shape: Shape) -> Shape:
        return 1, shape[1], 1, 1

    def sentence(self, shape: Shape) -> str:
        return f"Each pixel of each image has one mean and one variance, over its {count(shape[1], 'channel')}."
