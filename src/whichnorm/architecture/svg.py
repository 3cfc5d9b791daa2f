"""The picture of a network as SVG, drawn without a display, a browser or any other program."""

from pathlib import Path
from xml.sax.saxutils import escape

from whichnorm.architecture import layout as sizes
from whichnorm.architecture.blocks import Block, blocks_of, row_text
from whichnorm.architecture.kinds import Category
from whichnorm.architecture.layout import Branch, Layout, Panel, column_width, height_of, lay_out
from whichnorm.architecture.shapes import FAINT, LINE, cut, line, pill, tail, text
from whichnorm.architecture.summary import Architecture, compact
from whichnorm.files import write_in_one_step

FILLS: dict[Category, tuple[str, str]] = {  # fill and border; Okabe and Ito's orange for norms, the rest quiet
    "input": ("#ffffff", "#6e7781"),
    "conv": ("#dce8f5", "#5b7fa6"),
    "norm": ("#f2a900", "#b97f00"),
    "activation": ("#f3f4f6", "#c4cad1"),
    "dropout": ("#f3f4f6", "#c4cad1"),
    "pool": ("#d5ece2", "#3f8f70"),
    "linear": ("#e6dcf2", "#8064a2"),
    "join": ("#ffffff", "#1f2328"),
    "shape": ("#f3f4f6", "#c4cad1"),
    "other": ("#f7e0dc", "#b0665a"),
}
LEGEND: tuple[tuple[Category, str], ...] = (
    ("conv", "convolution"), ("norm", "norm"), ("activation", "activation, dropout, reshape"), ("pool", "pool"),
    ("linear", "linear"), ("join", "branches meet"), ("other", "other"),
)  # fmt: skip
MARGIN, PAD, GUTTER, TOP = 24, 14, 36, 92  # page, panel, between columns, room for title and legend
FONT = "font-family=\"'Segoe UI', 'Helvetica Neue', 'DejaVu Sans', Arial, sans-serif\""


def write_svg(architecture: Architecture, path: Path) -> None:
    """Draw a network into a file, in one step."""
    write_in_one_step(path, draw(architecture).encode(), remedy="make room or choose another file")


def draw(architecture: Architecture) -> str:
    """Return the picture: blocks in columns, a panel for each resolution, norms in colour, skips beside the chain."""
    blocks = blocks_of(architecture)
    canvas = _Canvas(blocks, lay_out(blocks))
    body = canvas.draw()
    width = max(canvas.width, 520)
    top = _heading(architecture, {b.category for b in blocks} | {c for b in blocks for c, _ in b.bands})
    label = escape(f"{architecture.name} with {architecture.norm}", {'"': "&quot;"})
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {canvas.height}" width="{width}" '
            f'height="{canvas.height}" role="img" aria-label="{label}" {FONT}>',
            f'<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
            f'orient="auto"><path d="M0.5 0.8 L7.5 4 L0.5 7.2 z" fill="{LINE}"/></marker></defs>',
            # A card of its own is readable on light and dark pages alike.
            f'<rect x="0.5" y="0.5" width="{width - 1}" height="{canvas.height - 1}" rx="10" fill="#ffffff" '
            'stroke="#d0d7de"/>',
            *top,
            *body,
            "</svg>\n",
        ]
    )


def _heading(architecture: Architecture, used: set[Category]) -> list[str]:
    a = architecture
    shape = "×".join(map(str, a.input_shape))
    counts = f"{a.params:,} parameters, {a.norm_params:,} of them in norms · {compact(a.mult_adds)} multiply-adds"
    parts = [
        text(MARGIN, 32, f"{a.name} with {a.norm.title}", size=17, weight=600),
        text(MARGIN, 52, f"{counts} · input {shape}, {a.num_classes} classes", size=12, color=FAINT),
    ]
    x = MARGIN
    for category, words in LEGEND:
        if category in used:
            fill, border = FILLS[category]
            radius = 6 if category == "join" else 2
            parts.append(
                f'<rect x="{x}" y="66" width="12" height="12" rx="{radius}" fill="{fill}" stroke="{border}"/>'
            )  # fmt: skip
            parts.append(text(x + 18, 76, words, size=11, color=FAINT))
            x += 34 + round(5.8 * len(words))
    return parts


