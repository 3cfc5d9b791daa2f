"""Further studies that look whether a study's answer holds: at learning rates of the arms' own, under other recipes."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from whichnorm.follow_ups.learning_rates import LearningRates
from whichnorm.follow_ups.outlook import what_would_change
from whichnorm.follow_ups.plan import PlannedFollowUp, plan_follow_ups
from whichnorm.follow_ups.recipes import OtherRecipe
from whichnorm.follow_ups.run import check_folders, read_follow_ups, train_follow_ups
from whichnorm.follow_ups.search import Search

__all__ = [
    "FollowUp",
    "LearningRates",
    "OtherRecipe",
    "PlannedFollowUp",
    "Search",
    "asked_of",
    "check_folders",
    "plan_follow_ups",
    "read_follow_ups",
    "train_follow_ups",
    "what_would_change",
]

FollowUp = LearningRates | OtherRecipe


def asked_of(found: Sequence[FollowUp]) -> dict[str, Any]:
    """Return the options behind a study's follow-ups, as study.json has them."""
    recipes = [asdict(follow_up.recipe) for follow_up in found if isinstance(follow_up, OtherRecipe)]
    return {"tune_lr": any(isinstance(follow_up, LearningRates) for follow_up in found), "recipes": recipes}
