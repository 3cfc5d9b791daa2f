"""Test images as matplotlib and the page show them."""

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]


def as_shown(image: Pixels) -> Pixels:
    """Return (H, W, 3) for colour; any other number of channels becomes grey, (H, W)."""
    if len(image) == 3:
        return image.transpose(1, 2, 0)
    return image.mean(axis=0).astype(np.uint8)


@dataclass(frozen=True, kw_only=True)
class Sprite:
    """Small images side by side, row by row, in one lossless WebP file; width and height are those of one image."""

    webp: bytes
    width: int
    height: int
    columns: int


def tile_size(shape: Sequence[int], most: int) -> tuple[int, int]:
    """Return width and height on the page of an image (..., H, W), whose longer side is at most `most` there."""
    height, width = shape[-2:]
    shrink = min(1.0, most / max(height, width))
    return max(1, round(shrink * width)), max(1, round(shrink * height))


def make_sprite(images: Sequence[Pixels], most: int) -> Sprite:
    """Put images (C, H, W), all of one size, into a nearly square sprite."""
    width, height = tile_size(images[0].shape, most)
    columns = max(1, int(np.ceil(np.sqrt(len(images)))))
    sheet = Image.new("RGB", (columns * width, -(-len(images) // columns) * height))
    for place, tile in enumerate(_tiles(images, (width, height))):
        sheet.paste(tile, (place % columns * width, place // columns * height))
    file = io.BytesIO()
    sheet.save(file, "WEBP", lossless=True, method=4)
    return Sprite(webp=file.getvalue(), width=width, height=height, columns=columns)


def _tiles(images: Sequence[Pixels], size: tuple[int, int]) -> Iterable[Image.Image]:
    for pixels in images:
        tile = Image.fromarray(as_shown(pixels)).convert("RGB")
        yield tile if tile.size == size else tile.resize(size, Image.Resampling.BOX)
