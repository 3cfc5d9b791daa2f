"""The section of accuracy under corruption."""

import numpy as np

from whichnorm.analyses.arms import drawn
from whichnorm.analyses.asking import Answers
from whichnorm.analyses.corruptions import figures
from whichnorm.analyses.corruptions.finding import finding
from whichnorm.analyses.corruptions.measure import STRENGTHS, CorruptionScores
from whichnorm.analyses.corruptions.tables import corruptions_sentence, corruptions_table, strongest_table
from whichnorm.analyses.over_seeds import Arms, by_arm, seeds_text, spread_text
from whichnorm.render.content import Folded, Section
from whichnorm.render.picture import Picture
from whichnorm.render.table import alt_text
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


def corruptions_picture(results: Results, arms: Arms[CorruptionScores]) -> Picture:
    """Return every arm's accuracy by kind and strength of corruption."""
    panels = {
        kind: [
            drawn(results, arm, np.array([(one.clean_accuracy, *one.accuracies[kind]) for one in found]))
            for arm, found in arms
        ]
        for kind in STRENGTHS
    }
    ticks = {kind: ["clean", *(f"{value:g}" for value in strengths)] for kind, strengths in STRENGTHS.items()}
    return Picture(
        name="corruptions",
        figure=figures.corruption_panels(panels, ticks),
        alt=alt_text(
            "Test accuracy under corruption by strength; here clean and at the greatest strengths.",
            strongest_table(results, arms),
        ),
        caption=f"{seeds_text(arms, spread_text(arms))} Every arm sees the same corrupted test images.",
        method=corruptions_sentence(arms),
    )
