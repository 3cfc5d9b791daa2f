"""BatchNorm: one mean and one variance per channel, over the batch."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from whichnorm.errors import count
from whichnorm.norms.spec import EPS, NormSpec, Shape

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True, kw_only=True)
class BatchNormSpec(NormSpec):
    """Statistics per channel over the batch and all positions; `momentum` is the weight of a new batch in evaluation's
    running statistics. Ioffe and Szegedy, "Batch Normalization", ICML 2015."""

    momentum: float = 0.1
    sees_batch = True
    kind = "bn"
    family = "bn"
    title = "BatchNorm"

    def build(self, num_channels: int) -> "nn.Module":
        from whichnorm.norms.layers import BatchNorm2d

        return BatchNorm2d(num_channels, eps=EPS, momentum=self.momentum, affine=self.affine)

    def box(self, shape: Shape) -> Shape:
        N, _, H, W = shape
        return N, 1, H, W

    def sentence(self, shape: Shape) -> str:
        N, _, H, W = shape
        images = f"all {N:,} images" if N > 1 else "the one image"
        return f"Each channel has one mean and one variance, over {images} and {count(H * W, 'pixel')}."
