"""GroupNorm: one mean and one variance per group of channels of an image."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import TYPE_CHECKING, Self

from whichnorm.errors import SpecError, count, shortened
from whichnorm.norms.spec import EPS, NormSpec, Shape

if TYPE_CHECKING:
    from torch import nn

MAX_SIZE = 999_999  # groups, or channels in each: far beyond any layer
NUMBERS = "a number of groups (gn:8) or of channels per group (gn:c16)"


@dataclass(frozen=True, kw_only=True)
class GroupNormSpec(NormSpec):
    """Statistics over groups of channels of one image: a number of groups, or of channels in each.
    Wu and He, "Group Normalization", ECCV 2018."""

    num_groups: int | None = None
    channels_per_group: int | None = None
    family = "gn"

    def __post_init__(self) -> None:
        given = [n for n in (self.num_groups, self.channels_per_group) if n is not None]
        if len(given) != 1:
            raise SpecError(f"GroupNorm needs either {NUMBERS}")
        if not isinstance(given[0], Integral) or given[0] < 1:
            raise SpecError(f"{shortened(self.kind)}: GroupNorm needs {NUMBERS}, from 1 to {MAX_SIZE:,}")
        if given[0] > MAX_SIZE:
            raise SpecError(f"GroupNorm has at most {MAX_SIZE:,} groups (gn:8) or channels per group (gn:c16)")

    @property
    def kind(self) -> str:
        return f"gn:c{self.channels_per_group}" if self.num_groups is None else f"gn:{self.num_groups}"

    @property
    def title(self) -> str:
        if self.num_groups is not None:
            return f"GroupNorm, {count(self.num_groups, 'group')}"
        return f"GroupNorm, {count(self.channels_per_group or 0, 'channel')} per group"

    def groups_of(self, num_channels: int) -> int:
        """Return the number of groups of so many channels; groups that do not divide them are a SpecError."""
        size = self.num_groups or self.channels_per_group or 0
        if num_channels % size:
            fitting = [n for n in range(1, num_channels + 1) if num_channels % n == 0]
            fits = ", ".join(map(str, fitting))
            what = f"{size} groups" if self.num_groups else f"groups of {size} channels"
            use = min(fitting, key=lambda n: abs(n - size))
            raise SpecError(
                f"{self}: a layer's {num_channels} channels do not split into {what}; {fits} do "
                f"(gn:{use if self.num_groups else f'c{use}'} is nearest that fits)"
            )
        return self.num_groups or num_channels // size

    def build(self, num_channels: int) -> "nn.Module":
        from whichnorm.norms.layers import GroupNorm

        num_groups = self.groups_of(num_channels)
        return GroupNorm(num_groups=num_groups, num_channels=num_channels, eps=EPS, affine=self.affine)

    def box(self, shape: Shape) -> Shape:
        _, C, H, W = shape
        return 1, C // self.groups_of(C), H, W

    def sentence(self, shape: Shape) -> str:
        _, C, H, W = self.box(shape)
        channels, pixels = count(C, "channel"), count(H * W, "pixel")
        return f"Each group of {channels} of an image has one mean and one variance, over these and their {pixels}."

    @classmethod
    def example_for(cls, num_channels: int) -> Self:
        """Return one with a usual number of groups between one, which is LayerNorm, and one per channel."""
        candidates = (8, 4, 2, *range(3, num_channels))
        for num_groups in candidates:
            if num_channels % num_groups == 0 and 2 * num_groups <= num_channels:
                return cls(num_groups=num_groups)
        channels = count(num_channels, "channel")
        raise SpecError(f"gn: {channels} split into no number of groups but 1 (ln) and {num_channels} (in)")

    @classmethod
    def read(cls, options: Sequence[str]) -> Self:
        size = re.fullmatch(r"(c?)0*([1-9][0-9]{0,5})", options[0]) if options else None
        if size is None:
            raise SpecError(f"GroupNorm needs {NUMBERS}, from 1 to {MAX_SIZE:,}")
        number = int(size[2])
        spec = cls(channels_per_group=number) if size[1] else cls(num_groups=number)
        return spec.with_options(options[1:])
