"""The section of accuracy under corruption."""

from whichnorm.analyses.asking import Answers
from whichnorm.analyses.corruptions.finding import finding
from whichnorm.analyses.corruptions.measure import CorruptionScores
from whichnorm.analyses.corruptions.pictures import corruptions_picture
from whichnorm.analyses.corruptions.tables import corruptions_sentence, corruptions_table, strongest_table
from whichnorm.analyses.over_seeds import by_arm
from whichnorm.render.content import Folded, Section
from whichnorm.results.results import Results


def section(found: Answers[CorruptionScores], results: Results) -> Section | None:
    """Show how accuracy falls under corruption."""
    arms = by_arm(results, found)
    if not arms:
        return None
    return Section(
        title=finding(arms),
        tables=(strongest_table(results, arms),),
        pictures=(corruptions_picture(results, arms),),
        folded=(
            Folded(
                summary="Accuracy at every strength, as a table",
                sentences=(corruptions_sentence(arms),),
                tables=(corruptions_table(results, arms),),
            ),
        ),
    )
