"""Receptive fields: how much of the image one position of a feature map can see, for networks with branches as well.

Araujo, Norris and Sim, "Computing Receptive Fields of Convolutional Neural Networks", Distill 2019. Only paths through
convolutions, pools and whole-image operations count, not the statistics of norms.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from whichnorm.architecture.graph import Graph, Node
from whichnorm.architecture.windows import Pair, Window


@dataclass(frozen=True, kw_only=True)
class Axis:
    """One axis of a feature map: what a position sees, in pixels of the image.

    `shortest` is the receptive field along the narrowest path. All paths together see from `first` to `last`, relative
    to pixel 0, at position 0; each further position sees `jump` pixels further on.
    """

    shortest: Fraction = Fraction(1)
    first: Fraction = Fraction(0)
    last: Fraction = Fraction(0)
    jump: Fraction = Fraction(1)
    size: int = 1

    @property
    def widest(self) -> Fraction:
        return self.last - self.first + 1


@dataclass(frozen=True, kw_only=True)
class ReceptiveField:
    """Of one node, each as (height, width): pixels seen along the narrowest path and along all, the distance in pixels
    between neighbouring positions, and the number of positions. Fractions after upsampling are rounded up."""

    low: Pair
    high: Pair
    jump: Pair
    size: Pair

    @property
    def text(self) -> str:
        """Return "44", "6–14" for a range over paths, and "5×9" where height and width differ."""
        low, high = _side_text(self.low), _side_text(self.high)
        return high if low == high else f"{low}–{high}"

    @property
    def jump_text(self) -> str:
        return _side_text(self.jump)


def receptive_fields(graph: Graph) -> list[ReceptiveField]:
    """Return the receptive field of every node, in the graph's order."""
    axes: list[tuple[Axis, Axis]] = []
    for node in graph:
        if not node.inputs:
            H, W = node.out_shape[1:]
            axes.append((Axis(size=H), Axis(size=W)))
            continue
        sources = [axes[index] for index in node.inputs]
        axes.append((_through(node, [h for h, _ in sources], 0), _through(node, [w for _, w in sources], 1)))
    return [_rounded(height, width) for height, width in axes]


def _through(node: Node, sources: Sequence[Axis], side: int) -> Axis:
    before = _joined(sources)
    after = _windowed(before, node.window, side)
    keeps = node.window.is_point or len(node.out_shape) != 3
    return after if keeps else replace(after, size=node.out_shape[1 + side])


def _joined(sources: Sequence[Axis]) -> Axis:
    """Return what all sources see together; a source with fewer positions is taken to be repeated over the others."""
    largest = max(sources, key=lambda axis: axis.size)
    return replace(
        largest,
        shortest=min(axis.shortest for axis in sources),
        first=min(axis.first for axis in sources),
        last=max(axis.last for axis in sources),
    )


def _windowed(axis: Axis, window: Window, side: int) -> Axis:
    kernel, stride, before = window.kernel[side], window.stride[side], window.before[side]
    if window.whole:
        kernel, stride, before = axis.size, axis.size, 0
    span = (kernel - 1) * window.dilation[side] * axis.jump
    return Axis(
        shortest=axis.shortest + span,
        first=axis.first - before * axis.jump,
        last=axis.last + span - before * axis.jump,
        jump=axis.jump * stride / window.enlarge[side],
        size=1 if window.whole or kernel == axis.size == stride else axis.size,
    )


def _rounded(height: Axis, width: Axis) -> ReceptiveField:
    def pair(name: str) -> Pair:
        return math.ceil(getattr(height, name)), math.ceil(getattr(width, name))

    return ReceptiveField(low=pair("shortest"), high=pair("widest"), jump=pair("jump"), size=(height.size, width.size))


def _side_text(pair: Pair) -> str:
    return str(pair[0]) if pair[0] == pair[1] else f"{pair[0]}×{pair[1]}"


def norm_note(graph: Graph) -> str:
    """Say what the norms of a network do to receptive fields beyond the table; "" where they do nothing."""
    layers = [node.layer for node in graph if node.category == "norm"]
    if any(_sees_positions(layer) for layer in layers):
        return (
            "Receptive fields count paths through convolutions and pools. These norms take statistics over H and W, so "
            "in truth every position after the first norm depends on the whole image."
        )
    if any(isinstance(layer, _BatchNorm) for layer in layers):
        return (
            "Receptive fields count paths through convolutions and pools. In training, BatchNorm's statistics make "
            "every position depend on all images of the batch; in evaluation they are constants."
        )
    return ""


def _sees_positions(layer: nn.Module | None) -> bool:
    """Tell whether a norm's statistics are over positions of the image itself."""
    if isinstance(layer, _BatchNorm | nn.LocalResponseNorm):
        return False
    return not (isinstance(layer, nn.LayerNorm | nn.RMSNorm) and len(layer.normalized_shape) == 1)
