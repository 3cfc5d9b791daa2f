"""The feature maps to explain: the published example, an array, a .npy file, or the input of a network's norm layer."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from whichnorm.data.augment import normalize
from whichnorm.data.files import expand, fault, file_size, printable
from whichnorm.data.load import load_data
from whichnorm.data.split import channel_statistics
from whichnorm.errors import DataError, ModelError, SpecError, nearest
from whichnorm.models import build_model, factory_name
from whichnorm.norms import norm_layers
from whichnorm.specs.data import DataSpec
from whichnorm.training import randomness

# The worked example of a published comparison of BN, LN and GN: 3 images, 4 channels, 1x2 pixels.
PUBLISHED = (
    (((2, 3),), ((5, 7),), ((11, 13),), ((17, 19),)),
    (((0, 1),), ((1, 2),), ((3, 5),), ((8, 13),)),
    (((1, 2),), ((3, 4),), ((5, 6),), ((7, 8),)),
)
MOST_ELEMENTS = 2**20  # 8 MiB of float64: a batch of 42 images at 24 channels of 32x32
MOST_NAMES = 8  # in a message


def feature_map(array: ArrayLike | Tensor, name: str) -> NDArray[np.float64]:
    """Return an array (N, C, H, W), or (C, H, W) as one image, in float64; `name` stands for it in messages."""
    try:
        values = np.asarray(array.detach().cpu().double() if isinstance(array, Tensor) else array)
    except ValueError as error:
        raise DataError(f"{name}: {error}, expected lists of equal lengths") from error
    if values.dtype.kind not in "biuf":
        raise DataError(f"{name}: values of type {values.dtype}, expected real numbers")
    if values.ndim not in (3, 4):
        raise DataError(f"{name}: shape {values.shape}, expected (N, C, H, W), or (C, H, W) for one image")
    if values.size == 0:
        raise DataError(f"{name}: shape {values.shape} holds no values; expected 1 or more along every axis")
    if values.size > MOST_ELEMENTS:
        raise DataError(
            f"{name}: shape {values.shape} is {values.size:,} values, expected at most {MOST_ELEMENTS:,}; "
            "take fewer images or a cut-out"
        )
    with np.errstate(over="ignore"):
        values = values.astype(np.float64)
    if not np.isfinite(values).all():
        place = tuple(int(i) for i in np.argwhere(~np.isfinite(values))[0])
        raise DataError(f"{name}: the value at {place} is {values[place]}, expected finite numbers")
    return values if values.ndim == 4 else values[None]


def read_npy(path: Path) -> NDArray[np.float64]:
    """Read a .npy file as a feature map (N, C, H, W); nothing is unpickled, and a large file is not read at all."""
    path = expand(path)
    if file_size(path) == 0:
        raise fault(path, "an empty file", "an array", "write it with numpy.save")
    try:
        array: Any = np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception as error:  # a damaged header raises nearly anything
        raise fault(
            path, f"not a readable .npy file ({_first_line(error)})", "an array of numbers", "write it with numpy.save"
        ) from error
    if not isinstance(array, np.ndarray):
        array.close()
        raise fault(path, "an archive of arrays (.npz)", "one array (.npy)", "write it with numpy.save")
    return feature_map(array, printable(path))


def _first_line(error: Exception) -> str:
    """Say what is wrong in a few words: numpy's own words for pickled data would offer to load it."""
    text = str(error)
    if "pickle" in text or "Python objects" in text:
        return "no header, or Python objects"
    return (text.splitlines() or [type(error).__name__])[0][:80]


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
    return values, f"Input of {path} in a new {name} (seed {seed}) on {which} of {printable(data.name)}"


def _find_layer(name: str, network: nn.Module, layer: str | None) -> str:
    paths = list(norm_layers(network))
    if not paths:
        raise ModelError(f"network {name!r} has no norm layer to explain; make one with norm(num_channels)")
    if layer is None:
        return paths[0]
    if layer not in paths:
        more = f" and {len(paths) - MOST_NAMES} more" if len(paths) > MOST_NAMES else ""
        raise ModelError(
            f"network {name!r} has no norm layer {layer!r}{nearest(layer, paths)}; "
            f"there are {', '.join(paths[:MOST_NAMES])}{more}"
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
