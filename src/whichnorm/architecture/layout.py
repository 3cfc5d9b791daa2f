"""Where blocks stand: ranks from top to bottom, lanes from left to right, wrapped into columns.

A block's rank is the longest path to it. Lane 0 is the longest path to the logits; every other branch, down to a skip
without blocks, gets a lane to the right of it that nothing else uses between its fork and its join. Columns break only
where a single tensor passes from one rank to the next, so no branch is torn.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from whichnorm.architecture.blocks import Block

WIDTH, HEAD, NORM_BAND, BAND, JOIN, INPUT = 204, 38, 18, 16, 24, 26  # of blocks, in pixels
GAP, PORT, PANEL_HEAD, PANEL_GAP = 20, 18, 26, 12  # between ranks; a column's entry; of panels
LINE_LANE = 20  # width of a lane of lines
ASPECT = 1.5  # width to height that the columns aim at
TORN = 0.1  # cost of a column break within a resolution, where 1 is a column of average height
MAX_COLUMNS = 8


@dataclass(frozen=True, kw_only=True)
class Branch:
    """A path beside lane 0: it forks off the block `source`, passes `blocks` and joins the block `target`."""

    source: int
    blocks: tuple[int, ...]
    target: int
    lane: int = 0


@dataclass(frozen=True, kw_only=True)
class Panel:
    """Neighbouring ranks of one resolution in one column: `ranks` is the first and the last."""

    title: str
    ranks: tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class Layout:
    ranks: tuple[int, ...]  # of each block
    lanes: tuple[int, ...]  # of each block
    branches: tuple[Branch, ...]
    columns: tuple[tuple[Panel, ...], ...]
    rank_heights: tuple[int, ...]

    def lanes_between(self, first: int, last: int) -> dict[int, int]:
        """Return the width of each lane beside lane 0 that is in use between two ranks, from left to right."""
        here = [b for b in self.branches if self.ranks[b.source] < last and self.ranks[b.target] > first]
        widths = {branch.lane: WIDTH + 24 if branch.blocks else LINE_LANE for branch in here}
        return dict(sorted(widths.items()))


def height_of(block: Block) -> int:
    if block.category in ("input", "join"):
        return INPUT if block.category == "input" else JOIN
    bands = sum(NORM_BAND if category == "norm" else BAND for category, _ in block.bands)
    return bands + (4 if block.is_bands_only else HEAD)


def lay_out(blocks: Sequence[Block]) -> Layout:
    """Place blocks given in the order of the forward pass, the last of them the output."""
    ranks: list[int] = []
    for block in blocks:
        ranks.append(1 + max((ranks[index] for index in block.inputs), default=-1))
    lanes, branches = _lanes(blocks, ranks)
    heights = [0] * (max(ranks) + 1)
    for block, rank in zip(blocks, ranks, strict=True):
        heights[rank] = max(heights[rank], height_of(block))
    titles = {rank: blocks[i].positions for i, rank in enumerate(ranks) if lanes[i] == 0}
    units = _units(blocks, ranks)
    unplaced = Layout(
        ranks=tuple(ranks), lanes=tuple(lanes), branches=tuple(branches), columns=(), rank_heights=tuple(heights)
    )  # fmt: skip
    panels = [Panel(title=titles.get(last, ""), ranks=(first, last)) for first, last in units]
    columns = _columns(panels, unplaced)
    return Layout(**{**vars(unplaced), "columns": columns})


def _lanes(blocks: Sequence[Block], ranks: Sequence[int]) -> tuple[list[int], list[Branch]]:
    """Give lane 0 to the longest path, and to each branch the first lane that is free between its fork and join."""

    def longest(index: int) -> int:
        return max(blocks[index].inputs, key=lambda i: ranks[i])

    placed, path = {len(blocks) - 1}, len(blocks) - 1
    straight: set[tuple[int, int]] = set()
    while blocks[path].inputs:
        straight.add((longest(path), path))
        path = longest(path)
        placed.add(path)
    found: list[Branch] = []
    for target in reversed(range(len(blocks))):
        for source in blocks[target].inputs:
            if (source, target) in straight:
                continue
            chain: list[int] = []
            while source not in placed:
                chain.insert(0, source)
                placed.add(source)
                straight.add((longest(source), source))
                source = longest(source)
            straight.update(pairwise(chain))
            found.append(Branch(source=source, blocks=tuple(chain), target=target))
    lanes = [0] * len(blocks)
    branches: list[Branch] = []
    busy: list[tuple[int, int, int]] = []
    lines = sum(not branch.blocks for branch in found)  # lanes of lines come first: close to lane 0
    for branch in sorted(found, key=lambda b: (ranks[b.target] - ranks[b.source], bool(b.blocks))):
        start, end = ranks[branch.source], ranks[branch.target]
        lane = 1 + lines if branch.blocks else 1
        while any(lane == other and start < t and s < end for other, s, t in busy):
            lane += 1
        busy.append((lane, start, end))
        for index in branch.blocks:
            lanes[index] = lane
        branches.append(Branch(**{**vars(branch), "lane": lane}))
    return lanes, branches


def _units(blocks: Sequence[Block], ranks: Sequence[int]) -> list[tuple[int, int]]:
    """Split the ranks where one tensor alone passes on, but keep a join with its norm and activation."""
    edges = [(source, target) for target, block in enumerate(blocks) for source in block.inputs]
    last = max(ranks)
    tied = {ranks[s] for s, t in edges if blocks[s].category == "join" and blocks[t].is_bands_only}
    cuts = [r for r in range(last) if r not in tied and len({s for s, t in edges if ranks[s] <= r < ranks[t]}) == 1]
    firsts = [0, *(cut + 1 for cut in cuts)]
    return [(first, following - 1) for first, following in pairwise([*firsts, last + 1])]


def merge_panels(units: Sequence[Panel]) -> list[Panel]:
    """Join neighbours of the same resolution."""
    merged: list[Panel] = []
    for unit in units:
        if merged and merged[-1].title == unit.title:
            merged[-1] = Panel(title=unit.title, ranks=(merged[-1].ranks[0], unit.ranks[1]))
        else:
            merged.append(unit)
    return merged


def column_height(panels: Sequence[Panel], layout: Layout) -> int:
    first, last = panels[0].ranks[0], panels[-1].ranks[1]
    heights = sum(layout.rank_heights[first : last + 1]) + GAP * (last - first + len(panels))
    return heights + len(panels) * (PANEL_HEAD + PANEL_GAP) + (PORT + GAP if first else 0)


def column_width(panels: Sequence[Panel], layout: Layout) -> int:
    return WIDTH + sum(layout.lanes_between(panels[0].ranks[0], panels[-1].ranks[1]).values())


def _columns(units: list[Panel], layout: Layout) -> tuple[tuple[Panel, ...], ...]:
    """Wrap units into the number of columns whose picture is nearest to the aspect aimed at."""

    def strangeness(columns: list[list[Panel]]) -> float:
        height = max(column_height(column, layout) for column in columns)
        width = sum(column_width(column, layout) + 60 for column in columns)
        return abs(math.log(width / height / ASPECT))

    choices = [_wrapped(units, number, layout) for number in range(1, min(MAX_COLUMNS, len(units)) + 1)]
    return tuple(tuple(column) for column in min(choices, key=strangeness))


def _wrapped(units: list[Panel], number: int, layout: Layout) -> list[list[Panel]]:
    """Break units into a number of columns: even heights, and whole resolutions where that costs little."""
    average = column_height(merge_panels(units), layout) / number
    costs: list[list[tuple[float, int]]] = [[(0.0, 0)] + [(math.inf, 0)] * len(units)]
    for _ in range(number):
        before, row = costs[-1], [(math.inf, 0)]
        for end in range(1, len(units) + 1):
            torn = TORN if end < len(units) and units[end].title == units[end - 1].title else 0.0
            row.append(
                min(
                    (
                        before[start][0]
                        + (column_height(merge_panels(units[start:end]), layout) / average) ** 2
                        + torn,
                        start,
                    )
                    for start in range(end)
                )
            )
        costs.append(row)
    columns: list[list[Panel]] = []
    end = len(units)
    for row in reversed(costs[1:]):
        start = row[end][1]
        columns.insert(0, merge_panels(units[start:end]))
        end = start
    return columns
