"""What a network's factory is, for those who build networks and those who only name them: no PyTorch is imported."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from torch import nn

SIGNATURE = "factory(norm, num_classes, in_channels)"

ImageSize = int | tuple[int, int]
"""The side of square images in pixels, or (height, width)."""


class Norm(Protocol):
    """What a factory gets as `norm`: called with a number of channels it returns a new layer for (N, C, H, W)."""

    def __call__(self, num_channels: int) -> "nn.Module": ...


Factory = Callable[..., "nn.Module"]
"""A function `factory(norm, num_classes, in_channels)` that returns a network; options are keywords after these."""


def sides(image_size: ImageSize) -> tuple[int, int]:
    """Return height and width."""
    return (image_size, image_size) if isinstance(image_size, int) else image_size
