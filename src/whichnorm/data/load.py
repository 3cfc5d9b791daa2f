"""From a data set's name or a folder of images to uint8 tensors."""

from dataclasses import replace
from pathlib import Path

from whichnorm.data.cifar import CIFAR10, CIFAR100, load_cifar
from whichnorm.data.dataset import Dataset
from whichnorm.data.digits import load_digits
from whichnorm.data.files import is_there
from whichnorm.data.folder import load_folder
from whichnorm.data.mnist import FASHION_MNIST, MNIST, load_mnist
from whichnorm.data.split import stratified_subset
from whichnorm.errors import DataError, SpecError, nearest, shortened, shown
from whichnorm.files import expand
from whichnorm.specs.data import DataSpec

DATA_NAMES = ("digits", "mnist", "fashion-mnist", "cifar10", "cifar100")
DEFAULT_DATA_DIR = "data"


def load_data(spec: DataSpec) -> Dataset:
    """Return the data set of that name, or the images of the folder at that path, with train_limit applied.

    A data set's name goes before a folder of the same name, which `./name` reaches. Downloads go to spec.data_dir,
    by default the folder data in the working directory.
    """
    dataset = _load_named(spec) if spec.name in DATA_NAMES else _load_folder(spec)
    if spec.train_limit is None:
        return dataset
    return replace(dataset, train=stratified_subset(dataset.train, spec.train_limit, dataset.num_classes))


def _load_named(spec: DataSpec) -> Dataset:
    if spec.image_size is not None:
        raise SpecError(
            f"image size {spec.image_size} is for a folder of images; {spec.name} has its own, leave it out"
        )
    data_dir = expand(spec.data_dir or DEFAULT_DATA_DIR)
    match spec.name:
        case "mnist":
            return load_mnist(MNIST, data_dir, spec.download)
        case "fashion-mnist":
            return load_mnist(FASHION_MNIST, data_dir, spec.download)
        case "cifar10":
            return load_cifar(CIFAR10, data_dir, spec.download)
        case "cifar100":
            return load_cifar(CIFAR100, data_dir, spec.download)
    return load_digits()


def _load_folder(spec: DataSpec) -> Dataset:
    for folder in _places(spec):
        if is_there(folder):
            return load_folder(folder, spec.image_size)
    if "/" in spec.name:
        raise DataError(
            f"data {shown(spec.name)}: no such folder, expected one of class folders, or a data set: "
            f"{', '.join(DATA_NAMES)}; where it has moved, --data-dir names the folder that it lies in"
        )
    raise DataError(
        f"data {shown(spec.name)} is neither a data set nor a folder here{nearest(shortened(spec.name), DATA_NAMES)}; "
        f"there are {', '.join(DATA_NAMES)}, or give the path of a folder of class folders"
    )


def _places(spec: DataSpec) -> list[Path]:
    """Return where a folder of images may be: at its path, or moved to the data folder that is given."""
    if not spec.name or "\0" in spec.name:
        return []
    folder = expand(spec.name)
    return [folder] if spec.data_dir is None else [folder, expand(spec.data_dir) / folder.name]
