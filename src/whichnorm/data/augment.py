"""Random changes of a batch of training images, on any device, without a loop over images.

The random numbers of an epoch are drawn first, on the CPU, so that every arm and every device sees the same changes.
`augment` applies them in a fixed order: brightness and contrast, grey, shift with scale and rotation, crop, flip,
cut-out. The first two work on pixels in [0, 1]; the rest work on standardized pixels, where 0 is the data set's mean.
A recipe may have brightness and contrast work on standardized pixels too, after grey, as a published one does.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

from whichnorm.errors import DataError, SpecError
from whichnorm.specs.recipe import Augmentation

LUMINANCE = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in a grey image: Recommendation ITU-R BT.601, as in OpenCV and Pillow."""


@dataclass(frozen=True, eq=False)
class Draws:
    """What happens to each of N images: one bool per change that says whether, and the amounts.

    The amounts are drawn even where the bool is False, and are not used there.
    """

    brightness_contrast: Tensor  # (N,) bool
    contrast: Tensor  # (N,) factor of the pixels
    brightness: Tensor  # (N,) added afterwards, as a fraction of full scale
    grey: Tensor  # (N,) bool
    affine: Tensor  # (N,) bool
    shift: Tensor  # (N, 2) to the right and down, as fractions of width and height
    scale: Tensor  # (N,) factor, above 1 enlarges
    angle: Tensor  # (N,) radians, positive turns counterclockwise
    crop: Tensor  # (N,) bool
    crop_offset: Tensor  # (N, 2) int64: row and column of the padded image where the crop begins
    flip: Tensor  # (N,) bool
    cutout: Tensor  # (N,) bool
    cutout_centre: Tensor  # (N, 2) int64: row and column

    def __len__(self) -> int:
        return len(self.flip)

    def _map(self, change: Callable[[Tensor], Tensor]) -> "Draws":
        return Draws(**{field.name: change(getattr(self, field.name)) for field in fields(self)})

    def slice(self, start: int, stop: int) -> "Draws":
        """Return the draws of images start to stop."""
        return self._map(lambda values: values[start:stop])

    def to(self, device: str | torch.device) -> "Draws":
        return self._map(lambda values: values.to(device))


def draw(
    augmentation: Augmentation, num_images: int, image_shape: tuple[int, int, int], generator: torch.Generator
) -> Draws:
    """Draw the changes of `num_images` images of shape (C, H, W) from a CPU generator.

    Every number is drawn whether its change is on or off, so switching one change does not alter the others.
    """
    _, H, W = image_shape
    padding = augmentation.crop_padding
    if augmentation.crop_mode == "reflect" and padding >= min(H, W):
        raise SpecError(
            f"crop padding {padding} cannot be reflected in images of {H}x{W}: "
            f"at most {min(H, W) - 1}, or crop mode 'zero'"
        )
    u = torch.rand(15, num_images, generator=generator, dtype=torch.float64)

    def between(values: Tensor, low: float, high: float) -> Tensor:
        return (low + (high - low) * values).float()

    def whole(values: Tensor, count: int) -> Tensor:
        return (values * count).long()  # 0 to count - 1

    most = math.radians(augmentation.rotate_degrees)
    return Draws(
        brightness_contrast=u[0] < augmentation.brightness_contrast_probability,
        contrast=between(u[1], 1 - augmentation.contrast, 1 + augmentation.contrast),
        brightness=between(u[2], -augmentation.brightness, augmentation.brightness),
        grey=u[3] < augmentation.grey_probability,
        affine=u[4] < augmentation.affine_probability,
        shift=between(u[5:7].T.contiguous(), -augmentation.shift, augmentation.shift),
        scale=between(u[7], 1 - augmentation.scale, 1 + augmentation.scale),
        angle=between(u[8], -most, most),
        crop=u[9] < augmentation.crop_probability,
        crop_offset=torch.stack([whole(u[10], 2 * padding + 1), whole(u[11], 2 * padding + 1)], dim=1),
        flip=u[12] < augmentation.flip,
        cutout=u[13] < augmentation.cutout_probability,
        cutout_centre=_pixels(u[14], H, W),
    )


