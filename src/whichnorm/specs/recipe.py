"""Everything about a training that is the same for all arms."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from whichnorm.specs import texts
from whichnorm.specs.options import option
from whichnorm.specs.require import require

TRAINING_GROUP = "training"
MAX_EPOCHS = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """Random changes of training images; every probability is per image, 0 switches the change off.

    Shifts, scale and brightness are fractions; rotation is in degrees; sizes are in pixels.
    """

    flip: float = 0.0  # probability of a left-right flip
    crop_padding: int = 0  # pixels added on each side before a random crop of the original size
    crop_mode: Literal["reflect", "zero"] = "reflect"  # what the padding holds; "zero" is the mean image after scaling
    crop_probability: float = 1.0
    shift: float = 0.0  # at most this fraction of the side, in both directions
    scale: float = 0.0  # zoom by a factor in [1 - scale, 1 + scale]
    rotate_degrees: float = 0.0
    affine_probability: float = 0.0  # of shift, scale and rotation together
    brightness: float = 0.0  # added, a fraction of full scale
    contrast: float = 0.0  # factor in [1 - contrast, 1 + contrast]
    brightness_contrast_probability: float = 0.0
    grey_probability: float = 0.0
    cutout_size: int = 0  # side of one square filled with the data set's mean
    cutout_probability: float = 0.0

    def __post_init__(self) -> None:
        for name in ("flip", "crop_probability", "affine_probability", "brightness_contrast_probability",
                     "grey_probability", "cutout_probability"):  # fmt: skip
            value = getattr(self, name)
            require(0 <= value <= 1, f"augmentation {name} is {value}, expected a probability in [0, 1]")
        for name in ("crop_padding", "shift", "scale", "rotate_degrees", "brightness", "contrast", "cutout_size"):
            value = getattr(self, name)
            require(0 <= value < float("inf"), f"augmentation {name} is {value}, expected 0 or more")
        require(self.scale < 1, f"augmentation scale is {self.scale}, expected below 1")
        require(self.crop_mode in ("reflect", "zero"), f"crop mode {self.crop_mode!r} is not 'reflect' or 'zero'")


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """Learning rate, and momentum where the schedule moves it, over a run; see `whichnorm.training.schedule`."""

    kind: Literal["constant", "warmup_linear", "step", "one_cycle", "triangle"] = "warmup_linear"
    warmup_fraction: float = 0.25  # warmup_linear and one_cycle: share of all steps until the peak
    step_epochs: int = 10  # step: epochs between two decays
    step_factor: float = 0.1  # step: factor of each decay
    start_learning_rate: float = 0.01  # triangle: first epoch
    final_learning_rate: float = 0.0005  # triangle: the epoch after the last
    peak_epoch: int = 6  # triangle: the epoch, counted from 1, at the recipe's learning rate
    low_momentum: float = 0.8  # triangle and one_cycle: momentum at the peak

    def __post_init__(self) -> None:
        kinds = ("constant", "warmup_linear", "step", "one_cycle", "triangle")
        require(self.kind in kinds, f"schedule {self.kind!r} is unknown; there are {', '.join(kinds)}")
        require(0 <= self.warmup_fraction <= 1, f"warm-up fraction {self.warmup_fraction} is not in [0, 1]")
        require(self.step_epochs > 0, f"step_epochs is {self.step_epochs}, expected above 0")
        require(self.peak_epoch > 1, f"peak_epoch is {self.peak_epoch}, expected 2 or more")
        for name in ("step_factor", "start_learning_rate"):
            value = getattr(self, name)
            require(0 < value < float("inf"), f"{name} is {value}, expected above 0 and finite")
        final = self.final_learning_rate
        require(0 <= final < float("inf"), f"final_learning_rate is {final}, expected 0 or more and finite")
        require(0 <= self.low_momentum < 1, f"low_momentum {self.low_momentum} is not in [0, 1)")


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything about a training that is the same for all arms."""

    name: str = "default"
    epochs: int = option(
        20, "instead of the recipe's", group=TRAINING_GROUP, metavar="N", parse=texts.whole_number
    )  # fmt: skip
    batch_size: int = option(
        128, "images per optimizer step, instead of the recipe's", group=TRAINING_GROUP, metavar="N",
        parse=texts.whole_number,
    )  # fmt: skip
    device_batch_size: int | None = option(
        None, "images per forward pass, which BatchNorm sees; with fewer than in a step, gradients add up over several "
        "passes (default: all of a step)", group=TRAINING_GROUP, metavar="N", parse=texts.whole_number,
    )  # fmt: skip
    optimizer: Literal["sgd", "adamw"] = "sgd"
    learning_rate: float = 0.2  # at the schedule's peak
    momentum: float = 0.9
    nesterov: bool = True
    schedule: Schedule = field(default_factory=Schedule)
    weight_decay: float = 5e-4
    decay_norms_and_biases: bool = False
    label_smoothing: float = 0.0
    dropout: float | None = None  # None keeps the network's own rate
    augmentation: Augmentation = field(default_factory=Augmentation)

    def __post_init__(self) -> None:
        require(self.epochs > 0, f"{self.epochs} epochs: at least 1 is needed")
        require(self.epochs <= MAX_EPOCHS, f"{self.epochs} epochs: at most {MAX_EPOCHS:,} are possible")
        require(self.batch_size > 0, f"batch size {self.batch_size}: at least 1 is needed")
        device = self.device_batch_size
        require(device is None or device > 0, f"device batch size {device}: at least 1 is needed")
        require(
            device is None or self.batch_size % device == 0,
            f"batch size {self.batch_size} is not a multiple of the device batch size {device}; each step adds up the "
            "gradients of a whole number of forward passes",
        )
        require(self.optimizer in ("sgd", "adamw"), f"optimizer {self.optimizer!r} is not 'sgd' or 'adamw'")
        require(0 < self.learning_rate < float("inf"), f"learning rate {self.learning_rate} is not above 0 and finite")
        require(0 <= self.momentum < 1, f"momentum {self.momentum} is not in [0, 1)")
        require(not self.nesterov or self.momentum > 0, "Nesterov's method needs a momentum above 0")
        require(0 <= self.weight_decay < float("inf"), f"weight decay {self.weight_decay} is not 0 or more and finite")
        require(0 <= self.label_smoothing < 1, f"label smoothing {self.label_smoothing} is not in [0, 1)")
        require(self.dropout is None or 0 <= self.dropout < 1, f"dropout {self.dropout} is not in [0, 1)")

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
