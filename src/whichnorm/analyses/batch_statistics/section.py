"""The section of BatchNorm's statistics."""

from collections.abc import Sequence

import numpy as np

from whichnorm.analyses.asking import Answers
from whichnorm.analyses.batch_statistics.measure import StatisticsScores
from whichnorm.analyses.batch_statistics.pictures import layer_gaps_picture, statistics_picture
from whichnorm.analyses.batch_statistics.tables import layers_table, statistics_sentence, statistics_table
from whichnorm.analyses.over_seeds import Arms, by_arm
from whichnorm.render.content import Folded, Section
from whichnorm.results.results import Results
from whichnorm.specs.names import enclosed

WORTH_SAYING = 0.001  # a difference of accuracies below it is called next to nothing
MEANING = (
    "Networks are evaluated with running statistics. What precise statistics gain over them is what poor running "
    "statistics cost. The rest of BatchNorm's loss at a small batch was lost in training."
)


def section(found: Answers[StatisticsScores], results: Results) -> Section | None:
    """Split BatchNorm's loss into poor running statistics and worse training; None without a BatchNorm layer."""
    arms = by_arm(results, found)
    if not arms:
        return None
    return Section(
        title=finding(arms),
        sentences=(MEANING,),
        tables=(statistics_table(results, arms),),
        pictures=(statistics_picture(results, arms), layer_gaps_picture(results, arms)),
        folded=(
            Folded(
                summary="Distances from the running statistics by layer, as a table",
                sentences=(statistics_sentence(arms),),
                tables=(layers_table(arms),),
            ),
        ),
        wide=True,
    )


def finding(arms: Arms[StatisticsScores]) -> str:
    """Say what running statistics cost the arm that they cost most: "Poor ones cost BatchNorm 3.20 points"."""
    gains = {arm: _mean_gain(found) for arm, found in arms}
    arm = max(gains, key=lambda name: abs(gains[name]))
    points = f"{100 * abs(gains[arm]):.2f} points"
    if abs(gains[arm]) < WORTH_SAYING:
        return (
            f"Running statistics cost {enclosed([arm])} next to nothing: precise ones change its accuracy by {points}"
        )
    if gains[arm] < 0:
        return f"{enclosed([arm])} is {points} more accurate with its running statistics than with precise ones"
    return f"Poor running statistics cost {enclosed([arm])} {points}"


def _mean_gain(found: Sequence[StatisticsScores]) -> float:
    return float(np.mean([one.precise_accuracy - one.running_accuracy for one in found]))
