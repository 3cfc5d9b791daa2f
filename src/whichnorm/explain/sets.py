"""Which elements of a feature map share a mean and a variance under each norm, and the numbers, in float64.

Every norm here splits (N, C, H, W) into equal boxes, and the elements of a box are one statistics set: the sets S_i of
Wu and He, "Group Normalization", ECCV 2018, section 3.1. The boxes are
the specs'. Nothing is taken from the layers, which are judged by this.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from whichnorm.errors import DataError, SpecError, shortened
from whichnorm.norms import EPS, NormSpec, Shape
from whichnorm.norms.registry import KINDS

AXES = ("images", "channels", "rows", "columns")


@dataclass(frozen=True, kw_only=True, eq=False)
class StatisticsSets:
    """One norm's statistics sets of a feature map (N, C, H, W): S sets of K elements."""

    norm: NormSpec
    shape: Shape
    box: Shape  # how many images, channels, rows and columns a set covers
    members: NDArray[np.intp]  # (S, K): indices into the flat feature map
    mean: NDArray[np.float64]  # (S,)
    variance: NDArray[np.float64]  # (S,), biased: the squared deviations are divided by K
    normalized: NDArray[np.float64]  # (N, C, H, W): (value - mean) / sqrt(variance + eps), before weight and bias

    @property
    def num_sets(self) -> int:
        return self.members.shape[0]

    @property
    def set_size(self) -> int:
        return self.members.shape[1]

    @property
    def std(self) -> NDArray[np.float64]:
        """The standard deviations (S,): roots of the variances."""
        return np.sqrt(self.variance)

    def ranges(self, number: int) -> tuple[range, ...]:
        """Return the images, channels, rows and columns whose elements are the set of this number."""
        grid = tuple(length // side for length, side in zip(self.shape, self.box, strict=True))
        places = np.unravel_index(number, grid)
        return tuple(range(int(i) * side, (int(i) + 1) * side) for i, side in zip(places, self.box, strict=True))


@dataclass(frozen=True, kw_only=True, eq=False)
class Explanation:
    """A feature map, and for each norm which of its elements share statistics, and the numbers."""

    source: str  # what the values are
    values: NDArray[np.float64]  # (N, C, H, W)
    norms: tuple[StatisticsSets, ...]
    left_out: tuple[str, ...]  # one sentence for each norm that does not fit the shape

    @property
    def shape(self) -> Shape:
        return cast(Shape, self.values.shape)


def set_box(norm: NormSpec, shape: Shape) -> Shape:
    """Return how many images, channels, rows and columns one statistics set covers.

    Groups that do not divide the channels, a norm without statistics and sets of one element are SpecErrors.
    """
    box = norm.box(shape)
    if box is None:
        raise SpecError(f"norm {norm}: it has no statistics to explain; leave it out")
    if math.prod(box) == 1:
        raise SpecError(
            f"norm {norm}: each set would hold one element of the {'x'.join(map(str, shape))} values, which is its own "
            "mean, so the layer would erase its input; expected sets of 2 or more"
        )
    return box


def set_members(shape: Shape, box: Shape) -> NDArray[np.intp]:
    """Return the sets as indices into the flat feature map, (S, K): one row per set, in the order of the map."""
    split = [part for length, side in zip(shape, box, strict=True) for part in (length // side, side)]
    index = np.arange(math.prod(shape)).reshape(split)  # (sets, side) of each axis in turn
    return index.transpose(0, 2, 4, 6, 1, 3, 5, 7).reshape(-1, math.prod(box))


def statistics_sets(values: NDArray[np.float64], norm: NormSpec) -> StatisticsSets:
    """Return the norm's statistics sets of values (N, C, H, W), and their numbers."""
    shape = cast(Shape, values.shape)
    box = set_box(norm, shape)
    members = set_members(shape, box)
    with np.errstate(over="ignore", invalid="ignore"):
        sets = values.ravel()[members]  # (S, K)
        mean = sets.mean(axis=1)
        centered = sets - mean[:, None]
        variance = np.square(centered).mean(axis=1)
        normalized = np.empty(values.size)
        normalized[members] = centered / np.sqrt(variance + EPS)[:, None]
    if not np.isfinite(variance).all():
        largest = np.abs(values).max()
        raise DataError(f"values up to {largest:.3g} overflow the variance in float64; expected less than 1e150")
    return StatisticsSets(
        norm=norm, shape=shape, box=box, members=members, mean=mean, variance=variance,
        normalized=normalized.reshape(shape),
    )  # fmt: skip


def default_norms(shape: Shape) -> tuple[list[NormSpec], list[str]]:
    """Return a norm of each kind with statistics that fits a shape, and a sentence for each kind that has none."""
    fitting: list[NormSpec] = []
    left_out: list[str] = []
    for kind in KINDS.values():
        try:
            norm = kind.example_for(num_channels=shape[1])
            if norm.box(shape) is not None:
                set_box(norm, shape)
                fitting.append(norm)
        except SpecError as error:
            left_out.append(str(error).removeprefix("norm "))
    return fitting, left_out


def explain_values(values: NDArray[np.float64], source: str, norms: Sequence[NormSpec] | None) -> Explanation:
    """Explain norms on values (N, C, H, W); `source` says what these are, norms None takes those that fit."""
    left_out: list[str] = []
    if norms is None:
        norms, left_out = default_norms(cast(Shape, values.shape))
        if not norms:
            raise SpecError(f"no norm fits {'x'.join(map(str, values.shape))} values: {left_out[0]}")
    names = [str(norm) for norm in norms]
    if not names:
        raise SpecError("no norms given; expected at least one, such as --norms bn,gn:2")
    if len(set(names)) < len(names):
        raise SpecError(f"a norm is given twice in {shortened(', '.join(names))}; give each once")
    return Explanation(
        source=source,
        values=values,
        norms=tuple(statistics_sets(values, norm) for norm in norms),
        left_out=tuple(left_out),
    )
