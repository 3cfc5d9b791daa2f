"""More sizes between the two at which two arms change places: the interval is halved until they are neighbours."""

import math
from collections.abc import Iterator
from dataclasses import replace

from whichnorm.errors import SpecError
from whichnorm.sweeps.axes import Axes
from whichnorm.sweeps.results import ArmsCrossing, SweepResults
from whichnorm.sweeps.spec import SweepSpec


def refined(spec: SweepSpec, results: SweepResults) -> SweepSpec | None:
    """Return the sweep with the sizes in the middle; None where none is left, or where a size between is undecided."""
    sizes = next_sizes(results)
    return replace(spec, axes=_with_sizes(spec.axes, sizes)) if sizes else None


def next_sizes(results: SweepResults) -> list[int]:
    """Return the size in the middle of each two between which arms change places, on the axis of the sweep."""
    if not results.axes.can_grow:
        return []
    return sorted({size for crossing in results.crossings for size in _middle(crossing, results)})


def _middle(c: ArmsCrossing, results: SweepResults) -> Iterator[int]:
    """Yield the whole number between two sizes that is nearest to their middle on the log axis, if there is one.

    A size between them that is measured and undecided needs more seeds, not more sizes.
    """
    if c.crossing is None or c.undecided:
        return
    middle = (math.log(c.crossing.low) + math.log(c.crossing.high)) / 2
    nearest = sorted(range(c.crossing.low + 1, c.crossing.high), key=lambda size: abs(math.log(size) - middle))
    yield from [size for size in nearest if _fits(results, size)][:1]


def _fits(results: SweepResults, size: int) -> bool:
    """Tell whether a size goes with those of the other axis."""
    try:
        return bool(_with_sizes(results.axes, [size]).batches(results.spec.recipe))
    except SpecError:
        return False


def _with_sizes(axes: Axes, sizes: list[int]) -> Axes:
    name = f"{axes.along}s"
    return replace(axes, **{name: tuple(sorted({*getattr(axes, name), *sizes}))})
