"""The graph of a network, traced on a real forward pass.

A forward pass is watched twice over: hooks see layers, and a function mode sees everything between them (`+`,
`torch.cat`, `flatten`, `F.relu`). So any control flow is traced as it runs, where `torch.fx` and `torch.export` refuse
networks that branch on values, and the graph keeps the network's own layers, where an export splits them into
operators. One image size gives one graph; a branch that this forward pass does not take is not in it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from whichnorm.architecture.kinds import Category, category_of_call, category_of_layer, plain_name
from whichnorm.architecture.windows import WHOLE, Shape, Window, window_of_call, window_of_layer
from whichnorm.errors import ModelError, WhichnormError
from whichnorm.modes import evaluating

NUM_IMAGES = 2  # as in `build_model`: one image would lose its axis to a careless squeeze()


@dataclass(frozen=True, kw_only=True)
class Node:
    """One operation: a layer, or a function between layers. Shapes are of one image, such as (C, H, W)."""

    index: int
    path: str  # of the layer, or of the module around a function and the function's name
    kind: str  # the layer's class, or the function's name
    category: Category
    inputs: tuple[int, ...]  # indices of the nodes whose results it reads
    in_shape: Shape
    out_shape: Shape
    window: Window
    layer: nn.Module | None = None


@dataclass(frozen=True, kw_only=True)
class Graph:
    """Nodes in the order of the forward pass; the first is the image, `output` gives the logits."""

    nodes: tuple[Node, ...]
    output: int

    def __iter__(self) -> Iterator[Node]:
        return iter(self.nodes)

    def consumers(self) -> dict[int, list[int]]:
        """Return the indices of the nodes that read each node's result."""
        readers: dict[int, list[int]] = {node.index: [] for node in self.nodes}
        for node in self.nodes:
            for index in node.inputs:
                readers[index].append(node.index)
        return readers


def trace(model: nn.Module, input_shape: tuple[int, int, int], name: str = "network") -> Graph:
    """Return the graph of a network in evaluation mode; modes and random state are left as they were.

    Nodes whose results nothing reads are left out. A network whose logits do not come from its image by way of torch
    is a ModelError.
    """
    recorder = _Recorder(model)
    images = torch.zeros(NUM_IMAGES, *input_shape)
    recorder.add("input", "image", "input", (), images, images, Window())
    try:
        with evaluating(model), torch.no_grad(), recorder:
            logits = model(images)
    except WhichnormError:
        raise
    except Exception as error:
        problem = " ".join(f"{type(error).__name__}: {error}".split())
        raise ModelError(f"network {name!r} cannot be traced: {problem}") from error
    finally:
        recorder.remove_hooks()
    found = recorder.index_of(logits)
    if found is None:
        raise ModelError(
            f"network {name!r} cannot be traced: its logits do not come from the image by way of torch's layers and "
            "functions (through NumPy, or a constant?)"
        )
    return _pruned(recorder.nodes, found)


def _pruned(nodes: list[Node], output: int) -> Graph:
    """Keep what the output depends on, with new indices."""
    needed, waiting = {0}, [output]
    while waiting:
        index = waiting.pop()
        if index not in needed:
            needed.add(index)
            waiting.extend(nodes[index].inputs)
    new = {old: position for position, old in enumerate(sorted(needed))}
    kept = [
        Node(**{**vars(nodes[old]), "index": new[old], "inputs": tuple(new[i] for i in nodes[old].inputs)})
        for old in sorted(needed)
    ]
    return Graph(nodes=tuple(kept), output=new[output])


