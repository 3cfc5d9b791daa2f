"""The grid of misclassified images."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from whichnorm.render.images import Pixels, as_shown
from whichnorm.render.style import house_style, new_figure, set_title


@house_style()
def mistake_grid(title: str, images: Sequence[Pixels], notes: Sequence[str]) -> Figure:
    """Draw images, each (C, H, W) uint8, in rows of five with a note above each; unused places stay empty."""
    rows = -(-len(images) // 5)
    lines = max(note.count("\n") + 1 for note in notes)
    figure = new_figure(8.4, 0.5 + (1.58 + 0.168 * lines) * rows)
    places = figure.subplots(rows, 5, squeeze=False).flat
    for axes in places:
        axes.set_axis_off()
    for axes, image, note in zip(figure.axes, images, notes, strict=False):
        # "none" keeps the pixels sharp squares, in the SVG too
        axes.imshow(as_shown(image), interpolation="none", cmap="gray", vmin=0, vmax=255)
        axes.set_title(note, fontsize=8.5, linespacing=1.25)
    set_title(figure, title)
    return figure
