"""A study and its runs: the grid of arms and seeds, and all that they share."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Annotated, Any, Literal

from whichnorm.errors import SpecError, nearest, shortened, shown
from whichnorm.specs import texts
from whichnorm.specs.arm import ArmSpec, run_key, undefined
from whichnorm.specs.checked import Checked
from whichnorm.specs.codec import decode, encode
from whichnorm.specs.data import DataSpec
from whichnorm.specs.json_files import MAX_INT
from whichnorm.specs.model import ModelSpec
from whichnorm.specs.options import option
from whichnorm.specs.recipe import Recipe
from whichnorm.specs.require import require
from whichnorm.specs.texts import MAX_SEEDS
from whichnorm.specs.value_types import Between

UNTIL_SURE_GROUP = "until sure, in place of --seeds"
MAX_THREADS = 10_000

Seed = Annotated[int, Between(0, MAX_INT)]


@dataclass(frozen=True, kw_only=True)
class MachineSpec(Checked):
    """Where and in which number format runs are made; the same for every arm of a study."""

    device: str = "cpu"
    threads: Annotated[int, Between(1, MAX_THREADS)] = 1
    precision: Literal["float32", "bfloat16"] = "float32"  # of convolutions and stored activations


def check_machine(device: str, precision: str) -> None:
    """Raise SpecError for a choice of machine that is none; "auto" is one."""
    devices, precisions = ("cpu", "cuda"), ("auto", "float32", "bfloat16")
    if device not in devices:
        hint = nearest(shortened(device), devices)
        raise SpecError(f"unknown device {shown(device)}{hint}; there are cpu and cuda")
    if precision not in precisions:
        raise SpecError(f"unknown precision {shown(precision)}; there are auto, float32 and bfloat16")


@dataclass(frozen=True, kw_only=True)
class Shared(Checked):
    """What all runs of a study have in common."""

    data: DataSpec
    model: ModelSpec
    recipe: Recipe
    machine: MachineSpec

    def shared(self) -> dict[str, Any]:
        """Return the values of these four fields, to make something of that has them too."""
        return {one.name: getattr(self, one.name) for one in fields(Shared)}

    def shared_dict(self, data_digest: str) -> dict[str, Any]:
        """Return what runs share as JSON values, for their records and for study.json."""
        shared = {
            "data": {**encode(self.data), "digest": data_digest},
            "model": {"name": self.model.name, "options": dict(self.model.options)}
            | ({"source": self.model.source} if self.model.source else {}),
            "recipe": encode(self.recipe),
            "machine": encode(self.machine),
        }
        del shared["data"]["data_dir"], shared["data"]["download"]  # where the images lie does not change them
        return shared


@dataclass(frozen=True, kw_only=True)
class RunSpec(Shared):
    """One training: an arm at a seed, and all that it shares with the other runs of its study."""

    arm: ArmSpec
    seed: Seed

    @property
    def key(self) -> str:
        """The run's name in files: "gn-8_l1-0.001-seed0"; no two runs of a study share one."""
        return run_key(str(self.arm), self.seed)

    @property
    def training(self) -> Recipe:
        """The recipe that the run is trained with: the shared one, at the arm's learning rate where it has one."""
        rate = self.arm.learning_rate
        return self.recipe if rate is None else self.recipe.at_learning_rate(rate)


@dataclass(frozen=True, kw_only=True)
class UntilSure(Checked):
    """Seeds are added until every difference is beyond chance, or known to be smaller than the margin.

    The error rate holds for all looks at the growing study together, so `max_seeds` is chosen before the first.
    """

    margin: float = option(
        0.005, "a difference too small to matter, in percentage points of test accuracy (default 0.5 points)",
        in_python="a fraction: 0.005 is half a point", group=UNTIL_SURE_GROUP, metavar="POINTS", parse=texts.points,
        write=lambda margin: f"{100 * margin:.12g}", needs="until_sure",
    )  # fmt: skip
    max_seeds: Annotated[int, Between(3, MAX_SEEDS)] = option(
        20, "the most seeds that an arm gets", group=UNTIL_SURE_GROUP, metavar="N", parse=texts.whole_number,
        needs="until_sure",
    )  # fmt: skip

    def __post_init__(self) -> None:
        super().__post_init__()
        points = f"{100 * self.margin:g}"
        require(0 < self.margin < 1, f"margin of {points} points: expected above 0 and below 100, such as 0.5")


