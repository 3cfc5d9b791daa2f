"""LayerNorm of an image: one mean and one variance over channels and positions, a weight and bias per channel."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from whichnorm.errors import count
from whichnorm.norms.spec import EPS, NormSpec, Shape

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True, kw_only=True)
class LayerNormSpec(NormSpec):
    """Statistics over (C, H, W) of one image, a weight and bias per channel: GroupNorm with one group.
    Ba, Kiros and Hinton, "Layer Normalization", 2016."""

    kind = "ln"
    family = "ln"
    title = "LayerNorm"

    def build(self, num_channels: int) -> "nn.Module":
        from whichnorm.norms.layers import GroupNorm

        return GroupNorm(num_groups=1, num_channels=num_channels, eps=EPS, affine=self.affine)

    def box(self, shape: Shape) -> Shape:
        return 1, *shape[1:]

    def sentence(self, shape: Shape) -> str:
        _, C, H, W = shape
        return f"Each image has one mean and one variance, over its {count(C, 'channel')} and {count(H * W, 'pixel')}."
