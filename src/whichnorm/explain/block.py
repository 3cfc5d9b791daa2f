"""Where the block of a feature map is on the page: which indices are drawn along its axes, and an oblique view."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from whichnorm.explain.sets import StatisticsSets

Axis = Literal[0, 1, 2]  # images, channels, pixels
MAX_CELLS = 9  # along an axis, enough for 3x3 pixels; of more elements, the first 5, an ellipsis and the last 2
FIRST, LAST = 5, 2
GAP = None  # in a list of drawn indices: the ellipsis
BLOCK_WIDTH, BLOCK_HEIGHT = 1.95, 2.3  # the most inches that a block takes
COS, SIN = math.cos(math.pi / 6), math.sin(math.pi / 6)


@dataclass(frozen=True, kw_only=True, eq=False)
class Side:
    """One axis of the block: the indices drawn, the set along this axis of each (-1: the gap), and cell borders."""

    indices: tuple[int | None, ...]
    parts: tuple[int, ...]
    borders: NDArray[np.float64]  # one more than indices, from 0 at the nearest corner

    @property
    def length(self) -> float:
        return float(self.borders[-1])

    @property
    def middles(self) -> NDArray[np.float64]:
        """The places of the cells' middles."""
        return (self.borders[:-1] + self.borders[1:]) / 2

    @property
    def set_borders(self) -> list[float]:
        """The places where one set ends and another begins, and both ends of the block."""
        pairs = enumerate(zip(self.parts, self.parts[1:], strict=False))
        inner = [float(self.borders[i + 1]) for i, (part, following) in pairs if part != following]
        return [0.0, *inner, self.length]


def _side(length: int, part_length: int) -> Side:
    """Choose the indices to draw of an axis with sets of part_length, and their places."""
    indices: tuple[int | None, ...] = tuple(range(length))
    if length > MAX_CELLS:
        indices = (*range(FIRST), GAP, *range(length - LAST, length))
    all_one = part_length == length
    parts = tuple(0 if all_one else -1 if i is GAP else i // part_length for i in indices)
    stretch = len(indices) ** -0.3  # long axes have shorter cells
    return Side(indices=indices, parts=parts, borders=np.arange(len(indices) + 1) * stretch)


def sides_of(sets: StatisticsSets) -> tuple[Side, Side, Side]:
    """Return the images', channels' and pixels' sides of a block; the pixels of all rows are one after another."""
    (N, C, H, W), (n, c, h, w) = sets.shape, sets.box
    return _side(N, n), _side(C, c), _side(H * W, h * w)


@dataclass(frozen=True, kw_only=True)
class View:
    """Where the block's points are on the page, in inches: parallel lines stay parallel."""

    x: float  # of the nearest vertical edge
    y: float  # of its upper end
    scale: float

    def at(self, n: float, c: float, p: float) -> tuple[float, float]:
        return self.x + self.scale * (n - c) * COS, self.y + self.scale * ((n + c) * SIN - p)

    def on(self, face: tuple[Axis, Axis], u: float, v: float) -> tuple[float, float]:
        """Return the place of a point of a face, by its coordinates along the face's axes."""
        point = [0.0, 0.0, 0.0]
        point[face[0]], point[face[1]] = u, v
        return self.at(*point)


def _scale(sides: Sequence[Side]) -> float:
    """Return the inches per unit of length at which the block fits its place."""
    n, c, p = (side.length for side in sides)
    return min(BLOCK_WIDTH / ((n + c) * COS), BLOCK_HEIGHT / ((n + c) * SIN + p))


def block_height(sides: Sequence[Side]) -> float:
    """Return the inches that the block takes."""
    n, c, p = (side.length for side in sides)
    return _scale(sides) * ((n + c) * SIN + p)


def view_of(sides: Sequence[Side], x: float, top: float) -> View:
    """Place the block below `top`, centered at x."""
    n, c, _ = (side.length for side in sides)
    scale = _scale(sides)
    return View(x=x - scale * (n - c) * COS / 2, y=top - scale * (n + c) * SIN, scale=scale)
