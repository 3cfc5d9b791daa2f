"""A study's images, split and on their device, and what is known of the test split without its images."""

import hashlib
from dataclasses import dataclass, replace

from whichnorm.data.dataset import Dataset, ImageSet
from whichnorm.data.load import load_data
from whichnorm.data.split import channel_statistics, split_validation
from whichnorm.specs.data import DataSpec


@dataclass(frozen=True, eq=False)
class Splits:
    """The splits of a study on its device, and what is needed to scale their pixels."""

    train: ImageSet
    val: ImageSet  # empty without a validation split
    test: ImageSet
    class_names: tuple[str, ...]
    mean: tuple[float, ...]  # of the training images, per channel, in [0, 1]
    std: tuple[float, ...]
    digest: str  # of the data set's images, labels and class names

    @property
    def image_shape(self) -> tuple[int, int, int]:
        C, H, W = self.train.images.shape[1:]
        return C, H, W

    def to(self, device: str) -> "Splits":
        return replace(self, train=self.train.to(device), val=self.val.to(device), test=self.test.to(device))


def load_splits(spec: DataSpec, device: str = "cpu") -> Splits:
    """Load a data set and split it: the same spec gives the same splits, in any process."""
    return split_data(load_data(spec), spec).to(device)


def split_data(dataset: Dataset, spec: DataSpec) -> Splits:
    """Split off the validation images, and measure the training images' mean and deviation."""
    train, val = split_validation(dataset.train, spec.val_fraction)
    mean, std = channel_statistics(train.images)
    return Splits(
        train=train,
        val=val,
        test=dataset.test,
        class_names=dataset.class_names,
        mean=mean,
        std=std,
        digest=data_digest(dataset),
    )


def data_digest(dataset: Dataset) -> str:
    """Hash a data set's images, labels and class names."""
    digest = hashlib.blake2b(repr(dataset.class_names).encode(), digest_size=8)
    for part in (dataset.train, dataset.test):
        digest.update(part.images.contiguous().numpy().data)
        digest.update(part.labels.contiguous().numpy().data)
    return digest.hexdigest()


def evenly_spaced(total: int, limit: int) -> list[int]:
    """Return at most `limit` indices spread evenly over a split, so that one sorted by class gives of every class."""
    count = min(total, limit)
    return [i * total // count for i in range(count)]
