"""What every normalization says of itself: its text form and names, its layer, and which elements share statistics.

Nothing here or in the files of the norms imports PyTorch before a layer is built.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Self

from whichnorm.errors import SpecError, shortened

if TYPE_CHECKING:
    from torch import nn

EPS = 1e-5  # one constant under the root for every normalization: a difference in eps is not a difference in norm

Shape = tuple[int, int, int, int]
"""Images, channels, rows and columns: of a feature map, or of the box that a statistics set covers."""


@dataclass(frozen=True, kw_only=True)
class NormSpec(ABC):
    """A kind of normalization; `affine` gives it a learnable weight and bias."""

    affine: bool = True
    sees_batch: ClassVar[bool] = False  # whether an image's result in training depends on the others of its batch

    @property
    @abstractmethod
    def kind(self) -> str:
        """The text form without its options, such as "gn:8"."""

    @property
    @abstractmethod
    def family(self) -> str:
        """What it has in common with others of one colour and marker in figures: "bn", "ln", "gn", "in" or "none"."""

    @property
    @abstractmethod
    def title(self) -> str:
        """The one name for people, such as "GroupNorm, 8 groups" or "LayerNorm"."""

    @abstractmethod
    def build(self, num_channels: int) -> "nn.Module":
        """Return a layer for inputs of shape (N, num_channels, H, W)."""

    @abstractmethod
    def box(self, shape: Shape) -> Shape | None:
        """Return how many images, channels, rows and columns of a feature map (N, C, H, W) share a mean and a variance.

        None is for a norm without statistics. The sets S_i of Wu and He, "Group Normalization", ECCV 2018, section 3.1.
        """

    @abstractmethod
    def sentence(self, shape: Shape) -> str:
        """Say which elements of a feature map (N, C, H, W) share a mean and a variance."""

    def num_parameters(self, shape: Shape) -> int:
        """Return how many learnable numbers its layer has for feature maps (N, C, H, W): a weight and a bias per
        channel, whatever the number of images and groups."""
        return 2 * shape[1] if self.affine and self.box(shape) is not None else 0

    @classmethod
    def example_for(cls, num_channels: int) -> Self:
        """Return a norm of this kind to show on so many channels; a SpecError says why there is none."""
        return cls()

    @classmethod
    def read(cls, options: Sequence[str]) -> Self:
        """Return the norm by what follows the first word of its text form; what it cannot have is a SpecError."""
        return cls().with_options(options)

    def with_options(self, options: Sequence[str]) -> Self:
        """Return this norm with the options of a text form, of which there is one: noaffine."""
        if list(options) == ["noaffine"]:
            return replace(self, affine=False)
        if options:
            raise SpecError(f"{shortened(':'.join(options))!r} is not an option of {self}; only :noaffine is")
        return self

    def __str__(self) -> str:
        return self.kind if self.affine else f"{self.kind}:noaffine"

    def __call__(self, num_channels: int) -> "nn.Module":
        """Build a layer: a spec is the `norm` that a network's factory is given."""
        return self.build(num_channels)
