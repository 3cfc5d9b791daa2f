"""What a sweep is: what its points share, and what it goes over."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from whichnorm.errors import SpecError
from whichnorm.norms import NormSpec
from whichnorm.specs.arm import ArmSpec
from whichnorm.specs.codec import decode
from whichnorm.specs.study import Shared, StudySpec, without_digest
from whichnorm.specs.study_options import DEFAULT_NORMS, SweepOptions
from whichnorm.study.prepare import as_arm, as_recipe, provisional, seeds_of
from whichnorm.sweeps.axes import Axes, group_arms
from whichnorm.sweeps.points import Point, make_points
from whichnorm.sweeps.rules import Rule, find_rule


@dataclass(frozen=True, kw_only=True)
class SweepSpec(Shared):
    """A grid of studies; the recipe is that at the base batch, which the rule starts from.

    The arms are all, also those that are skipped at some points.
    """

    learning_rate_rule: str
    axes: Axes
    arms: tuple[ArmSpec, ...]
    seeds: tuple[int, ...]

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
    return SweepSpec(
        **shared.shared(),
        learning_rate_rule=find_rule(options.lr_rule, shared.recipe).name,
        axes=axes,
        arms=_arms(options.norms, tuple(group_arms(options.groups, options.channels_per_group))),
        seeds=seeds_of(options.seeds),
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