@dataclass(frozen=True, kw_only=True)
class FollowUps(Checked):
    """What is trained after a study to see whether its answer holds; see `whichnorm.follow_ups`.

    `tune_lr` looks for a learning rate of each arm's own; under each of `recipes` the two best arms are trained again.
    """

    tune_lr: bool = False
    recipes: tuple[Recipe, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        for recipe in self.recipes:
            found = re.fullmatch(r"[\w.-]+", recipe.name)
            require(
                bool(found), f"recipe {recipe.name!r}: its name is part of a folder's, so letters, digits and .-_ only"
            )

    def check(self, study: "StudySpec") -> None:
        """Raise SpecError for a study that cannot be followed up."""
        option = "--tune-lr" if self.tune_lr else "--recipes"
        require(not study.until_sure, f"{option} needs seeds that are fixed: give --seeds in place of --until-sure")
        names = [recipe.name for recipe in (study.recipe, *self.recipes)]
        require(len(set(names)) == len(names), f"a recipe is given twice in {', '.join(names)}; each counts once")
        require(not self.recipes or len(study.arms) > 1, "--recipes trains the two best arms again; give two norms")
        for arm in study.arms:
            reason = next(filter(None, (undefined(arm, recipe) for recipe in self.recipes)), "")
            require(not reason, f"{reason}; use a batch of 2 or more, or leave the arm out")
            own = self.tune_lr and arm.learning_rate is not None
            require(not own, f"arm {arm} has a learning rate of its own, and --tune-lr looks for one; leave out +lr")
        require(
            not self.tune_lr or study.data.val_fraction > 0,
            "--tune-lr chooses by validation accuracy, and there is no validation split; give --val above 0",
        )


def grid(arms: Sequence[str], seeds: Sequence[int], ended: Mapping[str, int]) -> list[tuple[str, int]]:
    """Return the arms, in their text form, and seeds of a study's runs, all arms of one seed before the next seed.

    `ended` are arms that stopped getting seeds, with the number that they have.
    """
    return [(arm, seed) for place, seed in enumerate(seeds) for arm in arms if place < ended.get(arm, len(seeds))]


@dataclass(frozen=True, kw_only=True)
class StudySpec(Shared):
    """A grid of runs: every arm at every seed, under one recipe, on the same data and machine.

    With `until_sure`, `seeds` are those so far, and `ended` the arms whose comparisons are settled, with the number of
    seeds that they have.
    """

    arms: tuple[ArmSpec, ...]
    seeds: tuple[Seed, ...]
    until_sure: UntilSure | None = None
    ended: tuple[tuple[str, int], ...] = ()
    follow_ups: FollowUps | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        names = [str(arm) for arm in self.arms]
        require(len(names) > 0, "no norms given; expected at least one, such as --norms bn,gn:8")
        listed = shortened(", ".join(names), 120)
        require(len(set(names)) == len(names), f"a norm is given twice in {listed}; each arm counts once")
        require(len(self.seeds) > 0, "no seeds given; expected at least one")
        require(len(self.seeds) <= MAX_SEEDS, f"{len(self.seeds):,} seeds: expected at most {MAX_SEEDS:,}")
        require(len(set(self.seeds)) == len(self.seeds), f"a seed is given twice in {shown(self.seeds)}")
        for arm in self.arms:
            reason = undefined(arm, self.recipe)
            require(not reason, f"{reason}; use a batch of 2 or more, or leave the arm out")
        if self.follow_ups:
            self.follow_ups.check(self)

    def to_dict(self, data_digest: str) -> dict[str, Any]:
        """Return what the runs share, the arms' text forms and the seeds, as JSON values: study.json's content."""
        content = self.shared_dict(data_digest) | {"arms": [str(arm) for arm in self.arms], "seeds": list(self.seeds)}
        if self.until_sure:
            content |= {"until_sure": encode(self.until_sure), "ended": dict(self.ended)}
        if self.follow_ups:
            content["follow_ups"] = encode(self.follow_ups)
        return content

    def runs(self) -> list[RunSpec]:
        """Return every run, all arms of one seed before the next seed."""
        arms = {str(arm): arm for arm in self.arms}
        pairs = grid(list(arms), self.seeds, dict(self.ended))
        return [RunSpec(arm=arms[arm], seed=seed, **self.shared()) for arm, seed in pairs]


def read_study(held: Any, where: str) -> StudySpec:
    """Read study.json's content; what an older file lacks has its default. SpecError, which begins with `where`."""
    return decode(without_digest(held), StudySpec, where)


def completed(held: Any, where: str) -> dict[str, Any]:
    """Return what runs share as a file holds it, with the defaults of fields that an older file lacks."""
    content = without_digest(held)
    names = [one.name for one in fields(Shared)]
    shared = {name: content[name] for name in names if name in content} if isinstance(content, dict) else content
    return decode(shared, Shared, where).shared_dict(held["data"].get("digest", ""))


def without_digest(held: Any) -> Any:
    """Return the content of a file without the hash of the images, which is no part of a spec."""
    if not isinstance(held, dict) or not isinstance(held.get("data"), dict):
        return held
    return {**held, "data": {name: value for name, value in held["data"].items() if name != "digest"}}
