"""Everything about a training that is the same for all arms."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Literal

from whichnorm.specs import texts
from whichnorm.specs.checked import Checked
from whichnorm.specs.data import MAX_IMAGE_SIZE
from whichnorm.specs.options import option
from whichnorm.specs.require import require
from whichnorm.specs.value_types import Between, Fraction

TRAINING_GROUP = "training"
MAX_EPOCHS = 1_000_000
MAX_BATCH_SIZE = 1_000_000
MAX_RATE = 1_000_000  # of learning, weight decay and penalties: far beyond any that trains a network


Length = Annotated[int, Between(1, MAX_EPOCHS)]
Pixels = Annotated[int, Between(0, MAX_IMAGE_SIZE)]
Size = Annotated[int, Between(1, MAX_BATCH_SIZE)]
Rate = Annotated[float, Between(0, MAX_RATE, above=True)]
RateOrZero = Annotated[float, Between(0, MAX_RATE)]
BelowOne = Annotated[float, Between(0, 1, below=True)]


@dataclass(frozen=True, kw_only=True)
class Augmentation(Checked):
    """Random changes of training images; every probability is per image, 0 switches the change off.

    Shifts, scale and brightness are fractions; rotation is in degrees; sizes are in pixels.
    """

    flip: Fraction = 0.0  # probability of a left-right flip
    crop_padding: Pixels = 0  # pixels added on each side before a random crop of the original size
    crop_mode: Literal["reflect", "zero"] = "reflect"  # what the padding holds; "zero" is the mean image after scaling
    crop_probability: Fraction = 1.0
    shift: Fraction = 0.0  # at most this fraction of the side, in both directions
    scale: BelowOne = 0.0  # zoom by a factor in [1 - scale, 1 + scale]
    rotate_degrees: Annotated[float, Between(0, 360)] = 0.0
    affine_probability: Fraction = 0.0  # of shift, scale and rotation together
    brightness: Fraction = 0.0  # added, a fraction of full scale
    contrast: Fraction = 0.0  # factor in [1 - contrast, 1 + contrast]
    brightness_contrast_probability: Fraction = 0.0
    brightness_contrast_of: Literal["pixels", "standardized"] = "pixels"  # clipped to [0, 1] either way
    grey_probability: Fraction = 0.0
    cutout_size: Pixels = 0  # side of one square filled with the data set's mean
    cutout_probability: Fraction = 0.0


@dataclass(frozen=True, kw_only=True)
class Schedule(Checked):
    """Learning rate, and momentum where the schedule moves it, over a run; see `whichnorm.training.schedule`."""

    kind: Literal["constant", "warmup_linear", "step", "one_cycle", "triangle"] = "warmup_linear"
    warmup_fraction: Fraction = 0.25  # warmup_linear and one_cycle: share of all steps until the peak
    step_epochs: Length = 10  # step: epochs between two decays
    step_factor: Annotated[float, Between(0, 1, above=True)] = 0.1  # step: factor of each decay
    start_learning_rate: Rate = 0.01  # triangle: first epoch
    final_learning_rate: RateOrZero = 0.0005  # triangle: the epoch after the last
    peak_epoch: Annotated[int, Between(2, MAX_EPOCHS)] = 6  # triangle: counted from 1, at the recipe's learning rate
    low_momentum: BelowOne = 0.8  # triangle and one_cycle: momentum at the peak


@dataclass(frozen=True, kw_only=True)
class Recipe(Checked):
    """Everything about a training that is the same for all arms."""

    name: str = "default"
    epochs: Length = option(
        20, "instead of the recipe's", group=TRAINING_GROUP, metavar="N", parse=texts.whole_number
    )  # fmt: skip
    batch_size: Size = option(
        128, "images per optimizer step, instead of the recipe's", group=TRAINING_GROUP, metavar="N",
        parse=texts.whole_number,
    )  # fmt: skip
    device_batch_size: Size | None = option(
        None, "images per forward pass, which BatchNorm sees; with fewer than in a step, gradients add up over several "
        "passes (default: all of a step)", group=TRAINING_GROUP, metavar="N", parse=texts.whole_number,
    )  # fmt: skip
    optimizer: Literal["sgd", "adamw"] = "sgd"
    learning_rate: Rate = 0.2  # at the schedule's peak
    momentum: BelowOne = 0.9
    nesterov: bool = True
    schedule: Schedule = field(default_factory=Schedule)
    weight_decay: RateOrZero = 5e-4
    decay_norms_and_biases: bool = False
    label_smoothing: BelowOne = 0.0
    dropout: BelowOne | None = None  # None keeps the network's own rate
    augmentation: Augmentation = field(default_factory=Augmentation)

    def __post_init__(self) -> None:
        super().__post_init__()
        device = self.device_batch_size
        require(
            device is None or self.batch_size % device == 0,
            f"batch size {self.batch_size} is not a multiple of the device batch size {device}; each step adds up the "
            "gradients of a whole number of forward passes",
        )
        require(not self.nesterov or self.momentum > 0, "Nesterov's method needs a momentum above 0")

    @property
    def images_per_forward(self) -> int:
        """The images of one forward pass: what BatchNorm's statistics are of."""
        return self.device_batch_size or self.batch_size

    @property
    def accumulation(self) -> int:
        """Forward passes whose gradients make one optimizer step."""
        return self.batch_size // self.images_per_forward

    def changed(self, **values: Any) -> "Recipe":
        """Return the recipe with another length or batch size; None keeps the value."""
        return replace(self, **{name: value for name, value in values.items() if value is not None})

    def at_learning_rate(self, learning_rate: float) -> "Recipe":
        """Return the recipe with another peak learning rate; a triangle's other rates keep their ratio to it."""
        ratio, schedule = learning_rate / self.learning_rate, self.schedule
        if schedule.kind == "triangle":
            schedule = replace(
                schedule,
                start_learning_rate=schedule.start_learning_rate * ratio,
                final_learning_rate=schedule.final_learning_rate * ratio,
            )
        return replace(self, learning_rate=learning_rate, schedule=schedule)


def batch_text(recipe: Mapping[str, Any]) -> str:
    """Write the batch of a recipe, given as JSON values: "128", or "128 in 16 forward passes of 8"."""
    size, of_device = recipe["batch_size"], recipe.get("device_batch_size") or recipe["batch_size"]
    return f"{size}" if size == of_device else f"{size} in {size // of_device} forward passes of {of_device}"
