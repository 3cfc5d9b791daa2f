"""What a network's layers do on one batch, measured on a copy: nothing of the network itself changes."""

import math
from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.modules.conv import _ConvNd
from torch.nn.modules.dropout import _DropoutNd
from torch.overrides import TorchFunctionMode

from whichnorm.architecture.kinds import plain_name
from whichnorm.errors import ModelError, WhichnormError, in_a_line
from whichnorm.norms.layers import NORM_LAYERS, norm_layers
from whichnorm.specs.checked import Checked
from whichnorm.specs.value_types import Fraction, Magnitude
from whichnorm.training.randomness import isolated_rng


@dataclass(frozen=True, kw_only=True)
class Diagnosis(Checked):
    """Figures of a network's layers by path, in the order of the forward pass; None if one is not finite."""

    gradient_norm: dict[str, Magnitude | None]  # of every layer with weights
    dead_relu: dict[str, Fraction | None]  # of every ReLU, in [0, 1]
    cosine_distance: dict[str, Magnitude | None]  # at the output of every norm layer, or else convolution


def diagnose(model: nn.Module, images: Tensor, labels: Tensor, *, label_smoothing: float = 0.0) -> Diagnosis:
    """Measure a network in training mode, without dropout layers, on images (N, C, H, W) and labels (N,).

    The gradient norm is the L2 norm over all weights of a layer, of the mean cross-entropy's gradient. The fraction of
    dead channels is that of a ReLU's channels that are zero for every image at every position. The cosine distance is
    the mean over all pairs of images of one minus the cosine of their activations: near 0, images cannot be
    distinguished. The network, its mode and the caller's random state stay as they were. A network that cannot be
    copied or run on this batch is a ModelError.
    """
    try:
        copied = deepcopy(model).train()
        with isolated_rng(images.device.type), torch.enable_grad():
            torch.manual_seed(0)  # for what a network draws by itself
            return _measure(copied, images, labels, label_smoothing)
    except WhichnormError:
        raise
    except Exception as error:  # anything that a network of the user's own raises
        shape = "x".join(map(str, images.shape[1:]))
        raise ModelError(
            f"the network cannot be diagnosed on {len(images)} images of {shape}: {in_a_line(error, limit=300)}"
        ) from error


def _measure(model: nn.Module, images: Tensor, labels: Tensor, label_smoothing: float) -> Diagnosis:
    """Run a network that nobody needs afterwards forward and backward."""
    for module in model.modules():
        if isinstance(module, _DropoutNd):
            module.eval()
    model.zero_grad()
    watch = _Watch(model)
    with watch:
        logits = model(images)
    F.cross_entropy(logits, labels, label_smoothing=label_smoothing).backward()
    return Diagnosis(
        gradient_norm=_numbers(_gradient_norms(model, watch.order)),
        dead_relu=_numbers(watch.dead),
        cosine_distance=_numbers(watch.distances),
    )


class _Watch(TorchFunctionMode):
    """Measures while a network runs: hooks see its modules, and a function mode sees every ReLU, layer or not."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.order: dict[str, None] = {}  # paths of modules as the forward pass comes to them
        self.dead: dict[str, Tensor] = {}
        self.distances: dict[str, Tensor] = {}
        self._around: list[tuple[str, nn.Module]] = []  # the modules whose forward is running
        self._measured = NORM_LAYERS if norm_layers(model) else (_ConvNd,)
        for path, module in model.named_modules():
            module.register_forward_pre_hook(partial(self._enter, path or type(module).__name__))
            module.register_forward_hook(self._leave)

    def _enter(self, path: str, module: nn.Module, args: Any) -> None:
        self.order[path] = None
        self._around.append((path, module))

    def _leave(self, module: nn.Module, args: Any, result: Any) -> None:
        path, _ = self._around.pop()
        if isinstance(module, self._measured) and isinstance(result, Tensor):
            self.distances[_unused(path, self.distances)] = mean_cosine_distance(result.detach())

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        path, module = self._around[-1] if self._around else ("", None)
        name = plain_name(func)
        if name in ("relu", "relu6") or (name == "hardtanh" and isinstance(module, nn.ReLU6)):
            where = path if isinstance(module, nn.ReLU | nn.ReLU6) else f"{path}.{name}"
            self.dead[_unused(where, self.dead)] = dead_fraction(result.detach())
        return result


def mean_cosine_distance(x: Tensor) -> Tensor:
    """Return the mean over all pairs of rows of 1 - cos, a scalar; x is (N, ...).

    For unit vectors u, 1 - cos is half their squared distance, and its mean over pairs is the total sample variance:
    exact even if rows are all but equal, and without an (N, N) matrix. Rows of zeros have no direction and are
    left out; NaN if fewer than two are left, or if a value is not finite.
    """
    rows = x.flatten(1)
    largest = rows.abs().amax(dim=1, keepdim=True)
    rows = (rows / largest)[largest[:, 0] != 0]  # scaled first: squares of large and small values leave their range
    if len(rows) < 2:
        return x.new_tensor(math.nan)
    return F.normalize(rows, dim=1).var(dim=0).sum()


def dead_fraction(x: Tensor) -> Tensor:
    """Return the fraction of channels of x, (N, C, ...), that are zero everywhere: a scalar, NaN if x has a NaN."""
    largest = x.abs().transpose(0, 1).flatten(1).amax(dim=1)  # (C,)
    return torch.where(largest.isnan().any(), math.nan, (largest == 0).double().mean())


def _gradient_norms(model: nn.Module, order: Iterable[str]) -> dict[str, Tensor]:
    """Return the norm over all gradients of each module's own weights; of a weight that the loss misses it is 0."""
    modules = {path or type(module).__name__: module for path, module in model.named_modules()}
    norms = {}
    for path in dict.fromkeys([*order, *modules]):
        own = [p for p in modules[path].parameters(recurse=False) if p.requires_grad]
        if own:
            gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in own]
            parts = [torch.linalg.vector_norm(g, dtype=torch.float64) for g in gradients]
            norms[path] = torch.linalg.vector_norm(torch.stack(parts))
    return norms


def _unused(path: str, names: Mapping[str, object]) -> str:
    """Return the path, with a number for a layer that runs again."""
    unique, number = path, 2
    while unique in names:
        unique, number = f"{path}:{number}", number + 1
    return unique


def _numbers(values: Mapping[str, Tensor]) -> dict[str, float | None]:
    """Read scalars from their device at once."""
    if not values:
        return {}
    read = torch.stack([value.double() for value in values.values()]).tolist()
    return {path: value if math.isfinite(value) else None for path, value in zip(values, read, strict=True)}
