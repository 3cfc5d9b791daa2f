"""What a sweep is: what its points share, what it goes over, and its points, each a study of its own at one batch."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from whichnorm.errors import SpecError, nearest
from whichnorm.norms import NormSpec
from whichnorm.specs.arm import ArmSpec, undefined
from whichnorm.specs.codec import decode
from whichnorm.specs.recipe import Recipe
from whichnorm.specs.study import Shared, StudySpec, without_digest
from whichnorm.specs.study_options import DEFAULT_NORMS, SweepOptions
from whichnorm.study.prepare import as_arm, as_recipe, provisional, seeds_of
from whichnorm.sweeps.axes import Axes, Batch, group_arms


@dataclass(frozen=True, kw_only=True)
class Rule:
    """How the learning rate follows the images per optimizer step: in proportion to a power of the images per step."""

    name: str
    power: float
    text: str

    def learning_rate(self, recipe: Recipe, batch_size: int) -> float:
        """Return the peak at this many images per step; the recipe's own stays as it is."""
        if self.power == 0.5:
            return recipe.learning_rate * math.sqrt(batch_size / recipe.batch_size)
        return recipe.learning_rate * batch_size / recipe.batch_size if self.power else recipe.learning_rate

    def sentence(self, recipe: Recipe) -> str:
        """Say the rule for a recipe, for captions."""
        base = f"{recipe.learning_rate:g} at {recipe.batch_size} images per step"
        return f"Learning rate: {base}, {self.text}."


RULES = {
    rule.name: rule
    for rule in (
        Rule(
            name="linear",
            power=1,
            text="in proportion to the images per step elsewhere (Goyal et al., Accurate, Large Minibatch SGD, 2017)",
        ),
        Rule(
            name="sqrt",
            power=0.5,
            text="in proportion to the square root of the images per step elsewhere (Malladi et al., On the SDEs and "
            "Scaling Rules for Adaptive Gradient Algorithms, 2022)",
        ),
        Rule(name="none", power=0, text="and the same everywhere else"),
    )
}


def find_rule(name: str | None, recipe: Recipe) -> Rule:
    """Return a rule by its name; None is the one that suits the recipe's optimizer."""
    name = name or ("linear" if recipe.optimizer == "sgd" else "sqrt")
    if name not in RULES:
        raise SpecError(f"unknown learning-rate rule {name!r}{nearest(name, RULES)}; there are {', '.join(RULES)}")
    return RULES[name]


@dataclass(frozen=True, kw_only=True)
class Point:
    """A batch, the recipe at it, the arms that can be trained at it, and those that cannot with the reason."""

    batch: Batch
    recipe: Recipe
    arms: tuple[ArmSpec, ...]
    skipped: tuple[tuple[str, str], ...]

    def to_dict(self) -> dict[str, Any]:
        """Return what sweep.json says of it."""
        return {
            "folder": self.batch.name,
            "batch_size": self.batch.batch_size,
            "device_batch_size": self.batch.device_batch_size,
            "accumulation": self.batch.accumulation,
            "learning_rate": self.recipe.learning_rate,
            "arms": [str(arm) for arm in self.arms],
            "skipped": [{"arm": arm, "reason": reason} for arm, reason in self.skipped],
        }


def make_points(axes: Axes, recipe: Recipe, rule: Rule, arms: Sequence[ArmSpec]) -> tuple[Point, ...]:
    """Return a point per batch, in the order of size; the recipe's own batch and learning rate are the rule's base."""
    points = tuple(_point(batch, recipe, rule, arms) for batch in axes.batches(recipe))
    own = [str(arm) for arm in arms if arm.learning_rate is not None]
    if own and any(point.recipe.learning_rate != recipe.learning_rate for point in points):
        raise SpecError(
            f"arm {own[0]}: a learning rate of an arm's own is the same at every batch and cannot follow the rule "
            f"{rule.name!r}; use --lr-rule none, or leave it out"
        )
    if not any(point.arms for point in points):
        raise SpecError(f"{points[0].skipped[0][1]}; no arm is left to train, add one such as gn:8")
    return points


