"""Which images a study uses."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from whichnorm.specs import texts
from whichnorm.specs.checked import Checked
from whichnorm.specs.options import option
from whichnorm.specs.value_types import Between

DATA_GROUP = "data"
MAX_IMAGE_SIZE = 10_000  # pixels
MAX_IMAGES = 1_000_000_000


@dataclass(frozen=True, kw_only=True)
class DataPlace(Checked):
    """Where the images lie, which changes nothing in them."""

    data_dir: str | Path | None = option(
        None, "where the data set lies or is downloaded to (default data)", group=DATA_GROUP, metavar="DIR", parse=str
    )
    download: bool = option(True, "never download", group=DATA_GROUP, flag="--no-download")


@dataclass(frozen=True, kw_only=True)
class ImagesSpec(Checked):
    """Which images to use."""

    name: str = option(
        "digits", "digits, mnist, fashion-mnist, cifar10, cifar100, or a folder of class folders", group=DATA_GROUP,
        metavar="NAME", parse=str, keyword="data",
    )  # fmt: skip
    image_size: Annotated[int, Between(1, MAX_IMAGE_SIZE)] | None = option(
        None, "resize a folder's images to this side", group=DATA_GROUP, metavar="PIXELS", parse=texts.whole_number
    )
    val_fraction: Annotated[float, Between(0, 1, below=True)] = option(
        0.1, "share of each class of the training images kept for validation; 0 trains on all, and the curves are then "
        "the test set's", group=DATA_GROUP, metavar="SHARE", parse=texts.number, write=texts.number_text,
        keyword="val", part="val",
    )  # fmt: skip
    train_limit: Annotated[int, Between(1, MAX_IMAGES)] | None = option(
        None, "use a stratified subset of the training images", group=DATA_GROUP, metavar="N",
        parse=texts.whole_number, part="train",
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class DataSpec(DataPlace, ImagesSpec):
    """Which images to use, and where they lie."""
