"""Pictures of BatchNorm's statistics."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from whichnorm.analyses.arms import drawn
from whichnorm.analyses.batch_statistics import figures
from whichnorm.analyses.batch_statistics.measure import StatisticsScores
from whichnorm.analyses.batch_statistics.tables import (
    by_layer,
    layers_table,
    statistics_sentence,
    statistics_table,
)
from whichnorm.analyses.over_seeds import Arms, seeds_text
from whichnorm.render import text
from whichnorm.render.picture import Picture
from whichnorm.render.table import Table, alt_text
from whichnorm.results.results import Results

MAX_SAID = 12  # layers in an alternative text
KINDS = {"running": "running_accuracy", "precise": "precise_accuracy", "batch": "batch_accuracy"}


def statistics_picture(results: Results, arms: Arms[StatisticsScores]) -> Picture:
    """Return the accuracy of the arms with BatchNorm with each kind of statistics."""
    rows = [drawn(results, arm, _by_kind(found)) for arm, found in arms]
    return Picture(
        name="batch_statistics",
        figure=figures.statistics_dots(rows),
        alt=alt_text("Test accuracy with each kind of BatchNorm's statistics.", statistics_table(results, arms)),
        caption=f"{seeds_text(arms, '; hollow dots are the seeds')} If precise statistics are no better "
        "than running ones, what BatchNorm loses was lost in training.",
        method=statistics_sentence(arms),
    )


def _by_kind(found: Sequence[StatisticsScores]) -> dict[str, Sequence[float]]:
    values = {kind: [getattr(one, name) for one in found] for kind, name in KINDS.items()}
    return {kind: of_kind for kind, of_kind in values.items() if None not in of_kind}


def layer_gaps_picture(results: Results, arms: Arms[StatisticsScores]) -> Picture:
    """Return how far the statistics of every BatchNorm layer are from its running ones."""
    paths = list(dict.fromkeys(path for _, found in arms for path in by_layer(found)))
    of_means, of_variances = (
        [drawn(results, arm, _gaps(found, paths, quantity)) for arm, found in arms] for quantity in ("mean", "log_var")
    )
    return Picture(
        name="layer_gaps",
        figure=figures.layer_gaps([text.shorten(path, 24) for path in paths], of_means, of_variances),
        alt=_gaps_said(layers_table(arms)),
        caption=f"{seeds_text(arms, ' with their range')} Filled: statistics of batches. Hollow: precise statistics, "
        "the error that stays however many batches are averaged.",
        method="A distance is a root mean square over channels, for batches over batches too. "
        f"{statistics_sentence(arms)}",
    )


def _gaps_said(table: Table) -> str:
    """Say the picture in words; of many layers the first alone, for a listener's sake."""
    lead = "Distance of batch and precise statistics from the running ones, by layer."
    if len(table.rows) > MAX_SAID:
        lead += f" The first {MAX_SAID} of {len(table.rows)} rows of the table below."
    return alt_text(lead, replace(table, rows=table.rows[:MAX_SAID]))


def _gaps(
    found: Sequence[StatisticsScores], paths: Sequence[str], quantity: str
) -> dict[str, Sequence[figures.Spread | None]]:
    gaps = by_layer(found)
    return {
        kind: [_spread([getattr(gap, f"{kind}_{quantity}") for gap in gaps.get(path, [])]) for path in paths]
        for kind in ("batch", "precise")
    }


def _spread(values: Sequence[float | None]) -> figures.Spread | None:
    """Return mean and range over seeds, None if a seed has no value."""
    present = [value for value in values if value is not None]
    if not present or len(present) < len(values):
        return None
    return figures.Spread(mean=float(np.mean(present)), low=min(present), high=max(present))
