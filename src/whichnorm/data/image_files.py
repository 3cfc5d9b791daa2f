"""Read PNG, JPEG and WebP files into one tensor."""

import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from PIL import ExifTags, Image, ImageOps
from torch import Tensor

from whichnorm.data.files import fault, file_size, reading
from whichnorm.errors import DataError

ENDINGS = (".png", ".jpg", ".jpeg", ".webp")
FORMATS = ("PNG", "JPEG", "WEBP")  # judged by the content of a file, not by its ending
GREY_MODES = ("1", "L", "LA", "I", "I;16", "I;16B", "I;16L", "I;16N")
EXIF_ORIENTATION = ExifTags.Base.Orientation
READABLE = "a whole PNG, JPEG or WebP image"


@dataclass(frozen=True)
class Header:
    """What a file says about its image before it is decoded; the size is in pixels, upright."""

    width: int
    height: int
    grey: bool

    @property
    def size(self) -> str:
        return f"{self.width} x {self.height} pixels"


def read_images(files: Sequence[Path], image_size: int | None) -> Tensor:
    """Return the images as (N, C, H, W) uint8, C = 1 where every file is stored as grey and 3 otherwise.

    All files have the same size, or are resized to image_size x image_size, bilinear and without keeping their
    proportions. Each is turned upright by its EXIF orientation, 16-bit grey is rounded to 8 bits, transparency is
    laid over white and of a file with several pictures for one photo (MPO) the first is taken.
    """
    headers = [_read_header(path) for path in files]  # first all sizes: large photos must not fill the memory
    if image_size is None:
        _check_same_size(files, headers)
    C = 1 if all(header.grey for header in headers) else 3
    H, W = (image_size, image_size) if image_size else (headers[0].height, headers[0].width)
    images = _allocate(len(files), C, H, W)
    with ThreadPoolExecutor() as pool:
        for row, pixels in enumerate(pool.map(partial(_decode, image_size=image_size), files)):
            if pixels.shape[:2] != (H, W):
                found = f"{pixels.shape[1]} x {pixels.shape[0]} pixels once decoded"
                raise fault(files[row], found, f"{W} x {H}", f"use --image-size {min(H, W)} to resize all images")
            images[row] = np.atleast_3d(pixels).transpose(2, 0, 1)  # grey among colour fills all three planes
    return torch.from_numpy(images)


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    """Open an image; whatever goes wrong with it, here or in the block, is a DataError that names the file."""
    num_bytes = file_size(path)
    with reading(path):
        file = path.open("rb")
    with file:
        try:
            with Image.open(file, formats=FORMATS) as image:
                yield image
        except DataError:
            raise
        except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
            limit = f"at most {Image.MAX_IMAGE_PIXELS or 0:,} pixels"
            raise fault(path, f"a picture so large that it may be an attack ({error})", limit, "shrink it") from error
        except Exception as error:  # decoders of damaged files raise errors of many kinds
            reason = "no such content" if isinstance(error, Image.UnidentifiedImageError) else str(error)
            raise fault(path, f"{num_bytes:,} bytes ({reason})", READABLE, "replace or remove the file") from error


def _read_header(path: Path) -> Header:
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        with _opened(path) as image:
            frames = getattr(image, "n_frames", 1)
            if frames > 1 and image.format != "MPO":
                raise fault(path, f"{frames} frames", "one still image", "save one frame of it, or remove the file")
            width, height = image.size
            if image.getexif().get(EXIF_ORIENTATION) in (5, 6, 7, 8):  # lies on its side
                width, height = height, width
            return Header(width, height, grey=image.mode in GREY_MODES)


def _check_same_size(files: Sequence[Path], headers: Sequence[Header]) -> None:
    counts = Counter(header.size for header in headers)
    usual = counts.most_common(1)[0][0]
    for path, header in zip(files, headers, strict=True):
        if header.size != usual:
            example = next(index for index, other in enumerate(headers) if other.size == usual)
            side = min(headers[example].width, headers[example].height)
            expected = f"{usual} as {files[example].parent.name}/{files[example].name} ({counts[usual]} files)"
            raise fault(path, header.size, expected, f"use --image-size {side} to resize all images")


def _allocate(N: int, C: int, H: int, W: int) -> np.ndarray:
    try:
        return np.empty((N, C, H, W), dtype=np.uint8)
    except (MemoryError, ValueError) as error:
        raise DataError(
            f"{N:,} images of {W} x {H} pixels in {C} channels take {N * C * H * W / 1e9:,.1f} GB, more than this "
            "machine has free; use a smaller --image-size"
        ) from error


def _decode(path: Path, image_size: int | None) -> np.ndarray:
    """Return one image as (H, W) where it is stored as grey, (H, W, 3) otherwise."""
    with _opened(path) as image:
        picture = _flat(_eight_bits(ImageOps.exif_transpose(image)))
        if image_size is not None:
            picture = picture.resize((image_size, image_size), Image.Resampling.BILINEAR)
        return np.asarray(picture)


def _eight_bits(image: Image.Image) -> Image.Image:
    if not image.mode.startswith("I"):
        return image
    levels = np.asarray(image).astype(np.uint32)  # 0 to 65,535
    return Image.fromarray(((levels + 128) // 257).astype(np.uint8))


def _flat(image: Image.Image) -> Image.Image:
    """Return the image as grey or RGB, laid over white where it is transparent."""
    mode = "L" if image.mode in GREY_MODES else "RGB"
    if image.mode in ("LA", "PA", "RGBA") or "transparency" in image.info:
        colour = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), colour)
    return image.convert(mode)
