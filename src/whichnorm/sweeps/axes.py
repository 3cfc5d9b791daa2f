"""The axes of a sweep: which batches and which groups it is made of."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from whichnorm.errors import SpecError
from whichnorm.norms import GroupNormSpec
from whichnorm.specs.arm import ArmSpec
from whichnorm.specs.recipe import Recipe

Axis = Literal["batch_size", "device_batch_size", "accumulation"]
AXIS_NAMES: dict[Axis, str] = {
    "batch_size": "batch size",
    "device_batch_size": "device batch size",
    "accumulation": "number of forward passes per step",
}


@dataclass(frozen=True, kw_only=True)
class Batch:
    """The images of an optimizer step and of a forward pass, which BatchNorm sees."""

    batch_size: int
    device_batch_size: int

    @property
    def accumulation(self) -> int:
        return self.batch_size // self.device_batch_size

    @property
    def name(self) -> str:
        """The name of its folder: "batch-2", "batch-128-device-4"."""
        device = f"-device-{self.device_batch_size}" if self.accumulation > 1 else ""
        return f"batch-{self.batch_size}{device}"

    @property
    def text(self) -> str:
        """The batch for people: "2", "128 in 4s"."""
        return f"{self.batch_size}" + (f" in {self.device_batch_size}s" if self.accumulation > 1 else "")


@dataclass(frozen=True, kw_only=True)
class Axes:
    """Up to two of three: images per optimizer step, images per forward pass, forward passes per step."""

    batch_sizes: tuple[int, ...] = ()
    device_batch_sizes: tuple[int, ...] = ()
    accumulations: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        for option, values in self._options().items():
            if min(values, default=1) < 1:
                raise SpecError(f"{option} {_written(values)}: each is 1 or more")
            if len(set(values)) < len(values):
                raise SpecError(f"{option} {_written(values)}: a value is given twice; each counts once")
        if all(self._options().values()):
            raise SpecError(
                f"{', '.join(self._options())}: two of them set the third (images per step = images per forward pass x "
                "forward passes); give one or two"
            )

    @property
    def given(self) -> bool:
        """Whether there is an axis."""
        return any(self._options().values())

    def _options(self) -> dict[str, tuple[int, ...]]:
        return {
            "--batch-sizes": self.batch_sizes,
            "--device-batch-sizes": self.device_batch_sizes,
            "--accumulations": self.accumulations,
        }

    @property
    def along(self) -> Axis:
        """The axis that figures are drawn along and crossings are looked for on: of two, what BatchNorm sees."""
        return "batch_size" if self.batch_sizes and not self.device_batch_sizes else "device_batch_size"

    @property
    def can_grow(self) -> bool:
        """Whether the sizes along the axis were given, so that others can be added."""
        return bool(self.batch_sizes or self.device_batch_sizes)

    @property
    def across(self) -> Axis | None:
        """The second axis, each of whose values has a panel of its own; None if only one was given."""
        if sum(map(bool, self._options().values())) < 2:
            return None
        return "accumulation" if self.accumulations else "batch_size"

    def batches(self, recipe: Recipe) -> list[Batch]:
        """Return every combination by size; what is not given is the recipe's. Each has to divide."""
        steps = self.batch_sizes or (recipe.batch_size,)
        if self.device_batch_sizes and self.accumulations:
            pairs = [(size * number, size) for size in self.device_batch_sizes for number in self.accumulations]
        elif self.device_batch_sizes:
            pairs = [(step, size) for step in steps for size in self.device_batch_sizes]
            self._check([f"{step} / {size}" for step, size in pairs if step % size])
        elif self.accumulations:
            self._check([f"{step} / {number}" for step in steps for number in self.accumulations if step % number])
            pairs = [(step, step // number) for step in steps for number in self.accumulations]
        else:
            pairs = [(step, step if self.batch_sizes else recipe.images_per_forward) for step in steps]
        return [Batch(batch_size=step, device_batch_size=size) for step, size in sorted(pairs)]

    def _check(self, broken: Sequence[str]) -> None:
        if broken:
            by = "device batch size" if self.device_batch_sizes else "accumulation"
            raise SpecError(
                f"batch size / {by} is no whole number in {', '.join(broken)}; leave these out, or choose sizes that "
                "divide one another"
            )


def group_arms(groups: Sequence[int | str], channels_per_group: Sequence[int]) -> Iterator[ArmSpec]:
    """Yield an arm for each number of groups, "c" being as many as channels, and for each number of channels."""
    for number in groups:
        whole = number if isinstance(number, int) else None
        if whole is None and str(number) != "c":
            raise SpecError(f"--groups {number!r}: expected numbers of groups, or c for as many groups as channels")
        one_each = 1 if whole is None else None
        yield ArmSpec(norm=GroupNormSpec(num_groups=whole, channels_per_group=one_each))
    for number in channels_per_group:
        yield ArmSpec(norm=GroupNormSpec(channels_per_group=number))


def _written(values: Sequence[int]) -> str:
    return ",".join(map(str, values))