class _Canvas:
    """Turns a layout into shapes: panels first, then lines, then blocks."""

    def __init__(self, blocks: list[Block], layout: Layout) -> None:
        self.blocks, self.layout = blocks, layout
        self.rank_top: dict[int, int] = {}
        self.lane_x: dict[tuple[int, int], int] = {}  # centre, by column and lane
        self.column_of_rank: dict[int, int] = {}
        self.ports: dict[int, tuple[int, int]] = {}  # entry of each column after the first: centre and top
        self.panels: list[str] = []
        self.width, self.height = MARGIN, 0
        for number, column in enumerate(layout.columns):
            self._place(number, column)
        self.width += MARGIN - GUTTER
        self.height += MARGIN

    def _place(self, number: int, column: tuple[Panel, ...]) -> None:
        left, y = self.width, TOP
        width = column_width(column, self.layout) + 2 * PAD
        x = left + PAD + sizes.WIDTH // 2
        self.lane_x[number, 0] = x
        edge = left + PAD + sizes.WIDTH
        for lane, room in self.layout.lanes_between(column[0].ranks[0], column[-1].ranks[1]).items():
            edge += room
            self.lane_x[number, lane] = edge - (4 if room == sizes.LINE_LANE else sizes.WIDTH // 2)
        for panel in column:
            top = y
            y += sizes.PANEL_HEAD
            if number and panel is column[0]:
                self.ports[number] = (x, y + 4)
                y += sizes.PORT + sizes.GAP
            for rank in range(panel.ranks[0], panel.ranks[1] + 1):
                self.rank_top[rank], self.column_of_rank[rank] = y, number
                y += self.layout.rank_heights[rank] + sizes.GAP
            y -= sizes.GAP - PAD
            before = self.layout.columns[number - 1][-1].title if number and panel is column[0] else ""
            title = f"{panel.title} cont." if panel.title == before else panel.title
            self.panels.append(
                f'<rect x="{left}" y="{top}" width="{width}" height="{y - top}" rx="8" fill="#f6f8fa" '
                f'stroke="#e3e7eb"/>{text(left + PAD, top + 17, title, size=11, color=FAINT, weight=600)}'
            )
            y += sizes.PANEL_GAP
        self.height = max(self.height, y)
        self.width = left + width + GUTTER

    def draw(self) -> list[str]:
        lines = [self._branch(branch) for branch in self.layout.branches]
        lines += [self._step(index) for index in range(1, len(self.blocks)) if self.layout.lanes[index] == 0]
        lines += [self._entry(number) for number in self.ports]
        shapes = [self._port(number) for number in self.ports]
        shapes += [self._block(index) for index in range(len(self.blocks))]
        return [*self.panels, *lines, *shapes]

    def _box(self, index: int) -> tuple[int, int, int, int]:
        """Return centre, top, half of the width and height of a block; a block lower than its rank is centred."""
        block, rank = self.blocks[index], self.layout.ranks[index]
        x = self.lane_x[self.column_of_rank[rank], self.layout.lanes[index]]
        height = height_of(block)
        half = {"join": _join_half(block), "input": 56}.get(block.category, sizes.WIDTH // 2)
        return x, self.rank_top[rank] + (self.layout.rank_heights[rank] - height) // 2, half, height

    def _start(self, source: int, target: int) -> tuple[int, int]:
        """Return where a line from one block to another starts: under the block, or at its column's entry."""
        column = self.column_of_rank[self.layout.ranks[target]]
        if column != self.column_of_rank[self.layout.ranks[source]]:
            x, top = self.ports[column]
            return x, top + sizes.PORT
        x, top, _, height = self._box(source)
        return x, top + height

    def _step(self, index: int) -> str:
        """Draw the line of lane 0 to a block: straight down from the block, or the entry, above it."""
        above = [i for i in self.blocks[index].inputs if self.layout.lanes[i] == 0]
        if not above:
            return ""
        source = max(above, key=lambda i: self.layout.ranks[i])
        x, y = self._start(source, index)
        return line([(x, y), (x, self._box(index)[1])])

    def _branch(self, branch: Branch) -> str:
        """Draw a branch: out under its fork, down its lane through its blocks, and into its join from the side."""
        following = branch.blocks[0] if branch.blocks else branch.target
        lane_x = self.lane_x[self.column_of_rank[self.layout.ranks[branch.target]], branch.lane]
        x, y = self._start(branch.source, following)
        first_rank = self.layout.ranks[following]
        fork = y + 8 if not branch.blocks else max(y + 6, self.rank_top[first_rank] - 12)
        points = [(x, y), (x, fork), (lane_x, fork)]
        drawn = []
        for index in branch.blocks:
            _, top, _, height = self._box(index)
            drawn.append(line([*points, (lane_x, top)]))
            points = [(lane_x, top + height)]
        target_x, top, half, height = self._box(branch.target)
        drawn.append(line([*points, (lane_x, top + height // 2), (target_x + half, top + height // 2)]))
        return "".join(drawn)

    def _entry(self, number: int) -> str:
        """Draw the line from the foot of one column over the gutter to the head of the next."""
        last = self.layout.columns[number - 1][-1].ranks[1]
        index = next(i for i, rank in enumerate(self.layout.ranks) if rank == last and self.layout.lanes[i] == 0)
        x, top, _, height = self._box(index)
        port_x, port_top = self.ports[number]
        gutter = port_x - sizes.WIDTH // 2 - PAD - GUTTER // 2
        foot, head = top + height + PAD + 10, TOP - 8
        return line([(x, top + height), (x, foot), (gutter, foot), (gutter, head), (port_x, head), (port_x, port_top)])

    def _port(self, number: int) -> str:
        x, top = self.ports[number]
        first = self.layout.columns[number][0].ranks[0]
        index = next(i for i, rank in enumerate(self.layout.ranks) if rank == first and self.layout.lanes[i] == 0)
        source = max(self.blocks[index].inputs, key=lambda i: self.layout.ranks[i])
        shape = "×".join(map(str, self.blocks[source].out_shape))
        return pill(x, top, 48, sizes.PORT, shape, size=10, dashed=True)

    def _block(self, index: int) -> str:
        block = self.blocks[index]
        x, top, half, height = self._box(index)
        tip = f"<title>{escape(', '.join(row.node.path for row in block.rows))}</title>"
        if block.category == "input":
            return f"<g>{tip}{pill(x, top, half, height, 'image ' + '×'.join(map(str, block.out_shape)), size=12)}</g>"
        if block.category == "join":
            return f"<g>{tip}{pill(x, top, half, height, row_text(block.first), size=15, weight=600)}</g>"
        return f"<g>{tip}{''.join(_box(block, x - half, top, height))}</g>"


def _box(block: Block, left: int, top: int, height: int) -> list[str]:
    """Draw a block: its first operation with path and output shape, then a coloured band for each that follows."""
    width = sizes.WIDTH
    fill, border = FILLS["activation" if block.is_bands_only else block.category]
    parts = [f'<rect x="{left}" y="{top}" width="{width}" height="{height}" rx="5" fill="{fill}" stroke="{border}"/>']
    y = top + 2
    if not block.is_bands_only:
        shape = "×".join(map(str, block.out_shape))
        room = 32 - len(shape)
        words = cut(row_text(block.first), 32)
        size = min(12.0, round(12 * 25 / len(words), 1))  # smaller letters where there are many
        parts.append(text(left + 9, top + 16, words, size=size, weight=600))
        parts.append(text(left + 9, top + 31, tail(block.first.node.path, room), size=10, color=FAINT))
        parts.append(text(left + width - 9, top + 31, shape, size=10, color=FAINT, anchor="end"))
        y = top + sizes.HEAD
    for category, words in block.bands:
        band = sizes.NORM_BAND if category == "norm" else sizes.BAND
        inset = 1 if category != "norm" else 0
        fill, border = FILLS[category]
        parts.append(
            f'<rect x="{left + inset}" y="{y}" width="{width - 2 * inset}" height="{band - inset}" rx="3" '
            f'fill="{fill}" stroke="{border if category == "norm" else "none"}"/>'
        )
        weight = 600 if category == "norm" else 400
        parts.append(text(left + 9, y + band - 5, cut(words, 36), size=10.5, weight=weight))
        y += band
    return parts


def _join_half(block: Block) -> int:
    words = row_text(block.first)
    return sizes.JOIN // 2 if len(words) == 1 else 10 + 4 * len(words)
