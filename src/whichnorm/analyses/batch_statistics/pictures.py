"""Pictures of BatchNorm's statistics."""

from collections.abc import Sequence

import numpy as np

from whichnorm.analyses.arms import label, style
from whichnorm.analyses.batch_statistics import figures
from whichnorm.analyses.batch_statistics.measure import StatisticsScores
from whichnorm.analyses.batch_statistics.tables import (
    Arms,
    by_layer,
    layers_table,
    statistics_sentence,
    statistics_table,
)
from whichnorm.analyses.over_seeds import seeds_text
from whichnorm.render import text
from whichnorm.render.picture import Picture
from whichnorm.render.table import alt_text
from whichnorm.results.results import Results

KINDS = {"running": "running_accuracy", "precise": "precise_accuracy", "batch": "batch_accuracy"}


def statistics_picture(results: Results, arms: Arms) -> Picture:
    """Return the accuracy of the arms with BatchNorm with each kind of statistics."""
    seeds = [found for _, found in arms]
    rows = [figures.StatisticsRow(label=label(arm), style=style(results, arm), values=_by_kind(found))
            for arm, found in arms]  # fmt: skip
    return Picture(
        name="batch_statistics",
        figure=figures.statistics_dots(rows),
        alt=alt_text("Test accuracy with each kind of BatchNorm's statistics.", statistics_table(results, arms)),
        caption=f"{seeds_text(seeds)}{'; hollow dots are the seeds' if _several(seeds) else ''}. If precise statistics "
        "are no better than running ones, what BatchNorm loses was lost in training.",
        method=statistics_sentence(arms),
    )


def _several(seeds: Sequence[Sequence[object]]) -> bool:
    return max(map(len, seeds)) > 1


def _by_kind(found: Sequence[StatisticsScores]) -> dict[str, Sequence[float]]:
    values = {kind: [getattr(one, name) for one in found] for kind, name in KINDS.items()}
    return {kind: of_kind for kind, of_kind in values.items() if None not in of_kind}


def layer_gaps_picture(results: Results, arms: Arms) -> Picture:
    """Return how far the statistics of every BatchNorm layer are from its running ones."""
    seeds = [found for _, found in arms]
    paths = list(dict.fromkeys(path for _, found in arms for path in by_layer(found)))
    of_means, of_variances = (
        [_gap_series(results, arm, found, paths, quantity) for arm, found in arms] for quantity in ("mean", "log_var")
    )
    return Picture(
        name="layer_gaps",
        figure=figures.layer_gaps([text.shorten(path, 24) for path in paths], of_means, of_variances),
        alt=alt_text("Distance of batch and precise statistics from the running ones, by layer.", layers_table(arms)),
        caption=f"{seeds_text(seeds)}{' with their range' if _several(seeds) else ''}. Filled: statistics of batches. Hollow: "
        "precise statistics, the error that stays however many batches are averaged.",
        method="A distance is a root mean square over channels, for batches over batches too. "
        f"{statistics_sentence(arms)}",
    )


def _gap_series(
    results: Results, arm: str, found: Sequence[StatisticsScores], paths: Sequence[str], quantity: str
) -> figures.GapSeries:
    gaps = by_layer(found)
    batch, precise = (
        [_spread([getattr(gap, f"{kind}_{quantity}") for gap in gaps.get(path, [])]) for path in paths]
        for kind in ("batch", "precise")
    )
    return figures.GapSeries(label=label(arm), style=style(results, arm), batch=batch, precise=precise)


def _spread(values: Sequence[float | None]) -> figures.Spread | None:
    """Return mean and range over seeds, None where a seed has no value."""
    present = [value for value in values if value is not None]
    if not present or len(present) < len(values):
        return None
    return figures.Spread(mean=float(np.mean(present)), low=min(present), high=max(present))
