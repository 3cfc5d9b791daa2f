"""The trend of accuracy over a quantity, paired by seed and test image."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from whichnorm.stats.pairs import PairedDifference, paired_difference


def trend(places: ArrayLike, correct: Sequence[ArrayLike]) -> PairedDifference:
    """Return the least-squares slope of accuracy over places, with its interval and p-value.

    places are (K,), two or more different ones; correct holds at each a table (num_seeds, N) of the same seeds and test
    images. Each seed and image has a slope of its own, a weighted sum with weights that add up to zero, and the mean of
    these is tested as a paired difference is. With two places it is that difference over their distance.
    """
    x, tables = np.asarray(places, dtype=float), np.asarray(correct, dtype=float)
    if x.ndim != 1 or tables.ndim != 3 or len(x) != len(tables) or len(np.unique(x)) < 2:
        raise ValueError(f"a trend needs places (K,), not all the same, and tables (K, num_seeds, N), got {x.tolist()} "
                         f"and {tables.shape}")  # fmt: skip
    centered = x - x.mean()
    slopes = np.tensordot(centered / np.square(centered).sum(), tables, axes=1)  # (num_seeds, N)
    return paired_difference(slopes, np.zeros_like(slopes))
