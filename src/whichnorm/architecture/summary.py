"""The description of a network: its graph with parameters, multiply-adds and receptive fields, as data."""

from dataclasses import asdict, dataclass
from typing import Any

import torchinfo
from torch import nn

from whichnorm.architecture.graph import NUM_IMAGES, Graph, Node, trace
from whichnorm.architecture.kinds import kernel_text, settings_text
from whichnorm.architecture.receptive_field import ReceptiveField, norm_note, receptive_fields
from whichnorm.errors import ModelError
from whichnorm.norms import NormSpec
from whichnorm.norms.layers import norm_parameter_names


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the layer table. Parameters are counted where a layer is used first; shapes are of one image."""

    node: Node
    kernel: str
    settings: str
    params: int
    mult_adds: int
    field: ReceptiveField


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """A network, described for one input shape."""

    name: str
    norm: NormSpec
    input_shape: tuple[int, int, int]
    num_classes: int
    graph: Graph
    rows: tuple[Row, ...]  # one per node of the graph
    params: int
    norm_params: int
    notes: tuple[str, ...]

    @property
    def mult_adds(self) -> int:
        return sum(row.mult_adds for row in self.rows)

    def as_json(self) -> dict[str, Any]:
        """Return the description as plain data, layers in the order of the forward pass."""
        return {
            "network": self.name,
            "norm": str(self.norm),
            "input_shape": list(self.input_shape),
            "num_classes": self.num_classes,
            "params": self.params,
            "norm_params": self.norm_params,
            "mult_adds": self.mult_adds,
            "layers": [self._layer_as_json(row) for row in self.rows],
            "notes": list(self.notes),
        }

    def _layer_as_json(self, row: Row) -> dict[str, Any]:
        node = row.node
        return {
            "layer": node.path,
            "type": node.kind,
            "category": node.category,
            "inputs": [self.graph.nodes[index].path for index in node.inputs],
            "input_shape": list(node.in_shape),
            "output_shape": list(node.out_shape),
            "window": asdict(node.window),
            "params": row.params,
            "mult_adds": row.mult_adds,
            "receptive_field": asdict(row.field),
        }


def describe(
    model: nn.Module, name: str, norm: NormSpec, input_shape: tuple[int, int, int], num_classes: int
) -> Architecture:
    """Trace a network and count what its layers hold and do.

    Multiply-adds are torchinfo's, for one image; it counts the weights and biases of a norm once.
    """
    graph = trace(model, input_shape, name)
    counts = _counts(model, name, input_shape)
    rows = []
    for node, field in zip(graph, receptive_fields(graph), strict=True):
        waiting = counts.get(id(node.layer), [])
        params, mult_adds = waiting.pop(0) if waiting else (0, 0)
        kernel = kernel_text(node.layer, node.category, node.window)
        settings = settings_text(node.layer, node.category, node.window)
        rows.append(Row(node=node, kernel=kernel, settings=settings, params=params, mult_adds=mult_adds, field=field))
    norm_names = norm_parameter_names(model)
    total = sum(parameter.numel() for parameter in model.parameters())
    return Architecture(
        name=name, norm=norm, input_shape=input_shape, num_classes=num_classes, graph=graph, rows=tuple(rows),
        params=total,
        norm_params=sum(value.numel() for key, value in model.named_parameters() if key in norm_names),
        notes=tuple(_notes(graph, total - sum(row.params for row in rows))),
    )  # fmt: skip


def _counts(model: nn.Module, name: str, input_shape: tuple[int, int, int]) -> dict[int, list[tuple[int, int]]]:
    """Return parameters and multiply-adds of each use of each layer, by the layer's id."""
    try:
        statistics = torchinfo.summary(
            model, input_size=(NUM_IMAGES, *input_shape), mode="eval", device="cpu", verbose=0, cache_forward_pass=False
        )  # fmt: skip
    except Exception as error:
        problem = " ".join(str(error).split())
        raise ModelError(f"network {name!r}: torchinfo cannot count its layers: {problem}") from error
    counts: dict[int, list[tuple[int, int]]] = {}
    for info in statistics.summary_list:
        seen = counts.setdefault(info.layer_id, [])
        seen.append((0 if seen else info.num_params, info.macs // NUM_IMAGES))
    return counts


def _notes(graph: Graph, outside: int) -> list[str]:
    notes = []
    if any(row.low != row.high for row in receptive_fields(graph)):
        notes.append("Where branches meet, the receptive field is a range: narrowest path – all paths together.")
    notes.append(norm_note(graph))
    if outside:
        notes.append(f"{outside:,} parameters lie outside the layers of this table.")
    if any(node.category == "other" and node.window.whole for node in graph):
        notes.append("Modules that work out of sight of the trace count as seeing their whole input.")
    return [note for note in notes if note]


def compact(number: int) -> str:
    """Return a large number in a few signs, such as "5.31 M"."""
    for size, letter in ((10**9, "G"), (10**6, "M"), (10**4, "k")):
        if number >= size:
            return f"{number / (1000 if letter == 'k' else size):.{0 if letter == 'k' else 2}f} {letter}"
    return f"{number:,}"
