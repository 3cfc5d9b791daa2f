"""The grid of misclassified images."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from whichnorm.analyses.drawing import SMALL, WIDTH, wrapped
from whichnorm.render.images import Pixels, as_shown
from whichnorm.render.style import house_style, new_figure, set_title

COLUMNS = 2  # of images, each with its note to the right
SIDE, LINE_HEIGHT = 1.15, 0.17  # inches
LINE = 22  # characters that fit beside an image


@house_style()
def mistake_grid(title: str, images: Sequence[Pixels], notes: Sequence[str]) -> Figure:
    """Draw images, each (C, H, W) uint8, in rows of two with a note beside each: ten make the usual grid of 5 x 2."""
    rows = -(-len(images) // COLUMNS)
    lines = max(note.count("\n") + 1 for note in notes)
    figure = new_figure(WIDTH, 0.5 + max(SIDE, LINE_HEIGHT * lines + 0.1) * rows)
    places = figure.subplots(rows, 2 * COLUMNS, squeeze=False, width_ratios=(1, 1.2) * COLUMNS).flat
    for axes in places:
        axes.set_axis_off()
    for number, (image, note) in enumerate(zip(images, notes, strict=True)):
        _draw(places[2 * number], places[2 * number + 1], image, note)
    set_title(figure, wrapped(title))
    return figure


def _draw(picture: Axes, beside: Axes, image: Pixels, note: str) -> None:
    # "none" keeps the pixels sharp squares, in the SVG too; a clip would be named after its place to the last bit
    picture.imshow(as_shown(image), interpolation="none", cmap="gray", vmin=0, vmax=255, clip_on=False)
    beside.text(0, 0.5, note, transform=beside.transAxes, va="center", fontsize=SMALL, linespacing=1.25)
