"""Images in class folders: FOLDER/train/CLASS/* and FOLDER/test/CLASS/*, or FOLDER/CLASS/*."""

import hashlib
import os
from pathlib import Path

import torch

from whichnorm.data.dataset import Dataset, ImageSet
from whichnorm.data.files import fault, reading
from whichnorm.data.image_files import ENDINGS, read_images

TEST_FRACTION = 0.2
LAYOUTS = "FOLDER/train/CLASS/* and FOLDER/test/CLASS/*, or FOLDER/CLASS/*"
ACCEPTED = f"images ending in {', '.join(ENDINGS)}"

Listing = dict[str, list[Path]]  # the image files of each class, both sorted by name


def load_folder(folder: Path, image_size: int | None) -> Dataset:
    """Return the images of a folder as `read_images` describes, sorted by class name and then by file name.

    With folders train and test, those are the splits, and other folders beside them are not used. Otherwise each
    folder is a class and about a fifth of its images, chosen by a hash of CLASS/name, is the test split: adding files
    moves no other file. Hidden files, files with other endings and folders inside a class are ignored.
    """
    train, test = _find_splits(folder)
    for name in sorted(train.keys() ^ test.keys()):
        here, there = ("train", "test") if name in train else ("test", "train")
        remedy = f"add {there}/{name} or remove {here}/{name}"
        raise fault(folder / here / name, f"a class in {here} only", "the same classes in train and test", remedy)
    if len(train) < 2:
        found = f"one class, {', '.join(train)}"
        raise fault(folder, found, "two classes or more", "add a folder for each further class")
    name = folder.resolve().name or str(folder)
    return _read_dataset(name, train, test, image_size)


def _read_dataset(name: str, train: Listing, test: Listing, image_size: int | None) -> Dataset:
    splits = [[path for paths in listing.values() for path in paths] for listing in (train, test)]
    images = read_images(splits[0] + splits[1], image_size).split([len(paths) for paths in splits])
    labels = [
        torch.tensor([label for label, paths in enumerate(listing.values()) for _ in paths], dtype=torch.int64)
        for listing in (train, test)
    ]
    return Dataset(name, tuple(train), ImageSet(images[0], labels[0]), ImageSet(images[1], labels[1]))


def _find_splits(folder: Path) -> tuple[Listing, Listing]:
    names = [path.name for path in _subfolders(folder)]
    splits = [name for name in ("train", "test") if name in names]
    if len(splits) == 2:
        return _list_classes(folder / "train"), _list_classes(folder / "test")
    if splits and _subfolders(folder / splits[0]):  # without folders inside, it is a class of that name
        absent = "test" if splits == ["train"] else "train"
        found = f"{splits[0]}/ without {absent}/ among {', '.join(names)}"
        raise fault(folder, found, LAYOUTS, f"add {absent}/, or put the classes directly into the folder")
    return _split_by_hash(_list_classes(folder))


def _subfolders(folder: Path) -> list[Path]:
    with reading(folder):
        return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def _list_classes(folder: Path) -> Listing:
    listing = {path.name: _image_files(path) for path in _subfolders(folder)}
    if not listing:
        found = f"no class folders ({len(_image_files(folder))} images directly in it)"
        raise fault(folder, found, LAYOUTS, "put the images of each class into a folder with its name")
    for name, files in listing.items():
        if not name.isprintable():
            raise fault(folder / name, "a class name with control characters", "printable UTF-8", "rename the folder")
        if not files:
            with reading(folder / name):
                others = len(list((folder / name).iterdir()))
            found = f"an empty class ({others} other files or folders in it)"
            raise fault(folder / name, found, ACCEPTED, "add images directly into it or remove the folder")
    return listing


def _image_files(folder: Path) -> list[Path]:
    with reading(folder):
        paths = [path for path in folder.iterdir() if not path.name.startswith(".")]
    return sorted(path for path in paths if path.suffix.lower() in ENDINGS)


def _split_by_hash(listing: Listing) -> tuple[Listing, Listing]:
    """Send an image to test when its hash falls under the test fraction.

    A class in which that leaves one split without images gives it the image whose hash is nearest to its side.
    """
    train: Listing = {}
    test: Listing = {}
    for name, files in listing.items():
        if len(files) < 2:
            remedy = "add images, or make the folders train and test yourself"
            raise fault(files[0].parent, "1 image", "2 or more, to have one to train on and one to test on", remedy)
        by_hash = sorted(files, key=_hash_fraction)
        num_test = sum(_hash_fraction(path) < TEST_FRACTION for path in files)
        num_test = min(max(num_test, 1), len(files) - 1)
        test[name], train[name] = sorted(by_hash[:num_test]), sorted(by_hash[num_test:])
    return train, test


def _hash_fraction(path: Path) -> float:
    """Return a number in [0, 1) that depends on CLASS/name alone."""
    digest = hashlib.sha256(os.fsencode(f"{path.parent.name}/{path.name}")).digest()
    return int.from_bytes(digest[:6], "big") / 2**48
