"""The feature maps to explain: the published example, an array, or a .npy file."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np
from numpy.typing import ArrayLike, NDArray

from whichnorm.data.files import fault, file_size
from whichnorm.errors import DataError, shown
from whichnorm.files import escaped, expand

if TYPE_CHECKING:
    from torch import Tensor

# The worked example of a published comparison of BN, LN and GN: 3 images, 4 channels, 1x2 pixels.
PUBLISHED = (
    (((2, 3),), ((5, 7),), ((11, 13),), ((17, 19),)),
    (((0, 1),), ((1, 2),), ((3, 5),), ((8, 13),)),
    (((1, 2),), ((3, 4),), ((5, 6),), ((7, 8),)),
)
MAX_ELEMENTS = 2**20  # 8 MiB of float64: a batch of 42 images at 24 channels of 32x32


def feature_map(array: "ArrayLike | Tensor", name: str) -> NDArray[np.float64]:
    """Return an array (N, C, H, W) in float64; (C, H, W) is one image, and (N, C) has one pixel: features without a
    place. `name` stands for it in messages."""
    try:
        values = np.asarray(array.detach().cpu().double() if _is_tensor(array) else array)
    except ValueError as error:
        raise DataError(f"{name}: {error}, expected lists of equal lengths") from error
    if isinstance(array, str):
        raise DataError(f"{name}: {shown(array)} is text, expected numbers; norms are given as norms=['bn', 'gn:2']")
    if values.dtype.kind not in "biuf":
        raise DataError(f"{name}: values of type {values.dtype}, expected real numbers")
    if values.ndim not in (2, 3, 4):
        raise DataError(
            f"{name}: shape {values.shape}, expected (N, C, H, W), (C, H, W) for one image, or (N, features)"
        )
    if values.size == 0:
        raise DataError(f"{name}: shape {values.shape} holds no values; expected 1 or more along every axis")
    if values.size > MAX_ELEMENTS:
        raise DataError(
            f"{name}: shape {values.shape} is {values.size:,} values, expected at most {MAX_ELEMENTS:,}; "
            "take fewer images or a cut-out"
        )
    with np.errstate(over="ignore"):
        values = values.astype(np.float64)
    if not np.isfinite(values).all():
        place = tuple(int(i) for i in np.argwhere(~np.isfinite(values))[0])
        raise DataError(f"{name}: the value at {place} is {values[place]}, expected finite numbers")
    if values.ndim == 2:
        return values[:, :, None, None]
    return values if values.ndim == 4 else values[None]


def _is_tensor(array: "ArrayLike | Tensor") -> "TypeGuard[Tensor]":
    """Tell a tensor without importing PyTorch, which whoever has a tensor has done."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(array, torch.Tensor)


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
    return feature_map(array, escaped(path))


def _first_line(error: Exception) -> str:
    """Say what is wrong in a few words: numpy's own words for pickled data would offer to load it."""
    text = str(error)
    if "pickle" in text or "Python objects" in text:
        return "no header, or Python objects"
    return (text.splitlines() or [type(error).__name__])[0][:80]
