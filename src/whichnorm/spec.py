"""Frozen descriptions of a study: data, network, recipe and arms. A spec is complete and checks itself."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from torch import nn

from whichnorm.errors import SpecError
from whichnorm.norms import NormSpec, parse_norm


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise SpecError(message)


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
        _require(0 <= self.val_fraction < 1, f"val fraction {self.val_fraction} is not in [0, 1): 0.1 keeps a tenth")
        _require(self.train_limit is None or self.train_limit > 0, f"train limit {self.train_limit} is not above 0")
        _require(self.image_size is None or self.image_size > 0, f"image size {self.image_size} is not above 0")


@dataclass(frozen=True, kw_only=True)
class ModelSpec:
    """Which network: a name of `whichnorm.models` or "package.module:factory", and its options."""

    name: str = "digits_net"
    options: tuple[tuple[str, bool | int | float | str], ...] = ()
    factory: Callable[..., nn.Module] | None = field(default=None, compare=False)  # in place of a name to look up
    source: str = ""  # hash of the source of a network of the user's own: an edited one is another network

    def __post_init__(self) -> None:
        for name, _ in self.options:
            taken = ("name", "norm", "num_classes", "in_channels", "image_size", "dropout")
            _require(name not in taken, f"model option {name!r} is set by the study itself; leave it out")


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
            _require(0 <= value <= 1, f"augmentation {name} is {value}, expected a probability in [0, 1]")
        for name in ("crop_padding", "shift", "scale", "rotate_degrees", "brightness", "contrast", "cutout_size"):
            value = getattr(self, name)
            _require(0 <= value < float("inf"), f"augmentation {name} is {value}, expected 0 or more")
        _require(self.scale < 1, f"augmentation scale is {self.scale}, expected below 1")
        _require(self.crop_mode in ("reflect", "zero"), f"crop mode {self.crop_mode!r} is not 'reflect' or 'zero'")


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """Learning rate, and momentum where the schedule moves it, over a run; see `whichnorm.schedule`."""

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
        _require(self.kind in kinds, f"schedule {self.kind!r} is unknown; there are {', '.join(kinds)}")
        _require(0 <= self.warmup_fraction <= 1, f"warm-up fraction {self.warmup_fraction} is not in [0, 1]")
        _require(self.step_epochs > 0, f"step_epochs is {self.step_epochs}, expected above 0")
        _require(self.peak_epoch > 1, f"peak_epoch is {self.peak_epoch}, expected 2 or more")
        for name in ("step_factor", "start_learning_rate"):
            value = getattr(self, name)
            _require(0 < value < float("inf"), f"{name} is {value}, expected above 0 and finite")
        final = self.final_learning_rate
        _require(0 <= final < float("inf"), f"final_learning_rate is {final}, expected 0 or more and finite")
        _require(0 <= self.low_momentum < 1, f"low_momentum {self.low_momentum} is not in [0, 1)")


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything about a training that is the same for all arms."""

    name: str = "default"
    epochs: int = 20
    batch_size: int = 128  # images per optimizer step
    device_batch_size: int | None = None  # images per forward pass, which BatchNorm sees; None is the batch size
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
        _require(self.epochs > 0, f"{self.epochs} epochs: at least 1 is needed")
        _require(self.batch_size > 0, f"batch size {self.batch_size}: at least 1 is needed")
        device = self.device_batch_size
        _require(device is None or device > 0, f"device batch size {device}: at least 1 is needed")
        _require(
            device is None or self.batch_size % device == 0,
            f"batch size {self.batch_size} is not a multiple of the device batch size {device}; each step adds up the "
            "gradients of a whole number of forward passes",
        )
        _require(self.optimizer in ("sgd", "adamw"), f"optimizer {self.optimizer!r} is not 'sgd' or 'adamw'")
        _require(0 < self.learning_rate < float("inf"), f"learning rate {self.learning_rate} is not above 0 and finite")
        _require(0 <= self.momentum < 1, f"momentum {self.momentum} is not in [0, 1)")
        _require(not self.nesterov or self.momentum > 0, "Nesterov's method needs a momentum above 0")
        _require(0 <= self.weight_decay < float("inf"), f"weight decay {self.weight_decay} is not 0 or more and finite")
        _require(0 <= self.label_smoothing < 1, f"label smoothing {self.label_smoothing} is not in [0, 1)")
        _require(self.dropout is None or 0 <= self.dropout < 1, f"dropout {self.dropout} is not in [0, 1)")

    @property
    def images_per_forward(self) -> int:
        """The images of one forward pass: what BatchNorm's statistics are of."""
        return self.device_batch_size or self.batch_size

    @property
    def accumulation(self) -> int:
        """Forward passes whose gradients make one optimizer step."""
        return self.batch_size // self.images_per_forward

    def changed(
        self, epochs: int | None = None, batch_size: int | None = None, device_batch_size: int | None = None
    ) -> "Recipe":
        """Return the recipe with another length or batch size; None keeps the value."""
        return replace(
            self,
            epochs=self.epochs if epochs is None else epochs,
            batch_size=self.batch_size if batch_size is None else batch_size,
            device_batch_size=self.device_batch_size if device_batch_size is None else device_batch_size,
        )

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


