"""What keeps figures readable on a phone, whose screen shows them scaled down to some 360 pixels."""

import textwrap
from collections.abc import Sequence

WIDTH = 5.2  # inches of a figure: text of SMALL points is then 8 pixels high on a phone
SMALL = 8.5  # points of the smallest text
TITLE_CHARACTERS = 44  # of a title in bold, in one line
LEGEND_CHARACTERS = 66  # of a legend's row


def wrapped(title: str) -> str:
    """Return a figure's title in lines that are no wider than the figure."""
    return "\n".join(textwrap.wrap(title, TITLE_CHARACTERS, break_on_hyphens=False))


def legend_columns(labels: Sequence[str]) -> int:
    """Return how many entries of a legend, with a sample of their line each, fit abreast."""
    widest = max(map(len, labels))
    return max(1, min(len(labels), LEGEND_CHARACTERS // (widest + 8)))
