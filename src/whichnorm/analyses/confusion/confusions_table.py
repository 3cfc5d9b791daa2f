"""The table of the most frequent confusions."""

import numpy as np
from numpy.typing import NDArray

from whichnorm.analyses.confusion.measure import frequent_confusions
from whichnorm.render import text
from whichnorm.render.table import Table, cells


def confusions_table(counts: NDArray[np.int64], class_names: tuple[str, ...], arm: str = "") -> Table | None:
    """The most frequent confusions as text, with class numbers as on the axes of a large matrix; None without any."""
    rows = [
        cells(
            f"{text.printable(class_names[true])} ({true})",
            f"{text.printable(class_names[predicted])} ({predicted})",
            f"{number:,} of {counts[true].sum():,}",
            text.percent(number / counts[true].sum()),
        )
        for true, predicted, number in frequent_confusions(counts, limit=10)
    ]
    return Table(
        caption=f"{arm}{': the' if arm else 'The'} most frequent confusions, with class numbers from 0.",
        headings=("True class", "Predicted class", "Images", "Share of the true class"),
        rows=tuple(rows),
        numeric_from=2,
    ) if rows else None  # fmt: skip
