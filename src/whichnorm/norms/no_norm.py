"""No normalization: every value passes as it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from whichnorm.errors import SpecError, shortened
from whichnorm.norms.spec import NormSpec, Shape

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True, kw_only=True)
class NoNormSpec(NormSpec):
    """No normalization: the identity."""

    affine: bool = False
    kind = "none"
    family = "none"
    title = "no normalization"

    def build(self, num_channels: int) -> "nn.Module":
        from torch import nn

        return nn.Identity()

    def box(self, shape: Shape) -> None:
        return None

    def sentence(self, shape: Shape) -> str:
        return "No elements share a mean and a variance: every value passes as it is."

    def with_options(self, options: Sequence[str]) -> Self:
        if options:
            raise SpecError(f"{shortened(':'.join(options))!r} is not an option of {self}; it has none")
        return self

    def __str__(self) -> str:
        return self.kind
