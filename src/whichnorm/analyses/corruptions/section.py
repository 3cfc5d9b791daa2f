"""The section of accuracy under corruption."""

from whichnorm.analyses.asking import Answers
from whichnorm.analyses.corruptions.finding import finding
from whichnorm.analyses.corruptions.measure import CorruptionScores
from whichnorm.analyses.corruptions.pictures import corruptions_picture
from whichnorm.analyses.corruptions.tables import corruptions_sentence, corruptions_table, strongest_table
from whichnorm.analyses.over_seeds import by_arm, unanswered, unanswered_folded, unanswered_section
from whichnorm.render.content import Folded, Section
from whichnorm.results.results import Results

LABEL = "Corruptions"


def corruptions_section(found: Answers[CorruptionScores], results: Results) -> Section | None:
    """Show how accuracy falls under corruption."""
    arms = by_arm(results, found)
    if not arms:
        return unanswered_section("corruptions", LABEL, found)
    return Section(
        anchor="corruptions",
        label=LABEL,
        title=finding(arms),
        sentences=unanswered(found),
        tables=(strongest_table(results, arms),),
        pictures=(corruptions_picture(results, arms),),
        folded=(
            Folded(
                summary="Accuracy at every strength, as a table",
                sentences=(corruptions_sentence(arms),),
                tables=(corruptions_table(results, arms),),
            ),
            *unanswered_folded(found),
        ),
    )
