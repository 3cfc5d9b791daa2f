"""LayerNorm of an image with a weight and bias per element, which fits one image size only."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from whichnorm.norms.layer_norm import LayerNormSpec
from whichnorm.norms.spec import EPS, NormSpec, Shape

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True, kw_only=True)
class ElementLayerNormSpec(NormSpec):
    """Statistics over (C, H, W) of one image, a weight and bias per element; the layer's size is found at its first
    forward pass. Ba, Kiros and Hinton, "Layer Normalization", 2016."""

    kind = "ln-element"
    family = "ln"
    title = "LayerNorm, affine per element"

    def build(self, num_channels: int) -> "nn.Module":
        from whichnorm.norms.layers import LazyLayerNorm

        return LazyLayerNorm(num_channels, eps=EPS, affine=self.affine)

    def box(self, shape: Shape) -> Shape:
        return LayerNormSpec().box(shape)

    def num_parameters(self, shape: Shape) -> int:
        _, C, H, W = shape
        return 2 * C * H * W if self.affine else 0

    def sentence(self, shape: Shape) -> str:
        return LayerNormSpec().sentence(shape)
