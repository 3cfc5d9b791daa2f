"""The points of a sweep: each is a study of its own, at one batch."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from whichnorm.errors import SpecError
from whichnorm.specs.arm import ArmSpec, undefined
from whichnorm.specs.recipe import Recipe
from whichnorm.sweeps.axes import Axes, Batch
from whichnorm.sweeps.rules import Rule


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
