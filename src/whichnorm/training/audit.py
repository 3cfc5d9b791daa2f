"""Checks that a run trains what its label says: its norm layers, its optimizer, and the weights it shares with others.

Each of these faults has been published unnoticed: three BatchNorm runs under three labels, an optimizer attached to
another network, arms that differ in far more than their norm layers.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from whichnorm.errors import ModelError, SpecError
from whichnorm.norms import NoNormSpec, NormSpec
from whichnorm.norms.layers import norm_layers, norm_parameter_names


def describe_layer(layer: nn.Module) -> str:
    """Name a norm layer's kind, such as "GroupNorm(8 groups)"."""
    groups = ""
    if isinstance(layer, nn.GroupNorm):
        groups = f"({layer.num_groups} groups)" if layer.num_groups > 1 else "(1 group)"
    affine = any(True for _ in layer.parameters(recurse=False))
    return type(layer).__name__ + groups + ("" if affine else " without affine")


def _identity(layer: nn.Module) -> tuple[object, ...]:
    kind = getattr(layer, "cls_to_become", None) or type(layer)
    affine = getattr(layer, "affine", getattr(layer, "elementwise_affine", None))
    return kind, getattr(layer, "num_groups", None), affine, getattr(layer, "eps", None)


def _num_channels(layer: nn.Module) -> int:
    if isinstance(layer, nn.LayerNorm):
        return int(layer.normalized_shape[0])
    return int(getattr(layer, "num_channels", 0) or getattr(layer, "num_features", 0))


def _made_by(norm: NormSpec, layer: nn.Module) -> bool:
    num_channels = _num_channels(layer)
    try:
        return num_channels > 0 and _identity(layer) == _identity(norm.build(num_channels))
    except SpecError:  # the arm's norm cannot have this number of channels
        return False


def check_norm_layers(model: nn.Module, norm: NormSpec) -> dict[str, int]:
    """Return the norm layers found, by kind and count; one that the arm's norm did not make is a ModelError."""
    found = norm_layers(model)
    if not found and not isinstance(norm, NoNormSpec):
        raise ModelError(
            f"arm {norm}: the network has no norm layer; its factory must make them with norm(num_channels)"
        )
    for path, layer in found.items():
        if not _made_by(norm, layer):
            raise ModelError(
                f"arm {norm}: the network has a {describe_layer(layer)} at {path!r} that the arm's norm did not make; "
                "its factory must make each norm layer with norm(num_channels)"
            )
    return dict(sorted(Counter(describe_layer(layer) for layer in found.values()).items()))


@contextmanager
def calls_of_norm_layers(model: nn.Module) -> Iterator[dict[str, int]]:
    """Count the forward calls of each norm layer, by its path, while the context lasts."""
    layers = norm_layers(model)
    calls = dict.fromkeys(layers, 0)

    def count(path: str) -> Callable[..., None]:
        def hook(*_: object) -> None:
            calls[path] += 1

        return hook

    handles = [layer.register_forward_hook(count(path)) for path, layer in layers.items()]
    try:
        yield calls
    finally:
        for handle in handles:
            handle.remove()


def check_called(calls: dict[str, int], norm: NormSpec, mode: str) -> None:
    """Refuse a norm layer that is in the network and takes no part in its forward pass."""
    unused = [path for path, count in calls.items() if count == 0]
    if unused:
        raise ModelError(f"arm {norm}: norm layer {unused[0]!r} is never called in {mode}; use it or leave it out")


def shared_weights_digest(model: nn.Module) -> str:
    """Hash every parameter outside norm layers, in the network's order: shapes and float32 values."""
    of_norms = norm_parameter_names(model)
    digest = hashlib.sha256()
    for name, parameter in model.named_parameters():
        if name not in of_norms:
            digest.update(repr(tuple(parameter.shape)).encode())
            digest.update(parameter.detach().float().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]


def count_params(model: nn.Module) -> int:
    """Count the trainable parameters of a network."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


def count_norm_params(model: nn.Module) -> int:
    """Count the trainable parameters that belong to norm layers."""
    of_norms = norm_parameter_names(model)
    return sum(p.numel() for name, p in model.named_parameters() if name in of_norms and p.requires_grad)


def trainable(model: nn.Module) -> dict[str, nn.Parameter]:
    return {name: p for name, p in model.named_parameters() if p.requires_grad}


def check_in_optimizer(model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    """Refuse an optimizer that does not hold exactly the network's trainable parameters."""
    held = {id(p) for group in optimizer.param_groups for p in group["params"]}
    missing = [name for name, p in trainable(model).items() if id(p) not in held]
    if missing:
        raise ModelError(f"the optimizer lacks {len(missing)} trainable parameters, among them {missing[0]!r}")
    extra = len(held) - len(trainable(model))
    if extra:
        raise ModelError(f"the optimizer holds {extra} parameters that are not the network's")


def check_gradients(model: nn.Module) -> list[str]:
    """Return the parameters whose gradient is zero; one that the loss does not reach at all is a ModelError."""
    unreached = [name for name, p in trainable(model).items() if p.grad is None]
    if unreached:
        raise ModelError(
            f"{len(unreached)} trainable parameters do not affect the loss, among them {unreached[0]!r}; "
            "use them in the forward pass, or set requires_grad to False"
        )
    return [name for name, p in trainable(model).items() if p.grad is not None and not bool(p.grad.any())]


def check_moved(before: dict[str, Tensor], model: nn.Module, learning_rate: float, zero_gradient: list[str]) -> None:
    """Refuse a first step that left a parameter where it was although its gradient should have moved it.

    A parameter may rightly stay: with a zero gradient, or with one too small for float32 to move its values, as a bias
    has that the next norm layer takes out again. `model` holds the gradients of the step.
    """
    for name, p in trainable(model).items():
        if name in zero_gradient or not torch.equal(before[name], p.detach()):
            continue
        largest_move = learning_rate * float(p.grad.abs().max()) if p.grad is not None else 0.0
        if largest_move > 1e-6 * float(p.detach().abs().max()):
            raise ModelError(f"parameter {name!r} did not move in the first step; the optimizer does not reach it")
