"""What was trained after a study to see whether its answer holds."""

from dataclasses import dataclass

from whichnorm.analyses.sensitivity.learning_rates import LearningRates
from whichnorm.analyses.sensitivity.recipes import OtherRecipe

FollowUp = LearningRates | OtherRecipe


@dataclass(frozen=True, kw_only=True, eq=False)
class Sensitivity:
    """The study's follow-ups, as far as they are finished."""

    follow_ups: tuple[FollowUp, ...] = ()
