"""The picture of an explanation: a block of elements for each norm, with the elements of one set in colour.

After Wu and He, "Group Normalization", ECCV 2018, figure 2: channels to the left, images to the right,
pixels downwards. The coloured set is set 0, which holds the nearest corner: the first pixel of the first channel of
the first image.
"""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from whichnorm.explain.block import FIRST, GAP, LAST, MAX_CELLS, Axis, Side, View, block_height, sides_of, view_of
from whichnorm.explain.sets import Explanation, StatisticsSets
from whichnorm.explain.text import amount, number, span
from whichnorm.render.style import INK, house_style
from whichnorm.render.text import shorten

TITLE = "Which elements share one mean and one variance"
MAX_COLUMNS = 5
MAX_LETTERS = 36  # of a panel's title
PANEL_WIDTH, MARGIN, HEAD, FOOT = 2.75, 0.25, 0.95, 0.6  # inches
ABOVE, BELOW = 0.6, 1.15  # of a block in its panel: the names; the axes and the numbers
COLORED = ("#5AA9DC", "#2F86C1", "#0F639B")  # top, left and right face of the coloured set
QUIET = (("#FBFCFD", "#F1F3F5", "#E6E9ED"), ("#E9ECEF", "#DDE1E6", "#CFD5DB"))  # of the others, in turn
EDGE, GRID, MUTED = "#3B4249", "#B3BAC2", "#5f6368"
FACES: tuple[tuple[Axis, Axis], ...] = ((0, 1), (1, 2), (0, 2))  # the axes along the top, left and right face


@dataclass(frozen=True, kw_only=True)
class Panel:
    """What is drawn for norms that share their sets."""

    names: str
    title: str
    sets: StatisticsSets