def _pixels(u: Tensor, H: int, W: int) -> Tensor:
    """Return rows and columns (N, 2) of pixels chosen evenly by u in [0, 1)."""
    index = (u * (H * W)).long()
    return torch.stack([index // W, index % W], dim=1)


def normalize(images: Tensor, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    """Return (pixels / 255 - mean) / std of uint8 images (N, C, H, W): float32 in channels_last memory format."""
    return _standardize(_to_unit(images), mean, std).contiguous(memory_format=torch.channels_last)


def augment(
    images: Tensor, draws: Draws, augmentation: Augmentation, mean: Sequence[float], std: Sequence[float]
) -> Tensor:
    """Change uint8 images (N, C, H, W) as drawn, and standardize: float32 in channels_last memory format.

    With every change off this is `normalize`. Pixels are not rounded to whole numbers between two changes.
    """
    if len(draws) != len(images):
        raise DataError(f"{len(images)} images came with the draws of {len(draws)}: slice both alike")
    x = _to_unit(images)
    photometric = augmentation.brightness_contrast_of if augmentation.brightness_contrast_probability > 0 else ""
    if photometric == "pixels":
        x = _brightness_contrast(x, draws)
    if augmentation.grey_probability > 0 and x.shape[1] == 3:
        x = _grey(x, draws)
    x = _standardize(x, mean, std)
    if photometric == "standardized":
        x = _brightness_contrast(x, draws)
    if augmentation.affine_probability > 0:
        x = _shift_scale_rotate(x, draws)
    cropped = augmentation.crop_padding > 0 and augmentation.crop_probability > 0
    if cropped or augmentation.flip > 0:
        x = _crop_and_flip(x, draws, augmentation)
    if augmentation.cutout_size > 0 and augmentation.cutout_probability > 0:
        x = _cutout(x, draws, augmentation.cutout_size)
    return x.contiguous(memory_format=torch.channels_last)


def _to_unit(images: Tensor) -> Tensor:
    """Return pixels in [0, 1], contiguous: the faster order for all changes but the last copy."""
    if images.dtype != torch.uint8 or images.dim() != 4:
        raise DataError(
            f"images are {images.dtype} of shape {tuple(images.shape)}, expected torch.uint8 of shape (N, C, H, W)"
        )
    return images.contiguous().float() / 255


@lru_cache(maxsize=64)  # a copy to a GPU per batch would make the CPU wait for it
def _per_channel(values: tuple[float, ...], device: torch.device) -> Tensor:
    return torch.tensor(values, dtype=torch.float32, device=device).view(1, -1, 1, 1)


def _standardize(x: Tensor, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    C = x.shape[1]
    if not len(mean) == len(std) == C:
        raise DataError(f"images have {C} channels and came with {len(mean)} means and {len(std)} deviations")
    return (x - _per_channel(tuple(mean), x.device)) / _per_channel(tuple(std), x.device)


def _choose(chosen: Tensor, changed: Tensor, x: Tensor) -> Tensor:
    """Return `changed` for the chosen images and x for the others: no index lists, so a GPU need not be waited for."""
    return torch.where(chosen.view(-1, 1, 1, 1), changed, x)


def _brightness_contrast(x: Tensor, draws: Draws) -> Tensor:
    """Scale and shift pixels and clip to [0, 1], as Albumentations does (Buslaev et al., Information, 2020).

    Standardized pixels lose what is below the mean, and what is more than a deviation above it.
    """
    factor, added = draws.contrast.view(-1, 1, 1, 1), draws.brightness.view(-1, 1, 1, 1)
    return _choose(draws.brightness_contrast, (x * factor + added).clamp_(0, 1), x)


def _grey(x: Tensor, draws: Draws) -> Tensor:
    luminance = (x * _per_channel(LUMINANCE, x.device)).sum(dim=1, keepdim=True)  # (N, 1, H, W)
    return _choose(draws.grey, luminance, x)


def _shift_scale_rotate(x: Tensor, draws: Draws) -> Tensor:
    """Scale and turn about the centre of the image, then shift; bilinear, and the mean outside of the image.

    The centre is at ((W - 1) / 2, (H - 1) / 2) when pixel centres have whole numbers. Each pixel of the result looks up
    where it came from.
    """
    N, _, H, W = x.shape
    across = torch.arange(W, device=x.device) - (W - 1) / 2 - draws.shift[:, :1] * W  # (N, W)
    down = torch.arange(H, device=x.device) - (H - 1) / 2 - draws.shift[:, 1:] * H  # (N, H)
    across, down = across.view(N, 1, W), down.view(N, H, 1)
    cos = (torch.cos(draws.angle) / draws.scale).view(N, 1, 1)
    sin = (torch.sin(draws.angle) / draws.scale).view(N, 1, 1)
    from_across, from_down = cos * across - sin * down, sin * across + cos * down  # (N, H, W), pixels from the centre
    grid = torch.stack([from_across * (2 / W), from_down * (2 / H)], dim=3)
    moved = F.grid_sample(x, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    return _choose(draws.affine, moved, x)


def _crop_and_flip(x: Tensor, draws: Draws, augmentation: Augmentation) -> Tensor:
    """Crop the padded image at its offset, then flip: one look-up per pixel, the padded image is never made."""
    N, C, H, W = x.shape
    padding = augmentation.crop_padding
    begin = torch.where(draws.crop.view(N, 1), draws.crop_offset - padding, 0)  # (N, 2)
    rows = begin[:, :1] + torch.arange(H, device=x.device)  # (N, H)
    cols = torch.arange(W, device=x.device).expand(N, W)
    cols = begin[:, 1:] + torch.where(draws.flip.view(N, 1), W - 1 - cols, cols)  # (N, W)
    outside = ((rows < 0) | (rows >= H)).view(N, H, 1) | ((cols < 0) | (cols >= W)).view(N, 1, W)
    if augmentation.crop_mode == "reflect":  # the border pixel is not repeated
        rows, cols = _reflect(rows, H), _reflect(cols, W)
    else:
        rows, cols = rows.clamp(0, H - 1), cols.clamp(0, W - 1)
    index = (rows.view(N, H, 1) * W + cols.view(N, 1, W)).view(N, 1, H * W).expand(N, C, H * W)
    changed = x.view(N, C, H * W).gather(2, index).view(N, C, H, W)
    return changed if augmentation.crop_mode == "reflect" else torch.where(outside.view(N, 1, H, W), 0.0, changed)


def _reflect(index: Tensor, side: int) -> Tensor:
    return (side - 1) - ((side - 1) - index.abs()).abs()


def _cutout(x: Tensor, draws: Draws, size: int) -> Tensor:
    """Fill one square with the mean; its centre is anywhere in the image and the part outside is lost.

    An even size has one row and column more before its centre than after it.
    DeVries and Taylor, "Improved Regularization of Convolutional Neural Networks with Cutout", 2017.
    """
    N, _, H, W = x.shape
    start = draws.cutout_centre - size // 2  # (N, 2)
    rows = torch.arange(H, device=x.device) - start[:, :1]  # (N, H), from the square's first row
    cols = torch.arange(W, device=x.device) - start[:, 1:]
    inside = ((rows >= 0) & (rows < size)).view(N, 1, H, 1) & ((cols >= 0) & (cols < size)).view(N, 1, 1, W)
    return torch.where(inside & draws.cutout.view(N, 1, 1, 1), 0.0, x)