def _point(batch: Batch, base: Recipe, rule: Rule, arms: Sequence[ArmSpec]) -> Point:
    recipe = replace(
        base,
        batch_size=batch.batch_size,
        device_batch_size=batch.device_batch_size if batch.accumulation > 1 else None,
    ).at_learning_rate(rule.learning_rate(base, batch.batch_size))
    reasons = {str(arm): undefined(arm, recipe) for arm in arms}
    return Point(
        batch=batch,
        recipe=recipe,
        arms=tuple(arm for arm in arms if not reasons[str(arm)]),
        skipped=tuple((arm, reason) for arm, reason in reasons.items() if reason),
    )


@dataclass(frozen=True, kw_only=True)
class SweepSpec(Shared):
    """A grid of studies; the recipe is that at the base batch, which the rule starts from.

    The arms are all, also those that are skipped at some points.
    """

    learning_rate_rule: str
    axes: Axes
    arms: tuple[ArmSpec, ...]
    seeds: tuple[int, ...]
    refine: bool = False  # whether sizes are added between two at which arms change places

    @property
    def rule(self) -> Rule:
        return find_rule(self.learning_rate_rule, self.recipe)

    def points(self) -> tuple[Point, ...]:
        """Return a point per batch, by size; a sweep without an arm to train at any of them is a SpecError."""
        return make_points(self.axes, self.recipe, self.rule, self.arms)

    def study_at(self, point: Point) -> StudySpec:
        """Return the study of a point that has an arm."""
        return StudySpec(**{**self.shared(), "recipe": point.recipe}, arms=point.arms, seeds=self.seeds)

    def to_dict(self, data_digest: str) -> dict[str, Any]:
        """Return sweep.json's content."""
        return {
            **self.shared_dict(data_digest),
            "learning_rate_rule": self.learning_rate_rule,
            "axes": {name: list(values) for name, values in asdict(self.axes).items()},
            "arms": [str(arm) for arm in self.arms],
            "seeds": list(self.seeds),
            "refine": self.refine,
            "points": [point.to_dict() for point in self.points()],
        }


def read_sweep(held: Any, where: str) -> SweepSpec:
    """Read sweep.json's content; the points follow from the rest. SpecError, which begins with `where`."""
    content = without_digest(held)
    if isinstance(content, dict):
        content = {name: value for name, value in content.items() if name != "points"}
    return decode(content, SweepSpec, where)


def sweep_spec(options: SweepOptions, shared: Shared) -> SweepSpec:
    """Return the sweep that options ask for; one over nothing is a SpecError."""
    axes = Axes(
        batch_sizes=tuple(options.batch_sizes),
        device_batch_sizes=tuple(options.device_batch_sizes),
        accumulations=tuple(options.accumulations),
    )
    if not (axes.given or options.groups or options.channels_per_group):
        wanted = "--batch-sizes, --device-batch-sizes, --accumulations, --groups or --channels-per-group"
        raise SpecError(f"nothing to sweep over; expected {wanted}")
    if options.refine and not axes.can_grow:
        raise SpecError("--refine: adds sizes to an axis of them; expected --batch-sizes or --device-batch-sizes too")
    return SweepSpec(
        **shared.shared(),
        learning_rate_rule=find_rule(options.lr_rule, shared.recipe).name,
        axes=axes,
        arms=_arms(options.norms, tuple(group_arms(options.groups, options.channels_per_group))),
        seeds=seeds_of(options.seeds),
        refine=options.refine,
    )


def check_sweep(options: SweepOptions) -> None:
    """Raise SpecError or ModelError for options that cannot be used, as far as it shows without PyTorch."""
    sweep_spec(options, provisional(options, as_recipe(options.recipe, options))).points()


def _arms(norms: Sequence[str | NormSpec | ArmSpec] | None, of_groups: Sequence[ArmSpec]) -> tuple[ArmSpec, ...]:
    """Return the arms that are asked for, then those of groups that are not among them yet."""
    if norms is None:
        norms = ("bn",) if of_groups else DEFAULT_NORMS
    named = [as_arm(norm) for norm in norms]
    return (*named, *(arm for arm in dict.fromkeys(of_groups) if arm not in named))
