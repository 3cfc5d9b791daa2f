"""The blocks of a picture: a convolution with its norm, activation and dropout is one block with bands."""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import nn
from torch.nn.modules.dropout import _DropoutNd

from whichnorm.architecture.kinds import SIGNS, Category
from whichnorm.architecture.summary import Architecture, Row

BANDS: tuple[Category, ...] = ("norm", "activation", "dropout", "shape")  # what may follow a block's first operation
FUNCTION_NAMES = {
    "relu": "ReLU", "relu6": "ReLU6", "leaky_relu": "LeakyReLU", "prelu": "PReLU", "elu": "ELU", "selu": "SELU",
    "gelu": "GELU", "silu": "SiLU", "mish": "Mish", "sigmoid": "Sigmoid", "tanh": "Tanh", "hardswish": "Hardswish",
    "flatten": "Flatten", "getitem": "index",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Block:
    """One box: its first operation and those that follow it in a row. `inputs` are indices of blocks."""

    rows: tuple[Row, ...]
    inputs: tuple[int, ...]

    @property
    def first(self) -> Row:
        return self.rows[0]

    @property
    def category(self) -> Category:
        return self.first.node.category

    @property
    def is_bands_only(self) -> bool:
        return self.category in BANDS

    @property
    def bands(self) -> list[tuple[Category, str]]:
        """The bands under the first operation: category and text; activation, dropout and reshaping share one."""
        bands: list[tuple[Category, str]] = []
        for row in self.rows if self.is_bands_only else self.rows[1:]:
            category: Category = "norm" if row.node.category == "norm" else "activation"
            if isinstance(row.node.layer, _DropoutNd) and row.node.layer.p == 0 and len(self.rows) > 1:
                continue
            if bands and category == "activation" and bands[-1][0] == category:
                bands[-1] = (category, f"{bands[-1][1]} · {row_text(row)}")
            else:
                bands.append((category, row_text(row)))
        return bands

    @property
    def out_shape(self) -> tuple[int, ...]:
        return self.rows[-1].node.out_shape

    @property
    def positions(self) -> str:
        """The resolution, such as "16 × 16": height and width, one position where there are none left."""
        shape = self.out_shape
        return f"{shape[1]} × {shape[2]}" if len(shape) == 3 else "1 × 1"


def blocks_of(architecture: Architecture) -> list[Block]:
    """Gather the graph's nodes into blocks, in the order of the forward pass; identities are passed through."""
    readers = architecture.graph.consumers()
    gathered: list[list[Row]] = []
    sources: list[tuple[int, ...]] = []
    block_of: dict[int, int] = {}
    for row in architecture.rows:
        node = row.node
        inputs = tuple(dict.fromkeys(block_of[index] for index in node.inputs))
        if isinstance(node.layer, nn.Identity) and len(inputs) == 1 and node.index != architecture.graph.output:
            block_of[node.index] = inputs[0]
            readers = _passed_through(readers, node.inputs[0], node.index)
            continue
        if _is_band(row, gathered, inputs, readers):
            gathered[inputs[0]].append(row)
            block_of[node.index] = inputs[0]
        else:
            block_of[node.index] = len(gathered)
            gathered.append([row])
            sources.append(inputs)
    return [Block(rows=tuple(rows), inputs=inputs) for rows, inputs in zip(gathered, sources, strict=True)]


def _passed_through(readers: dict[int, list[int]], source: int, identity: int) -> dict[int, list[int]]:
    """Let whatever reads an identity read its source."""
    direct = [reader for reader in readers[source] if reader != identity] + readers[identity]
    return {**readers, source: direct, identity: direct}


def _is_band(
    row: Row, gathered: Sequence[Sequence[Row]], inputs: tuple[int, ...], readers: dict[int, list[int]]
) -> bool:
    """Tell whether an operation continues its input's block: it is the only one to read the block's result."""
    if row.node.category not in BANDS or len(inputs) != 1:
        return False
    if len(row.node.out_shape) == 3 and row.node.out_shape[1:] != row.node.in_shape[1:]:
        return False  # a change of resolution is to be seen
    before = gathered[inputs[0]]
    return before[0].node.category not in ("join", "input") and len(readers[row.node.inputs[0]]) == 1


def row_text(row: Row) -> str:
    """Return an operation's name and settings, such as "Conv 3×3, 24 ch, dilation 8" or "GroupNorm, 8 groups"."""
    node = row.node
    if node.category == "join":
        return SIGNS.get(node.kind, node.kind)
    if node.category == "conv":
        words = [f"Conv {row.kernel}", f"{node.out_shape[0]} ch", row.settings]
    elif node.category == "pool" and node.out_shape[1:] in ((1, 1), ()):
        words = [f"Global {_pool_name(node.kind)}", row.settings]
    elif node.category == "pool":
        words = [f"{_pool_name(node.kind)} {row.kernel}".capitalize(), row.settings]
    elif node.category == "linear":
        words = ["Linear", f"{node.out_shape[-1]} features"]
    elif node.category == "norm":
        return _norm_name(node.layer, node.kind)
    elif node.category == "dropout":
        return f"{node.kind} {row.settings}".rstrip()
    else:
        words = [FUNCTION_NAMES.get(node.kind, node.kind), row.settings]
    return ", ".join(word for word in words if word)


def _pool_name(kind: str) -> str:
    name = kind.lower().removesuffix("2d").replace("_", "").removeprefix("adaptive").removesuffix("pool")
    return {"max": "max pool", "amax": "max pool", "avg": "average pool", "mean": "average pool"}.get(name, name)


def _norm_name(layer: nn.Module | None, kind: str) -> str:
    """Return the norm's name with what tells it apart: three different layers are LayerNorms."""
    if isinstance(layer, nn.GroupNorm):
        return "LayerNorm" if layer.num_groups == 1 else f"GroupNorm, {layer.num_groups} groups"
    if isinstance(layer, nn.LayerNorm):
        return "LayerNorm at each position" if len(layer.normalized_shape) == 1 else "LayerNorm, affine per element"
    return kind.removesuffix("2d")