@dataclass(frozen=True, kw_only=True)
class ArmSpec:
    """One arm of a study: a normalization, a penalty on the weights and a learning rate of its own if there are any.

    A penalty is added to the cross-entropy: l1 times the sum of |w|, l2 times the sum of w^2, over the weights of
    convolutions and linear layers. `learning_rate` stands in for the recipe's peak; None keeps that. The text form is
    the norm's, then "+l1:0.001", "+l2:0.001" or "+lr:0.1".
    """

    norm: NormSpec
    l1: float = 0.0
    l2: float = 0.0
    learning_rate: float | None = None

    def __post_init__(self) -> None:
        for name, value in (("l1", self.l1), ("l2", self.l2)):
            _require(0 <= value < float("inf"), f"{name} penalty of {self.norm} is {value}, expected 0 or more")
        rate = self.learning_rate
        _require(rate is None or 0 < rate < float("inf"), f"learning rate of {self.norm} is {rate}, expected above 0")

    def __str__(self) -> str:
        additions = (("l1", self.l1), ("l2", self.l2), ("lr", self.learning_rate))
        return str(self.norm) + "".join(f"+{key}:{_number(value)}" for key, value in additions if value)


def _number(value: float) -> str:
    """Write a number so that it reads back exactly and holds no "+", which separates additions: "0.001", "1e06"."""
    short = f"{value:g}"
    return (short if float(short) == value else repr(value)).replace("e+", "e")


_ADDITIONS = {"l1": "l1", "l2": "l2", "lr": "learning_rate"}  # in an arm's text form, and its fields


def parse_arm(text: str) -> ArmSpec:
    """Read an arm's text form, such as "gn:8", "bn+l1:0.001" or "ln+lr:0.1"."""
    norm, *additions = text.strip().split("+")
    values: dict[str, float] = {}
    for addition in additions:
        name, _, number = addition.partition(":")
        try:
            _require(name in _ADDITIONS and _ADDITIONS[name] not in values, "")
            values[_ADDITIONS[name]] = float(number)
        except (ValueError, SpecError):
            raise SpecError(
                f"arm {text!r}: {addition!r} is no addition to a norm; expected +l1:0.001 or +l2:0.001 (a penalty), or "
                "+lr:0.1 (a learning rate of its own)"
            ) from None
    return ArmSpec(norm=parse_norm(norm), **values)


@dataclass(frozen=True, kw_only=True)
class MachineSpec:
    """Where and in which number format runs are made; the same for every arm of a study."""

    device: str = "cpu"
    threads: int = 1
    precision: Literal["float32", "bfloat16"] = "float32"  # of convolutions and stored activations


def undefined(arm: ArmSpec, recipe: Recipe) -> str:
    """Say why an arm cannot be trained under a recipe, or return ""."""
    if arm.norm.sees_batch and recipe.images_per_forward == 1:
        return f"arm {arm}: {arm.norm.title} is undefined in training on one image at a time, which has no batch"
    return ""


def file_stem(arm: str) -> str:
    """Return the name in files of an arm, given in its text form: "gn-8_l1-0.001"."""
    return arm.replace(":", "-").replace("+", "_")


def run_key(arm: str, seed: int) -> str:
    """Return the name in files of the run of an arm, in its text form, at a seed."""
    return f"{file_stem(arm)}-seed{seed}"


@dataclass(frozen=True, kw_only=True)
class RunSpec:
    """One training: an arm at a seed, and all that it shares with the other runs of its study."""

    arm: ArmSpec
    seed: int
    data: DataSpec
    model: ModelSpec
    recipe: Recipe
    machine: MachineSpec

    @property
    def key(self) -> str:
        """The run's name in files: "gn-8_l1-0.001-seed0"; no two runs of a study share one."""
        return run_key(str(self.arm), self.seed)

    @property
    def training(self) -> Recipe:
        """The recipe that the run is trained with: the shared one, at the arm's learning rate where it has one."""
        rate = self.arm.learning_rate
        return self.recipe if rate is None else self.recipe.at_learning_rate(rate)

    def shared_dict(self, data_digest: str) -> dict[str, Any]:
        """Return all but the arm and the seed as JSON values: what every run of a study has in common."""
        shared = {
            "data": {**asdict(self.data), "digest": data_digest},
            "model": {"name": self.model.name, "options": dict(self.model.options)}
            | ({"source": self.model.source} if self.model.source else {}),
            "recipe": asdict(self.recipe),
            "machine": asdict(self.machine),
        }
        del shared["data"]["data_dir"], shared["data"]["download"]  # where the images lie does not change them
        return shared