@house_style()
def draw(explanation: Explanation) -> Figure:
    """Draw one block per norm; norms with the same sets share one."""
    panels = _panels(explanation.norms)
    rows = -(-len(panels) // MAX_COLUMNS)
    columns = -(-len(panels) // rows)
    panel_height = ABOVE + block_height(sides_of(panels[0].sets)) + BELOW
    width, height = PANEL_WIDTH * max(columns, 2) + 2 * MARGIN, HEAD + panel_height * rows + FOOT
    figure = Figure(figsize=(width, height))
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, width), ylim=(0, height))
    axes.set_axis_off()
    letters = int(14.5 * width)
    source, note = shorten(explanation.source, letters), textwrap.fill(_note(explanation), letters)
    axes.text(MARGIN, height - 0.2, TITLE, va="top", fontsize=13, weight="bold")
    axes.text(MARGIN, height - 0.5, source, va="top", fontsize=9.5, color=MUTED)
    left = (width - PANEL_WIDTH * columns) / 2
    for k, panel in enumerate(panels):
        center = left + PANEL_WIDTH * (k % columns + 0.5)
        _draw_panel(axes, panel, center, top=height - HEAD - panel_height * (k // columns))
    axes.text(MARGIN, 0.15, note, va="bottom", fontsize=8.5, color=MUTED, linespacing=1.4)
    return figure


def _panels(norms: Sequence[StatisticsSets]) -> list[Panel]:
    by_box: dict[tuple[int, ...], list[StatisticsSets]] = {}
    for sets in norms:
        by_box.setdefault(sets.box, []).append(sets)
    panels = []
    for same in by_box.values():
        titles = ", ".join(dict.fromkeys(s.norm.title for s in same))
        title = titles if len(titles) <= MAX_LETTERS else same[0].norm.title
        panels.append(Panel(names=", ".join(str(s.norm) for s in same), title=title, sets=same[0]))
    return panels


def _draw_panel(axes: Axes, panel: Panel, x: float, top: float) -> None:
    sides = sides_of(panel.sets)
    view = view_of(sides, x, top - ABOVE)
    below = top - ABOVE - block_height(sides) - 0.35
    size = min(12.0, 300 / len(panel.names))
    axes.text(x, top, panel.names, ha="center", va="top", fontsize=size, weight="bold")
    axes.text(x, top - 0.24, panel.title, ha="center", va="top", fontsize=9)
    for shade, face in enumerate(FACES):
        _draw_face(axes, view, sides, face, shade)
    _label_sides(axes, view, sides, panel.sets.shape)
    lines = [amount(panel.sets), *_set_lines(panel.sets)]
    for k, line in enumerate(lines):
        axes.text(
            x, below - 0.19 * k, line, ha="center", va="top", fontsize=10 if k == 0 else 8.5,
            weight="bold" if k == 0 else "normal", color=INK if k == 0 else COLORED[2],
        )  # fmt: skip


def _draw_face(axes: Axes, view: View, sides: Sequence[Side], face: tuple[Axis, Axis], shade: int) -> None:
    first, second = sides[face[0]], sides[face[1]]
    for i, part in enumerate(first.parts):
        for j, other in enumerate(second.parts):
            (left, right), (near, far) = first.borders[i : i + 2], second.borders[j : j + 2]
            corners = [view.on(face, u, v) for u, v in ((left, near), (right, near), (right, far), (left, far))]
            fill, line = _colors(part, other, shade)
            axes.fill(*zip(*corners, strict=True), facecolor=fill, edgecolor=line, linewidth=0.5)
            for cut in (0, 1):  # dots in the cells nearest to the reader
                if (first, second)[cut].indices[(i, j)[cut]] is GAP and (j, i)[cut] == 0:
                    color = "white" if part == other == 0 else EDGE
                    _draw_dots(axes, view, face, ((left, right), (near, far)), cut, color)
    for u in first.set_borders:
        axes.plot(*zip(view.on(face, u, 0), view.on(face, u, second.length), strict=True), color=EDGE, lw=1.1)
    for v in second.set_borders:
        axes.plot(*zip(view.on(face, 0, v), view.on(face, first.length, v), strict=True), color=EDGE, lw=1.1)


def _colors(part: int, other: int, shade: int) -> tuple[str, str]:
    """Return the fill and the line of a cell, by the places of its set along the face's axes."""
    if min(part, other) < 0:
        return "white", "white"
    if part == other == 0:
        return COLORED[shade], "#A9D2EE"
    return QUIET[(part + other) % 2][shade], GRID


def _draw_dots(axes: Axes, view: View, face: tuple[Axis, Axis], cell: Sequence[tuple[float, float]], cut: int,
               color: str) -> None:  # fmt: skip
    """Draw three dots in a cell of the gap, in the direction of the face's axis that is cut, 0 or 1."""
    for step in (0.22, 0.5, 0.78):
        place = [sum(ends) / 2 for ends in cell]
        place[cut] = cell[cut][0] + step * (cell[cut][1] - cell[cut][0])
        axes.plot(*view.on(face, place[0], place[1]), marker="o", markersize=2, color=color, markeredgewidth=0)


def _label_sides(axes: Axes, view: View, sides: Sequence[Side], shape: tuple[int, ...]) -> None:
    """Number the drawn indices along the three outer edges, and name each axis with its true length."""
    _, channels, pixels = (side.length for side in sides)
    _label_side(axes, sides[0], f"N = {shape[0]}", [view.at(t, 0, pixels) for t in sides[0].middles], 30)
    _label_side(axes, sides[1], f"C = {shape[1]}", [view.at(0, t, pixels) for t in sides[1].middles], -30)
    text = f"H·W = {shape[2]}·{shape[3]}"
    _label_side(axes, sides[2], text, [view.at(0, channels, t) for t in sides[2].middles], 90)


def _label_side(axes: Axes, side: Side, text: str, places: Sequence[tuple[float, float]], turn: int) -> None:
    """Write an axis's indices beside its cells and its text beyond them; `turn` is the edge's angle in degrees."""
    numbers = ["…" if index is GAP else str(index) for index in side.indices]
    room = 0.055 * max(map(len, numbers))
    dx, dy, align = {30: (0.07, -0.07, "center"), -30: (-0.07, -0.07, "center"), 90: (-0.06, 0.0, "right")}[turn]
    for label, (x, y) in zip(numbers, places, strict=True):
        axes.text(x + dx, y + dy, label, ha=align, va="center", fontsize=7, color=MUTED)
    x, y = (sum(values) / len(places) for values in zip(*places, strict=True))
    far = {30: (0.12 + room, -0.16 - room), -30: (-0.12 - room, -0.16 - room), 90: (-0.19 - room, 0.0)}[turn]
    axes.text(x + far[0], y + far[1], text, ha="center", va="center", fontsize=9, rotation=turn)


def _set_lines(sets: StatisticsSets) -> list[str]:
    """Say in two lines what the coloured set is and what its statistics are."""
    images, channels, rows, columns = sets.ranges(0)
    pixels = "all pixels" if len(rows) * len(columns) == sets.shape[2] * sets.shape[3] else "pixel 0"
    return [
        f"{_named('image', images)}, {_named('channel', channels)}, {pixels}",
        f"mean {number(sets.mean[0], 3)}, std {number(sets.std[0], 3)}",
    ]


def _named(thing: str, indices: range) -> str:
    return f"{thing}{'s' if len(indices) > 1 else ''} {span(indices)}"


def _note(explanation: Explanation) -> str:
    """Say what the colours are, and which indices are drawn where an axis is cut."""
    N, C, H, W = explanation.shape
    cut = [
        f"{name} 0-{FIRST - 1} and {length - LAST}-{length - 1} of {length:,}"
        for name, length in (("images", N), ("channels", C), ("pixels", H * W))
        if length > MAX_CELLS
    ]
    note = "Blue: the elements of set 0, which share one mean and one variance. Grey: the other sets, in two shades."
    return f"{note} Drawn (… = left out): {'; '.join(cut)}." if cut else note
