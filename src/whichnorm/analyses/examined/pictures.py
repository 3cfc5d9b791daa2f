"""Pictures of what the trained networks were asked."""

from collections.abc import Sequence

import numpy as np

from whichnorm.analyses.arms import label, style
from whichnorm.analyses.batch_statistics.measure import BatchStatistics
from whichnorm.analyses.corruptions.measure import STRENGTHS
from whichnorm.analyses.examined import figures as examined
from whichnorm.analyses.examined.record import Examined
from whichnorm.analyses.examined.tables import (
    corruptions_sentence,
    examined_arms,
    share_cell,
    statistics_sentence,
    with_batch_norm,
)
from whichnorm.render import text
from whichnorm.render.picture import Picture
from whichnorm.results.results import Results

KINDS = {"running": "running_accuracy", "precise": "precise_accuracy", "batch": "batch_accuracy"}


def statistics_picture(results: Results, found_in: Examined) -> Picture | None:
    """Return the accuracy of the arms with BatchNorm with each kind of statistics."""
    arms = with_batch_norm(results, found_in)
    if not arms:
        return None
    rows = [examined.StatisticsRow(label=label(arm), values=_by_kind(found)) for arm, found in arms]
    said = [
        f"{row.label}: " + ", ".join(f"{kind} {share_cell(values).text}" for kind, values in row.values.items())
        for row in rows
    ]
    return Picture(
        name="batch_statistics",
        figure=examined.statistics_dots(rows),
        alt=f"Test accuracy with each kind of statistics. {'; '.join(said)}.",
        caption=f"{_seeds([found for _, found in arms])}, a hollow dot per seed where there are several. "
        f"{statistics_sentence(arms)}",
    )


def _by_kind(found: Sequence[BatchStatistics]) -> dict[str, Sequence[float]]:
    values = {kind: [getattr(one, name) for one in found] for kind, name in KINDS.items()}
    return {kind: of_kind for kind, of_kind in values.items() if None not in of_kind}


def layer_gaps_picture(results: Results, found_in: Examined) -> Picture | None:
    """Return how far the statistics of every BatchNorm layer are from its running ones."""
    arms = with_batch_norm(results, found_in)
    if not arms:
        return None
    paths = [text.shorten(layer.path, 28) for layer in arms[0][1][0].layers]
    of_means, of_variances = (
        [_gap_series(results, arm, found, quantity) for arm, found in arms] for quantity in ("mean", "log_var")
    )
    return Picture(
        name="layer_gaps",
        figure=examined.layer_gaps(paths, of_means, of_variances),
        alt="Distance of batch and precise statistics from the running ones for every BatchNorm layer; the table below "
        "has the numbers.",
        caption=f"Root mean square over channels, for batches over batches too. {_seeds([f for _, f in arms])} with "
        "their range. Filled: statistics of batches. Hollow: precise statistics, the error that stays however many "
        "batches are averaged.",
    )


def _gap_series(
    results: Results, arm: str, found: Sequence[BatchStatistics], quantity: str
) -> examined.GapSeries:  # fmt: skip
    batch = [[getattr(layer, f"batch_{quantity}") for layer in one.layers] for one in found if one.batch_size]
    precise = [[getattr(layer, f"precise_{quantity}") for layer in one.layers] for one in found]
    return examined.GapSeries(
        label=label(arm), style=style(results, arm), batch=np.array(batch, float), precise=np.array(precise, float)
    )


def corruptions_picture(results: Results, found_in: Examined) -> Picture | None:
    """Return every arm's accuracy by kind and strength of corruption."""
    arms = list(examined_arms(results, found_in))
    if not arms:
        return None
    panels = {
        kind: [
            examined.CorruptionSeries(
                label=label(arm),
                style=style(results, arm),
                values=np.array([(f.corruptions.clean_accuracy, *f.corruptions.accuracies[kind]) for f in found]),
            )
            for arm, found in arms
        ]
        for kind in STRENGTHS
    }
    ticks = {kind: ["clean", *(f"{value:g}" for value in strengths)] for kind, strengths in STRENGTHS.items()}
    said = [
        f"{kind} {'; '.join(f'{s.label} {text.percent(float(s.values[:, -1].mean()))}' for s in series)}"
        for kind, series in panels.items()
    ]
    return Picture(
        name="corruptions",
        figure=examined.corruption_panels(panels, ticks),
        alt=f"Test accuracy under corruption. At the greatest strength: {'. '.join(said)}.",
        caption=f"{_seeds([found for _, found in arms])}; bands are the range over seeds. "
        f"{corruptions_sentence(results, found_in)}",
    )


def _seeds(found: Sequence[Sequence[object]]) -> str:
    numbers = sorted({len(of_arm) for of_arm in found})
    return f"Means over seeds (n = {' or '.join(map(str, numbers))})" if numbers != [1] else "One seed"
