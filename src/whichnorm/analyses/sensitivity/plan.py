"""What follow-ups would add to a study, before anything is trained."""

from dataclasses import dataclass, replace

from whichnorm.analyses.sensitivity.search import FACTORS, MAX_FURTHER
from whichnorm.data.splits import Splits
from whichnorm.study.plan import Plan, plan_study


@dataclass(frozen=True, kw_only=True)
class PlannedFollowUp:
    """A follow-up with the runs it adds, and the estimated wall-clock seconds of these."""

    title: str
    runs: str
    seconds: float


def plan_follow_ups(plan: Plan, splits: Splits, max_params: int | None = None) -> tuple[PlannedFollowUp, ...]:
    """Check the follow-ups of a planned study as the study itself, and estimate their time.

    Every arm has to fit every recipe: which two are the best is not known before.
    """
    asked = plan.study.follow_ups
    if not asked:
        return ()
    alone = replace(plan.study, follow_ups=None)
    others = [plan_study(replace(alone, recipe=recipe), splits, max_params) for recipe in asked.recipes]
    tuning = [_learning_rates(plan)] if asked.tune_lr else []
    return (*tuning, *(_other_recipe(other) for other in others))


def _learning_rates(plan: Plan) -> PlannedFollowUp:
    arms, seeds = len(plan.arms), len(plan.study.seeds)
    at_each = sum(plan.run_seconds(arm) for arm in plan.arms)
    return PlannedFollowUp(
        title="--tune-lr",
        runs=f"{arms * len(FACTORS)} runs, up to {arms * (len(FACTORS) + MAX_FURTHER)} if the best rate is at an "
        f"end, then up to {arms * seeds} at the tuned rates",
        seconds=(len(FACTORS) + seeds) * at_each,
    )


def _other_recipe(plan: Plan) -> PlannedFollowUp:
    slowest = sorted((plan.run_seconds(arm) for arm in plan.arms), reverse=True)[:2]
    return PlannedFollowUp(
        title=f"recipe {plan.study.recipe.name}",
        runs=f"{2 * len(plan.study.seeds)} runs of the two best arms",
        seconds=len(plan.study.seeds) * sum(slowest),
    )
