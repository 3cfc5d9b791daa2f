"""What was trained after a study to see whether its answer holds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from whichnorm.analyses.sensitivity.learning_rates import LearningRates
from whichnorm.analyses.sensitivity.recipes import OtherRecipe
from whichnorm.results.results import Results
from whichnorm.specs.codec import NOT_ENCODED

FollowUp = LearningRates | OtherRecipe


@dataclass(frozen=True, kw_only=True, eq=False)
class Sensitivity:
    """The study's follow-ups as far as they are finished, and the same for programs.

    `tested` is what results.json holds under "follow_ups": each with its outcome in words, and the arms, comparisons
    and verdict that it came to.
    """

    follow_ups: tuple[FollowUp, ...] = field(default=(), metadata={NOT_ENCODED: True})
    tested: tuple[dict[str, Any], ...] = ()

    @classmethod
    def of(cls, follow_ups: Sequence[FollowUp], results: Results) -> "Sensitivity":
        return cls(follow_ups=tuple(follow_ups), tested=tuple(one.to_dict(results) for one in follow_ups))


def follow_ups_in(found: Mapping[str, Any]) -> tuple[FollowUp, ...]:
    """Return the follow-ups among what all analyses found, by their names; none if they could not be read."""
    sensitivity = found["sensitivity"]
    return sensitivity.follow_ups if isinstance(sensitivity, Sensitivity) else ()
