"""The picture of accuracy under corruption."""

from collections.abc import Sequence

import numpy as np

from whichnorm.analyses.arms import style
from whichnorm.analyses.corruptions import figures
from whichnorm.analyses.corruptions.finding import Arms
from whichnorm.analyses.corruptions.measure import STRENGTHS, CorruptionScores
from whichnorm.analyses.corruptions.tables import corruptions_sentence, strongest_table
from whichnorm.analyses.over_seeds import seeds_text, spread_text
from whichnorm.render.picture import Picture
from whichnorm.render.table import alt_text
from whichnorm.results.results import Results
from whichnorm.specs.names import arm_title


def corruptions_picture(results: Results, arms: Arms) -> Picture:
    """Return every arm's accuracy by kind and strength of corruption."""
    panels = {kind: [_series(results, arm, found, kind) for arm, found in arms] for kind in STRENGTHS}
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


def _series(results: Results, arm: str, found: Sequence[CorruptionScores], kind: str) -> figures.CorruptionSeries:
    values = np.array([(one.clean_accuracy, *one.accuracies[kind]) for one in found])
    return figures.CorruptionSeries(label=arm_title(arm), style=style(results, arm), values=values)