class _Recorder(TorchFunctionMode):
    """Notes layers and functions while a network runs; tensors are told apart by identity."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.nodes: list[Node] = []
        self._tensors: dict[int, tuple[Tensor, int]] = {}  # holding a tensor keeps its id from being given again
        self._paths: set[str] = set()
        self._around: list[str] = []  # paths of the modules whose forward is running
        self._entered: list[tuple[list[Tensor], list[int], list[int]]] = []  # of the layer whose forward is running
        self._depth = 0  # of layers: what runs inside a layer is the layer's own business
        self._handles = [
            handle
            for path, module in model.named_modules()
            for handle in (self._watch_layer if is_layer(module) else self._watch_container)(path, module)
        ]

    def remove_hooks(self) -> None:
        for handle in self._handles:
            handle.remove()

    def index_of(self, value: object) -> int | None:
        found = self._tensors.get(id(value))
        return found[1] if found else None

    def add(
        self, path: str, kind: str, category: Category, sources: Iterable[int], x: Tensor, result: object,
        window: Window, layer: nn.Module | None = None,
    ) -> None:  # fmt: skip
        """Note an operation, and that its result (a tensor or several) comes from it."""
        outputs = list(_tensors(result))
        index, unique, number = len(self.nodes), path, 2
        while unique in self._paths:
            unique, number = f"{path}:{number}", number + 1
        self._paths.add(unique)
        self.nodes.append(
            Node(
                index=index, path=unique, kind=kind, category=category, inputs=tuple(dict.fromkeys(sources)),
                in_shape=tuple(x.shape[1:]), out_shape=tuple(outputs[0].shape[1:]), window=window, layer=layer,
            )
        )  # fmt: skip
        for output in outputs:
            self._tensors[id(output)] = (output, index)

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        reading = [] if self._depth else self._tracked((args, kwargs))
        result = func(*args, **kwargs)
        name = plain_name(func)
        changed = args[0] if name == "setitem" else result
        if reading and any(True for _ in _tensors(changed)):
            x, sources = reading[0][0], [index for _, index in reading]
            shapes = tuple(x.shape), tuple(next(_tensors(changed)).shape)
            category = category_of_call(name, num_inputs=len(set(sources)))
            window = window_of_call(name, args, kwargs, *shapes)
            self.add(".".join([*self._around[-1:], name]).strip("."), name, category, sources, x, changed, window)
        return result

    def _tracked(self, values: object) -> list[tuple[Tensor, int]]:
        return [self._tensors[id(tensor)] for tensor in _tensors(values) if id(tensor) in self._tensors]

    def _watch_layer(self, path: str, layer: nn.Module) -> Iterator[Any]:
        def enter(_: nn.Module, args: Any, kwargs: Any) -> None:
            reading = [] if self._depth else self._tracked((args, kwargs))
            tensors = [tensor for tensor, _ in reading]
            self._entered.append((tensors, [index for _, index in reading], [tensor._version for tensor in tensors]))
            self._depth += 1

        def leave(_: nn.Module, args: Any, kwargs: Any, result: Any) -> Any:
            tensors, sources, versions = self._entered.pop()
            if self._depth == 1 and tensors:
                untouched = any(result is t and t._version == v for t, v in zip(tensors, versions, strict=True))
                result = result.view_as(result) if untouched else result  # the identity: tell result and input apart
                x, first = tensors[0], next(_tensors(result), None)
                if first is not None:
                    window = window_of_layer(layer, tuple(x.shape), tuple(first.shape))
                    kind = type(layer).__name__
                    self.add(path or kind, kind, category_of_layer(layer), sources, x, result, window, layer)
            self._depth -= 1
            return result

        yield layer.register_forward_pre_hook(enter, with_kwargs=True)
        yield layer.register_forward_hook(leave, with_kwargs=True)

    def _watch_container(self, path: str, module: nn.Module) -> Iterator[Any]:
        def enter(_: nn.Module, args: Any) -> None:
            self._around.append(path)

        def leave(_: nn.Module, args: Any, kwargs: Any, result: Any) -> None:
            self._around.pop()
            reading, outputs = self._tracked((args, kwargs)), list(_tensors(result))
            if path and reading and outputs and not self._depth and not self._tracked(outputs):
                # It worked out of sight (an autograd.Function, NumPy): one operation that may see everything.
                x, sources = reading[0][0], [index for _, index in reading]
                self.add(path, type(module).__name__, "other", sources, x, result, WHOLE)

        yield module.register_forward_pre_hook(enter)
        yield module.register_forward_hook(leave, with_kwargs=True)


def is_layer(module: nn.Module) -> bool:
    """Tell whether a module is one of torch's layers or a subclass of one, rather than a container of layers."""
    families = [base for base in type(module).__mro__ if base.__module__.startswith("torch.nn.modules.")]
    return any(base is not nn.Module and not base.__module__.endswith(".container") for base in families)


def _tensors(values: object) -> Iterator[Tensor]:
    """Yield the tensors in nested lists, tuples and dicts."""
    if isinstance(values, Tensor):
        yield values
    elif isinstance(values, list | tuple):
        for value in values:
            yield from _tensors(value)
    elif isinstance(values, dict):
        yield from _tensors(list(values.values()))
