"""Which images a study uses."""

from dataclasses import dataclass
from pathlib import Path

from whichnorm.specs import texts
from whichnorm.specs.options import option
from whichnorm.specs.require import require

DATA_GROUP = "data"
MAX_IMAGE_SIZE = 10_000


@dataclass(frozen=True, kw_only=True)
class DataPlace:
    """Where the images lie, which changes nothing in them."""

    data_dir: str | Path | None = option(
        None, "where the data set lies or is downloaded to (default data)", group=DATA_GROUP, metavar="DIR", parse=str
    )
    download: bool = option(True, "never download", group=DATA_GROUP, flag="--no-download")


@dataclass(frozen=True, kw_only=True)
class ImagesSpec:
    """Which images to use."""

    name: str = option(
        "digits", "digits, mnist, fashion-mnist, cifar10, cifar100, or a folder of class folders", group=DATA_GROUP,
        metavar="NAME", parse=str, keyword="data",
    )  # fmt: skip
    image_size: int | None = option(
        None, "resize a folder's images to this side", group=DATA_GROUP, metavar="PIXELS", parse=texts.whole_number
    )
    val_fraction: float = option(
        0.1, "share of each class of the training images kept for validation; 0 trains on all, and the curves are then "
        "the test set's", group=DATA_GROUP, metavar="SHARE", parse=texts.number, write=texts.number_text,
        keyword="val", part="val",
    )  # fmt: skip
    train_limit: int | None = option(
        None, "use a stratified subset of the training images", group=DATA_GROUP, metavar="N",
        parse=texts.whole_number, part="train",
    )  # fmt: skip

    def __post_init__(self) -> None:
        require(0 <= self.val_fraction < 1, f"val fraction {self.val_fraction} is not in [0, 1): 0.1 keeps a tenth")
        require(self.train_limit is None or self.train_limit > 0, f"train limit {self.train_limit} is not above 0")
        size = self.image_size
        require(size is None or size > 0, f"image size {size} is not above 0")
        require(size is None or size <= MAX_IMAGE_SIZE, f"image size {size} is above {MAX_IMAGE_SIZE:,} pixels")


@dataclass(frozen=True, kw_only=True)
class DataSpec(DataPlace, ImagesSpec):
    """Which images to use, and where they lie."""
