"""A frozen spec per normalization, each with `build(num_channels)` and a short text form."""

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import ClassVar

from torch import nn

from whichnorm.errors import SpecError, nearest
from whichnorm.norms import layers

EPS = 1e-5  # one constant under the root for every normalization: a difference in eps is not a difference in norm


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
    def title(self) -> str:
        """The name for people, such as "GroupNorm, 8 groups"."""

    @abstractmethod
    def build(self, num_channels: int) -> nn.Module:
        """Return a layer for inputs of shape (N, num_channels, H, W)."""

    def __str__(self) -> str:
        return self.kind if self.affine else f"{self.kind}:noaffine"

    def __call__(self, num_channels: int) -> nn.Module:
        """Build a layer: a spec is the `norm` that a network's factory is given."""
        return self.build(num_channels)


@dataclass(frozen=True, kw_only=True)
class BatchNormSpec(NormSpec):
    """Statistics per channel over the batch and all positions; `momentum` is the weight of a new batch in evaluation's
    running statistics. Ioffe and Szegedy, "Batch Normalization", ICML 2015."""

    momentum: float = 0.1
    sees_batch = True
    kind = "bn"
    title = "BatchNorm"

    def build(self, num_channels: int) -> nn.Module:
        return layers.BatchNorm2d(num_channels, eps=EPS, momentum=self.momentum, affine=self.affine)


@dataclass(frozen=True, kw_only=True)
class LayerNormSpec(NormSpec):
    """Statistics over (C, H, W) of one image, a weight and bias per channel: GroupNorm with one group.
    Ba, Kiros and Hinton, "Layer Normalization", 2016."""

    kind = "ln"
    title = "LayerNorm over C, H, W"

    def build(self, num_channels: int) -> nn.Module:
        return layers.GroupNorm(num_groups=1, num_channels=num_channels, eps=EPS, affine=self.affine)


@dataclass(frozen=True, kw_only=True)
class ElementLayerNormSpec(NormSpec):
    """Statistics over (C, H, W) of one image, a weight and bias per element; the layer's size is found at its first
    forward pass. Ba, Kiros and Hinton, "Layer Normalization", 2016."""

    kind = "ln-element"
    title = "LayerNorm over C, H, W, affine per element"

    def build(self, num_channels: int) -> nn.Module:
        return layers.LazyLayerNorm(num_channels, eps=EPS, affine=self.affine)


@dataclass(frozen=True, kw_only=True)
class ChannelLayerNormSpec(NormSpec):
    """Statistics over C at each position of one image, a weight and bias per channel.
    Liu et al., "A ConvNet for the 2020s", CVPR 2022."""

    kind = "ln-channel"
    title = "LayerNorm over C at each position"

    def build(self, num_channels: int) -> nn.Module:
        return layers.ChannelLayerNorm(num_channels, eps=EPS, elementwise_affine=self.affine)


@dataclass(frozen=True, kw_only=True)
class InstanceNormSpec(NormSpec):
    """Statistics over the positions of one channel of one image. Ulyanov, Vedaldi and Lempitsky,
    "Instance Normalization", 2016."""

    kind = "in"
    title = "InstanceNorm"

    def build(self, num_channels: int) -> nn.Module:
        return layers.InstanceNorm2d(num_channels, eps=EPS, affine=self.affine)


@dataclass(frozen=True, kw_only=True)
class GroupNormSpec(NormSpec):
    """Statistics over groups of channels of one image: a number of groups, or of channels in each.
    Wu and He, "Group Normalization", ECCV 2018."""

    num_groups: int | None = None
    channels_per_group: int | None = None

    def __post_init__(self) -> None:
        given = [n for n in (self.num_groups, self.channels_per_group) if n is not None]
        if len(given) != 1:
            raise SpecError("GroupNorm needs either a number of groups (gn:8) or of channels per group (gn:c16)")
        if given[0] < 1:
            raise SpecError(f"{self.kind}: GroupNorm needs 1 or more groups (gn:8) or channels per group (gn:c16)")

    @property
    def kind(self) -> str:
        return f"gn:c{self.channels_per_group}" if self.num_groups is None else f"gn:{self.num_groups}"

    @property
    def title(self) -> str:
        size = f"{self.num_groups} groups" if self.num_groups else f"{self.channels_per_group} channels per group"
        return f"GroupNorm, {size}"

    def build(self, num_channels: int) -> nn.Module:
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
        num_groups = self.num_groups or num_channels // size
        return layers.GroupNorm(num_groups=num_groups, num_channels=num_channels, eps=EPS, affine=self.affine)


@dataclass(frozen=True, kw_only=True)
class NoNormSpec(NormSpec):
    """No normalization: the identity."""

    affine: bool = False
    kind = "none"
    title = "no normalization"

    def __str__(self) -> str:
        return self.kind

    def build(self, num_channels: int) -> nn.Module:
        return nn.Identity()


_SIMPLE: dict[str, NormSpec] = {
    str(spec): spec
    for spec in (
        BatchNormSpec(), LayerNormSpec(), ElementLayerNormSpec(), ChannelLayerNormSpec(), InstanceNormSpec(),
        NoNormSpec(),
    )
}  # fmt: skip
FORMS = (*_SIMPLE, "gn:8", "gn:c16")
"""The text forms, for messages: the numbers after gn stand for any other."""


def parse_norm(text: str) -> NormSpec:
    """Read a spec's text form: bn, ln, ln-element, ln-channel, gn:8, gn:c16, in or none, each with :noaffine."""
    name, *options = text.strip().lower().split(":")
    if name == "gn" and options and (size := re.fullmatch(r"(c?)(\d+)", options[0])):
        number = int(size[2])
        spec: NormSpec = GroupNormSpec(channels_per_group=number) if size[1] else GroupNormSpec(num_groups=number)
        options = options[1:]
    elif name == "gn":
        raise SpecError(f"norm {text!r}: GroupNorm needs a number of groups (gn:8) or of channels per group (gn:c16)")
    elif name in _SIMPLE:
        spec = _SIMPLE[name]
    else:
        raise SpecError(f"unknown norm {text!r}{nearest(name, FORMS)}; there are {', '.join(FORMS)}")
    allowed = "it has none" if isinstance(spec, NoNormSpec) else "only :noaffine is"
    if options not in ([], ["noaffine"]) or (options and isinstance(spec, NoNormSpec)):
        raise SpecError(f"norm {text!r}: {':'.join(options)!r} is not an option of {spec}; {allowed}")
    return replace(spec, affine=False) if options else spec
