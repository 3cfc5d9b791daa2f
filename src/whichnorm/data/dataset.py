"""What every data source returns: uint8 images in one tensor per split, and the names of the classes."""

from dataclasses import dataclass

from torch import Tensor

from whichnorm.errors import DataError


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Images and labels of one split: images are (N, C, H, W) uint8, labels are (N,) int64."""

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def subset(self, indices: Tensor) -> "ImageSet":
        """Return the images at `indices` (K,), in that order."""
        return ImageSet(self.images[indices], self.labels[indices])

    def to(self, device: str) -> "ImageSet":
        return ImageSet(self.images.to(device), self.labels.to(device))


@dataclass(frozen=True, eq=False)
class Dataset:
    """A training and a test split with the same classes and the same image shape."""

    name: str
    class_names: tuple[str, ...]
    train: ImageSet
    test: ImageSet

    def __post_init__(self) -> None:
        for split, part in (("train", self.train), ("test", self.test)):
            if len(part) == 0:
                raise DataError(f"{self.name}: the {split} split has no images; at least one per class is needed")
            low, high = int(part.labels.min()), int(part.labels.max())
            if low < 0 or high >= self.num_classes:
                raise DataError(
                    f"{self.name}: the {split} split has labels {low} to {high}, "
                    f"expected 0 to {self.num_classes - 1} for {self.num_classes} classes"
                )
        if self.train.images.shape[1:] != self.test.images.shape[1:]:
            raise DataError(
                f"{self.name}: training images are {tuple(self.train.images.shape[1:])} and test images "
                f"{tuple(self.test.images.shape[1:])} (channels, height, width); they must be the same"
            )

    @property
    def num_classes(self) -> int:
        return len(self.class_names)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of one image."""
        C, H, W = self.train.images.shape[1:]
        return C, H, W
