"""Which images a study uses."""

from dataclasses import dataclass

from whichnorm.specs.require import require


@dataclass(frozen=True, kw_only=True)
class DataSpec:
    """Which images to use: a data set's name or the path of a folder of class folders."""

    name: str = "digits"
    data_dir: str | None = None
    image_size: int | None = None  # side in pixels to which a folder's images are resized
    val_fraction: float = 0.1  # share of each class of the training split kept for validation
    train_limit: int | None = None  # stratified subset of the training split, before the validation split
    download: bool = True

    def __post_init__(self) -> None:
        require(0 <= self.val_fraction < 1, f"val fraction {self.val_fraction} is not in [0, 1): 0.1 keeps a tenth")
        require(self.train_limit is None or self.train_limit > 0, f"train limit {self.train_limit} is not above 0")
        require(self.image_size is None or self.image_size > 0, f"image size {self.image_size} is not above 0")
