"""Who was taken for whom."""

from collections.abc import Sequence
from itertools import islice

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix


def confusion_counts(
    predictions: Sequence[Sequence[int]], labels: Sequence[int], num_classes: int
) -> NDArray[np.int64]:
    """Count true class (rows) against predicted class (columns) over all seeds: (num_classes, num_classes)."""
    classes = list(range(num_classes))
    counts = [confusion_matrix(labels, of_seed, labels=classes) for of_seed in predictions]
    return np.sum(counts, axis=0, dtype=np.int64)


def frequent_confusions(counts: NDArray[np.int64], limit: int = 5) -> list[tuple[int, int, int]]:
    """Return (true class, predicted class, count) of the most frequent confusions that occur, at most `limit`."""
    off_diagonal = counts - np.diag(np.diag(counts))
    order = np.argsort(-off_diagonal, axis=None, kind="stable")
    cells = (divmod(int(cell), len(counts)) for cell in order)
    found = ((true, predicted, int(off_diagonal[true, predicted])) for true, predicted in cells)
    return [cell for cell in islice(found, limit) if cell[2] > 0]