@dataclass(frozen=True, kw_only=True)
class UntilSure:
    """Seeds are added until every difference is called, or known to be smaller than the margin.

    The error rate holds for all looks at the growing study together, so `max_seeds` is chosen before the first.
    """

    margin: float = 0.005  # of test accuracy, a fraction
    max_seeds: int = 20

    def __post_init__(self) -> None:
        points = 100 * self.margin
        _require(0 < self.margin < 1, f"margin of {points:g} points: expected above 0 and below 100, such as 0.5")
        _require(self.max_seeds >= 3, f"at most {self.max_seeds} seeds: expected 3 or more")


@dataclass(frozen=True, kw_only=True)
class FollowUps:
    """What is trained after a study to see whether its answer holds; see `whichnorm.follow_ups`.

    `tune_lr` looks for a learning rate of each arm's own; under each of `recipes` the two best arms are trained again.
    """

    tune_lr: bool = False
    recipes: tuple[Recipe, ...] = ()

    def __post_init__(self) -> None:
        for recipe in self.recipes:
            found = re.fullmatch(r"[\w.-]+", recipe.name)
            _require(
                bool(found), f"recipe {recipe.name!r}: its name is part of a folder's, so letters, digits and .-_ only"
            )

    def check(self, study: "StudySpec") -> None:
        """Raise SpecError for a study that cannot be followed up."""
        option = "--tune-lr" if self.tune_lr else "--recipes"
        _require(not study.until_sure, f"{option} needs seeds that are fixed: give --seeds in place of --until-sure")
        names = [recipe.name for recipe in (study.recipe, *self.recipes)]
        _require(len(set(names)) == len(names), f"a recipe is given twice in {', '.join(names)}; each counts once")
        _require(not self.recipes or len(study.arms) > 1, "--recipes trains the two best arms again; give two norms")
        for arm in study.arms:
            reason = next(filter(None, (undefined(arm, recipe) for recipe in self.recipes)), "")
            _require(not reason, f"{reason}; use a batch of 2 or more, or leave the arm out")
            own = self.tune_lr and arm.learning_rate is not None
            _require(not own, f"arm {arm} has a learning rate of its own, and --tune-lr looks for one; leave out +lr")
        _require(
            not self.tune_lr or study.data.val_fraction > 0,
            "--tune-lr chooses by validation accuracy, and there is no validation split; give --val above 0",
        )


def grid(arms: Sequence[str], seeds: Sequence[int], ended: Mapping[str, int]) -> list[tuple[str, int]]:
    """Return the arms, in their text form, and seeds of a study's runs, all arms of one seed before the next seed.

    `ended` are arms that stopped getting seeds, with the number that they have.
    """
    return [(arm, seed) for place, seed in enumerate(seeds) for arm in arms if place < ended.get(arm, len(seeds))]


@dataclass(frozen=True, kw_only=True)
class StudySpec:
    """A grid of runs: every arm at every seed, under one recipe, on the same data and machine.

    With `until_sure`, `seeds` are those so far, and `ended` the arms whose comparisons are settled, with the number of
    seeds that they have.
    """

    arms: tuple[ArmSpec, ...]
    seeds: tuple[int, ...]
    data: DataSpec
    model: ModelSpec
    recipe: Recipe
    machine: MachineSpec
    until_sure: UntilSure | None = None
    ended: tuple[tuple[str, int], ...] = ()
    follow_ups: FollowUps | None = None

    def __post_init__(self) -> None:
        names = [str(arm) for arm in self.arms]
        _require(len(names) > 0, "no norms given; expected at least one, such as --norms bn,gn:8")
        _require(len(set(names)) == len(names), f"a norm is given twice in {', '.join(names)}; each arm counts once")
        _require(len(self.seeds) > 0, "no seeds given; expected at least one")
        _require(len(set(self.seeds)) == len(self.seeds), f"a seed is given twice in {self.seeds}")
        _require(min(self.seeds, default=0) >= 0, f"seeds {self.seeds}: expected 0 or more")
        for arm in self.arms:
            reason = undefined(arm, self.recipe)
            _require(not reason, f"{reason}; use a batch of 2 or more, or leave the arm out")
        if self.follow_ups:
            self.follow_ups.check(self)

    def shared_dict(self, data_digest: str) -> dict[str, Any]:
        """Return all that the runs of the study share, as JSON values."""
        return self.runs()[0].shared_dict(data_digest)

    def to_dict(self, data_digest: str) -> dict[str, Any]:
        """Return what the runs share, the arms' text forms and the seeds, as JSON values: study.json's content."""
        content = self.shared_dict(data_digest) | {"arms": [str(arm) for arm in self.arms], "seeds": list(self.seeds)}
        if self.until_sure:
            content |= {"until_sure": asdict(self.until_sure), "ended": dict(self.ended)}
        if self.follow_ups:
            content["follow_ups"] = asdict(self.follow_ups)
        return content

    def runs(self) -> list[RunSpec]:
        """Return every run, all arms of one seed before the next seed."""
        arms = {str(arm): arm for arm in self.arms}
        return [
            RunSpec(arm=arms[arm], seed=seed, data=self.data, model=self.model, recipe=self.recipe,
                    machine=self.machine)
            for arm, seed in grid(list(arms), self.seeds, dict(self.ended))
        ]  # fmt: skip
