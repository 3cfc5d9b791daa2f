"""MNIST and Fashion-MNIST: four idx files, gzipped or not.

Y. LeCun, C. Cortes and C. J. C. Burges, "The MNIST database of handwritten digits", 1998, which also has the format;
H. Xiao, K. Rasul and R. Vollgraf, "Fashion-MNIST", 2017, https://github.com/zalandoresearch/fashion-mnist.
"""

import gzip
import math
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

import numpy as np
import torch

from whichnorm.data.dataset import Dataset, ImageSet
from whichnorm.data.download import Source, fetch
from whichnorm.data.files import fault, file_size, fullest, is_there, missing, read_up_to, reading
from whichnorm.errors import DataError

SIDE = 28
NUM_CLASSES = 10
IMAGES_MAGIC, LABELS_MAGIC = 0x0803, 0x0801  # unsigned bytes (08) in 3 dimensions, in 1
FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
ENDINGS = ("", ".gz")  # of the same file, the first that is there is read


@dataclass(frozen=True, kw_only=True)
class MnistLayout:
    """One data set in the idx format: where it lies, and where it is published."""

    name: str
    folder: str
    class_names: tuple[str, ...]
    address: str
    md5: tuple[str, str, str, str]  # of the gzipped FILES

    def source(self, file: str) -> Source:
        return Source(address=f"{self.address}{file}.gz", md5=self.md5[FILES.index(file)])


MNIST = MnistLayout(
    name="mnist",
    folder="MNIST/raw",
    class_names=tuple(str(digit) for digit in range(10)),
    address="https://ossci-datasets.s3.amazonaws.com/mnist/",
    md5=(
        "f68b3c2dcbeaaa9fbdd348bbdeb94873",
        "d53e105ee54ea40749a09fcbcd1e9432",
        "9fb629c4189551a2d022fa330f9573f3",
        "ec29112dd5afa0611ce80d1b7f02629c",
    ),
)
FASHION_MNIST = MnistLayout(
    name="fashion-mnist",
    folder="FashionMNIST/raw",
    class_names=(
        "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"
    ),
    address="http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    md5=(
        "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        "25c81989df183df01b3e8a0aad5dffbe",
        "bef4ecab320f06d8554ea6380940ec79",
        "bb300cfdad3c16e7a12a480ee83cd310",
    ),
)  # fmt: skip


def load_mnist(layout: MnistLayout, data_dir: Path, download: bool) -> Dataset:
    """Return the images as (N, 1, 28, 28) in the order of the files.

    The files are looked for in data_dir/<published folder>, then in data_dir itself; of a file that is there both
    unpacked and gzipped, the unpacked one is read. Absent files are fetched when download is true.
    """
    folder = fullest((data_dir / layout.folder, data_dir), FILES, ENDINGS)
    absent = missing(folder, FILES, ENDINGS)
    if absent and not download:
        found = f"{layout.name} is not complete, {', '.join(absent)} absent"
        remedy = f"leave out --no-download, or put them there yourself from {layout.address}"
        raise fault(folder, found, f"{len(FILES)} idx files, gzipped or not", remedy)
    for file in absent:
        try:
            fetch(layout.source(file), folder)
        except DataError as error:
            raise DataError(f"{error} (absent in all: {', '.join(absent)})") from error
    train, test = (_read_split(layout, folder, *names) for names in (FILES[:2], FILES[2:]))
    return Dataset(layout.name, layout.class_names, train, test)


def _read_split(layout: MnistLayout, folder: Path, images_file: str, labels_file: str) -> ImageSet:
    images_path, labels_path = _present(folder, images_file), _present(folder, labels_file)
    images = _read_idx(images_path, IMAGES_MAGIC, (SIDE, SIDE), _again(layout, images_file))
    labels = _read_idx(labels_path, LABELS_MAGIC, (), _again(layout, labels_file))
    if len(images) != len(labels):
        found = f"{len(labels):,} labels for {len(images):,} images in {images_path.name}"
        raise fault(labels_path, found, "as many of both", _again(layout, labels_file))
    wrong = np.flatnonzero(labels >= NUM_CLASSES)
    if wrong.size:
        found = f"label {wrong[0] + 1} of {len(labels):,} is {labels[wrong[0]]}"
        raise fault(labels_path, found, f"0 to {NUM_CLASSES - 1}", _again(layout, labels_file))
    return ImageSet(torch.from_numpy(images[:, None].copy()), torch.from_numpy(labels.astype(np.int64)))


def _again(layout: MnistLayout, file: str) -> str:
    return f"delete it and download {layout.address}{file}.gz again"


def _present(folder: Path, file: str) -> Path:
    return next(path for ending in ENDINGS if is_there(path := folder / f"{file}{ending}"))


def _read_idx(path: Path, magic: int, sides: tuple[int, ...], remedy: str) -> np.ndarray:
    """Return the items of an idx file as (N, *sides) uint8; every byte of the file is accounted for."""
    file_size(path)
    with reading(path):
        try:
            with cast(IO[bytes], gzip.open(path) if path.suffix == ".gz" else path.open("rb")) as stream:
                header = np.frombuffer(read_up_to(stream, 4 * (2 + len(sides))), dtype=np.uint8)
                num_items = _check_header(path, header.tobytes(), magic, sides, remedy)
                expected = num_items * math.prod(sides)
                data = read_up_to(stream, expected + 1)
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise fault(path, f"a damaged gzip file ({error})", "a complete one", remedy) from error
    if len(data) != expected:
        found = f"{len(data):,} bytes" if len(data) < expected else f"more than {expected:,} bytes"
        raise fault(path, f"{found} after the header", f"{expected:,} for {num_items:,} items", remedy)
    return np.frombuffer(data, dtype=np.uint8).reshape(num_items, *sides)


def _check_header(path: Path, header: bytes, magic: int, sides: tuple[int, ...], remedy: str) -> int:
    """Check the magic number and the size of an item, four bytes each, and return the number of items."""
    length = 4 * (2 + len(sides))
    if len(header) < length:
        raise fault(path, f"{len(header)} bytes", f"a header of {length} bytes and the data", remedy)
    found_magic, num_items, *found_sides = (int(number) for number in np.frombuffer(header, dtype=">u4"))
    if found_magic != magic:
        raise fault(path, f"magic number 0x{found_magic:08x}", f"0x{magic:08x} of an idx file", remedy)
    if tuple(found_sides) != sides:
        found = f"images of {' x '.join(map(str, found_sides))} pixels"
        raise fault(path, found, " x ".join(map(str, sides)), remedy)
    if num_items == 0:
        raise fault(path, "no items", "at least one per class", remedy)
    return num_items
