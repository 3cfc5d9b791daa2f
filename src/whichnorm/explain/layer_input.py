"""The feature map to explain that a network gives one of its norm layers."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from whichnorm.data.augment import normalize
from whichnorm.data.load import load_data
from whichnorm.data.split import channel_statistics
from whichnorm.errors import ModelError, SpecError, nearest
from whichnorm.explain.arrays import feature_map
from whichnorm.files import escaped
from whichnorm.models import build_model, factory_name
from whichnorm.norms.layers import norm_layers
from whichnorm.specs.data import DataSpec
from whichnorm.training import randomness

MAX_NAMES = 8  # in a message


class _Reached(Exception):  # noqa: N818
    """Ends a forward pass once the layer's input is known."""


def layer_input(
    model: str | Callable[..., nn.Module], data: DataSpec, layer: str | None, num_images: int, seed: int
) -> tuple[NDArray[np.float64], str]:
    """Return the input (N, C, H, W) of a norm layer on the first test images, and a sentence about it.

    The network has the weights a study starts from at this seed and BatchNorm in its norm layers, which use the
    batch's statistics; dropout is off. `layer` is a path such as "block1.0.norm", None the first.
    """
    if seed < 0:
        raise SpecError(f"seed {seed}: expected 0 or more")
    dataset = load_data(data)
    if not 1 <= num_images <= len(dataset.test):
        raise SpecError(f"{num_images} images: {data.name} has 1 to {len(dataset.test):,} test images to take")
    C, H, W = dataset.image_shape
    with randomness.isolated_rng():
        randomness.seed_global(seed, "init")
        network = build_model(model, "bn", dataset.num_classes, C, image_size=(H, W))
    name = model if isinstance(model, str) else factory_name(model)
    path = _find_layer(name, network, layer)
    images = normalize(dataset.test.images[:num_images], *channel_statistics(dataset.train.images))
    values = feature_map(_input_of(network, path, images), f"the input of {name}'s {path}")
    which = "the first test image" if num_images == 1 else f"the first {num_images} test images"
    return values, f"Input of {path} in a new {name} (seed {seed}) on {which} of {escaped(data.name)}"


def _find_layer(name: str, network: nn.Module, layer: str | None) -> str:
    paths = list(norm_layers(network))
    if not paths:
        raise ModelError(f"network {name!r} has no norm layer to explain; make one with norm(num_channels)")
    if layer is None:
        return paths[0]
    if layer not in paths:
        more = f" and {len(paths) - MAX_NAMES} more" if len(paths) > MAX_NAMES else ""
        raise ModelError(
            f"network {name!r} has no norm layer {layer!r}{nearest(layer, paths)}; "
            f"there are {', '.join(paths[:MAX_NAMES])}{more}"
        )
    return layer


@torch.no_grad()
def _input_of(network: nn.Module, path: str, images: Tensor) -> Tensor:
    """Run images through a network up to a norm layer and return what that layer is given."""
    seen: list[Tensor] = []

    def keep(_: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        seen.append(inputs[0].clone())
        raise _Reached

    network.eval()
    for norm in norm_layers(network).values():
        norm.train()
    handle = network.get_submodule(path).register_forward_pre_hook(keep)
    try:
        network(images)
    except _Reached:
        return seen[0]
    finally:
        handle.remove()
    raise ModelError(f"the network never uses its norm layer {path!r}; choose another --layer")
