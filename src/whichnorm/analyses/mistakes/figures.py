"""The grid of misclassified images."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from whichnorm.analyses.narrow import SMALL, WIDTH, wrapped
from whichnorm.render.images import Pixels, as_shown
from whichnorm.render.style import house_style, new_figure, set_title

COLUMNS = 3
LINE = 22  # characters that fit above an image


@house_style()
def mistake_grid(title: str, images: Sequence[Pixels], notes: Sequence[str]) -> Figure:
    """Draw images, each (C, H, W) uint8, in rows of three with a note above each."""
    rows = -(-len(images) // COLUMNS)
    lines = max(note.count("\n") + 1 for note in notes)
    figure = new_figure(WIDTH, 0.5 + (1.5 + 0.165 * lines) * rows)
    for axes in figure.subplots(rows, COLUMNS, squeeze=False).flat:
        axes.set_axis_off()
    for axes, image, note in zip(figure.axes, images, notes, strict=False):
        # "none" keeps the pixels sharp squares, in the SVG too
        axes.imshow(as_shown(image), interpolation="none", cmap="gray", vmin=0, vmax=255)
        axes.set_title(note, fontsize=SMALL, linespacing=1.25)
    set_title(figure, wrapped(title))
    return figure
