"""CIFAR-10 and CIFAR-100 in their binary version: records of label bytes and three planes of 32 x 32 pixels.

A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009; https://www.cs.toronto.edu/~kriz/cifar.html.
The python version of the archives holds pickles, which can run code when they are read; none is ever opened.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from whichnorm.data.dataset import Dataset, ImageSet
from whichnorm.data.download import Source, fetch
from whichnorm.data.files import fault, file_size, fullest, is_there, missing, reading
from whichnorm.errors import DataError
from whichnorm.files import escaped

SIDE = 32
PIXEL_BYTES = 3 * SIDE * SIDE


@dataclass(frozen=True, kw_only=True)
class CifarLayout:
    """The files of one data set as they are published."""

    name: str
    folder: str
    pickle_folder: str  # of the python version, named in errors only
    train_files: tuple[str, ...]
    test_file: str
    class_names_file: str
    num_classes: int
    label_bytes: int  # before the pixels of a record; the last of them is the class
    train_records: int  # per file
    test_records: int
    address: str
    md5: str

    @property
    def record_bytes(self) -> int:
        return self.label_bytes + PIXEL_BYTES

    @property
    def source(self) -> Source:
        names = (*self.train_files, self.test_file, self.class_names_file)
        return Source(address=self.address, md5=self.md5, members=tuple(f"{self.folder}/{name}" for name in names))


CIFAR10 = CifarLayout(
    name="cifar10",
    folder="cifar-10-batches-bin",
    pickle_folder="cifar-10-batches-py",
    train_files=tuple(f"data_batch_{number}.bin" for number in range(1, 6)),
    test_file="test_batch.bin",
    class_names_file="batches.meta.txt",
    num_classes=10,
    label_bytes=1,
    train_records=10_000,
    test_records=10_000,
    address="https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
    md5="c32a1d4ab5d03f1284b67883e8d87530",
)
CIFAR100 = CifarLayout(
    name="cifar100",
    folder="cifar-100-binary",
    pickle_folder="cifar-100-python",
    train_files=("train.bin",),
    test_file="test.bin",
    class_names_file="fine_label_names.txt",
    num_classes=100,
    label_bytes=2,  # the coarse label, one of 20, then the fine one
    train_records=50_000,
    test_records=10_000,
    address="https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz",
    md5="03b5dce01913d631647c71ecec9e9cb8",
)


def load_cifar(layout: CifarLayout, data_dir: Path, download: bool) -> Dataset:
    """Return the images as (N, 3, 32, 32), red, green and blue planes, in the order of the files and their records.

    The folder is data_dir/<published name>, or data_dir itself where that holds the files. Absent files are fetched
    when download is true.
    """
    folder = fullest((data_dir / layout.folder, data_dir), layout.source.file_names)
    if absent := missing(folder, layout.source.file_names):
        pickles = data_dir if data_dir.name == layout.pickle_folder else data_dir / layout.pickle_folder
        _obtain(layout, folder, absent, pickles, download)
    train = _read_split(layout, folder, layout.train_files, layout.train_records)
    test = _read_split(layout, folder, (layout.test_file,), layout.test_records)
    return Dataset(layout.name, _read_class_names(layout, folder), train, test)


def _obtain(layout: CifarLayout, folder: Path, absent: list[str], pickles: Path, download: bool) -> None:
    note = ""
    if is_there(pickles):
        note = (
            f" ({pickles} is the python version, which is never read: it holds pickles; the binary version is needed)"
        )
    if not download:
        found = f"{layout.name} is not complete, {', '.join(absent)} absent{note}"
        remedy = f"leave out --no-download, or {layout.source.by_hand(folder)}"
        raise fault(folder, found, f"the binary version in {len(layout.source.members)} files", remedy)
    try:
        fetch(layout.source, folder)
    except DataError as error:
        raise DataError(f"{error}{escaped(note)}") from error


def _read_split(layout: CifarLayout, folder: Path, names: tuple[str, ...], num_records: int) -> ImageSet:
    parts = [_read_records(layout, folder / name, num_records) for name in names]
    images = np.concatenate([records[:, layout.label_bytes :] for records in parts]).reshape(-1, 3, SIDE, SIDE)
    labels = np.concatenate([records[:, layout.label_bytes - 1] for records in parts]).astype(np.int64)
    return ImageSet(torch.from_numpy(images), torch.from_numpy(labels))


def _read_records(layout: CifarLayout, path: Path, num_records: int) -> np.ndarray:
    """Return the records of one file as (num_records, record_bytes) uint8."""
    again = f"delete it and download {layout.address} again"
    expected = num_records * layout.record_bytes
    found = file_size(path)
    if found != expected:
        whole, rest = divmod(found, layout.record_bytes)
        detail = f"{found:,} bytes ({whole:,} records and {rest:,} bytes)"
        wanted = f"{expected:,} bytes ({num_records:,} records of {layout.record_bytes:,} bytes)"
        raise fault(path, detail, wanted, again)
    with reading(path):
        records = np.fromfile(path, dtype=np.uint8, count=expected).reshape(num_records, layout.record_bytes)
    wrong = np.flatnonzero(records[:, layout.label_bytes - 1] >= layout.num_classes)
    if wrong.size:
        label = records[wrong[0], layout.label_bytes - 1]
        found_text = f"record {wrong[0] + 1} of {num_records:,} has label {label}"
        raise fault(path, found_text, f"0 to {layout.num_classes - 1}", again)
    return records


def _read_class_names(layout: CifarLayout, folder: Path) -> tuple[str, ...]:
    path = folder / layout.class_names_file
    file_size(path)
    with reading(path):
        lines = path.read_bytes().decode("utf-8", "replace").splitlines()
    names = tuple(line.strip() for line in lines if line.strip())
    if len(names) != layout.num_classes or len(set(names)) != len(names):
        remedy = f"delete it and download {layout.address} again"
        raise fault(path, f"{len(names)} names, {len(set(names))} of them different", str(layout.num_classes), remedy)
    return names
