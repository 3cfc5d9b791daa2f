"""Between which of several sizes the better of two arms changes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Crossing:
    """The two measured sizes between which two arms change places.

    `low` is the largest size at which the one arm is called better, `high` the smallest at which the other is.
    `about` is where a fit through the mean differences is zero; no interval belongs to it.
    """

    low: int
    high: int
    about: float
    better_below: Literal["a", "b"]


def find_crossing(sizes: ArrayLike, differences: ArrayLike, calls: Sequence[str]) -> Crossing | None:
    """Return the sizes between which two arms change places; None where both are not called, or more than once.

    sizes are (K,) whole numbers, rising; differences (K,) the mean accuracies of a less those of b; calls (K,) what is
    said of a at each size: "better", "worse" or "cannot tell".

    Where the calls err at any size with a probability of 5 % at most, as after Holm's correction, a difference that
    rises or falls throughout is zero between these two with 95 %, however steep it is: nothing is interpolated. `about`
    is: linearly in log2(size), after a monotone fit (Barlow et al., "Statistical Inference under Order Restrictions",
    1972).
    """
    axis, means, called = np.asarray(sizes), np.asarray(differences, dtype=float), np.asarray(calls, dtype=str)
    _check(axis, means, called)
    places = {arm: np.flatnonzero(called == call) for arm, call in (("a", "better"), ("b", "worse"))}
    if not all(len(at) for at in places.values()):
        return None
    below: Literal["a", "b"] = "a" if places["a"][0] < places["b"][0] else "b"
    low, high = int(places[below][-1]), int(places["b" if below == "a" else "a"][0])
    if low > high:
        return None
    between = slice(low, high + 1)
    falling = means[between] if below == "a" else -means[between]
    about = float(2 ** _zero(np.log2(axis[between]), falling))
    return Crossing(low=int(axis[low]), high=int(axis[high]), about=about, better_below=below)


def _check(axis: NDArray[np.int_], means: Floats, called: NDArray[np.str_]) -> None:
    if axis.ndim != 1 or not axis.shape == means.shape == called.shape:
        shapes = f"{axis.shape}, {means.shape} and {called.shape}"
        raise ValueError(f"a crossing needs as many sizes, differences and calls, (K,) each, got {shapes}")
    if np.any(np.diff(axis) <= 0) or np.any(axis < 1):
        raise ValueError(f"sizes must be 1 or more and rise, got {axis.tolist()}")
    if not set(called.tolist()) <= {"better", "worse", "cannot tell"}:
        raise ValueError(f"calls are 'better', 'worse' or 'cannot tell', got {called.tolist()}")
    if np.any((called == "better") & (means <= 0) | (called == "worse") & (means >= 0)):
        raise ValueError(f"an arm called better has a difference above 0: {called.tolist()}, {means.tolist()}")


def _zero(axis: Floats, values: Floats) -> float:
    """Return where the falling fit of values is zero, the middle of where it is; the first is above 0, the last below.

    So are the ends of the fit: they are the largest mean of the first values and the least of the last ones.
    """
    from sklearn.isotonic import isotonic_regression

    fit = np.asarray(isotonic_regression(values, increasing=False))
    right, left = np.interp(0, -fit, axis), -np.interp(0, fit[::-1], -axis[::-1])
    return float((left + right) / 2)
