"""InstanceNorm: one mean and one variance per channel of an image."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from whichnorm.errors import count
from whichnorm.norms.spec import EPS, NormSpec, Shape

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True, kw_only=True)
class InstanceNormSpec(NormSpec):
    """Statistics over the positions of one channel of one image. Ulyanov, Vedaldi and Lempitsky,
    "Instance Normalization", 2016."""

    kind = "in"
    family = "in"
    title = "InstanceNorm"

    def build(self, num_channels: int) -> "nn.Module":
        from whichnorm.norms.layers import InstanceNorm2d

        return InstanceNorm2d(num_channels, eps=EPS, affine=self.affine)

    def box(self, shape: Shape) -> Shape:
        return 1, 1, *shape[2:]

    def sentence(self, shape: Shape) -> str:
        pixels = count(shape[2] * shape[3], "pixel")
        return f"Each channel of each image has one mean and one variance, over its {pixels}."
