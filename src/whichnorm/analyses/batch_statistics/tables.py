"""Tables of BatchNorm's statistics: accuracy with each kind of them, and their distances by layer."""

from collections.abc import Iterator, Sequence

from whichnorm.analyses.batch_statistics.measure import LayerGap, StatisticsScores
from whichnorm.analyses.over_seeds import MEANS, Arms, Column, mean_cell, means_table, seeds_cell, signed_points
from whichnorm.render import text
from whichnorm.render.table import Cell, Table
from whichnorm.results.results import Results
from whichnorm.specs.names import arm_title

DISTANCES = ("batch_mean", "precise_mean", "batch_log_var", "precise_log_var")


def statistics_table(results: Results, arms: Arms[StatisticsScores]) -> Table:
    """One row per arm with BatchNorm: accuracy with its three kinds of statistics."""
    return means_table(
        results, arms, "Test accuracy after the last epoch.",
        Column("Running statistics", lambda one: one.running_accuracy),
        Column("Precise statistics", lambda one: one.precise_accuracy),
        Column("Batch statistics", lambda one: one.batch_accuracy),
        Column("Precise − running, points", lambda one: one.precise_accuracy - one.running_accuracy, signed_points),
    )  # fmt: skip


def statistics_sentence(arms: Arms[StatisticsScores]) -> str:
    """Say what the three kinds of statistics were taken from."""
    first = arms[0][1][0]
    batches = (
        f"those of {text.count(first.num_test_images, 'test image')} in random batches of {first.batch_size}"
        if first.batch_size
        else "undefined at a batch of one"
    )
    return (
        f"Precise statistics are those of all {first.num_train_images:,} training images without augmentation; batch "
        f"statistics are {batches}."
    )


def layers_table(arms: Arms[StatisticsScores]) -> Table:
    """One row per BatchNorm layer and arm: how far its statistics are from the running ones."""
    return Table(
        caption="Distance from the running statistics: root mean square over channels, for batches over batches too. "
        f"Means are in running standard deviations, variances natural logarithms of the ratio. {MEANS}",
        headings=(
            "Layer", "Arm", "Mean, batches", "Mean, precise", "Log variance, batches", "Log variance, precise", "Seeds",
        ),
        rows=tuple(_layer_rows(arms)),
        numeric_from=2,
    )  # fmt: skip


def _layer_rows(arms: Arms[StatisticsScores]) -> Iterator[tuple[Cell, ...]]:
    for arm, found in arms:
        for path, gaps in by_layer(found).items():
            distances = ([getattr(gap, name) for gap in gaps] for name in DISTANCES)
            cells = (mean_cell(values, "{:.3f}".format) for values in distances)
            yield Cell(text=text.printable(path)), Cell(text=arm_title(arm)), *cells, seeds_cell(gaps)


def by_layer(found: Sequence[StatisticsScores]) -> dict[str, list[LayerGap]]:
    """Return the gaps of every layer over an arm's seeds, by its path, in the network's order."""
    gaps: dict[str, list[LayerGap]] = {}
    for one in found:
        for layer in one.layers:
            gaps.setdefault(layer.path, []).append(layer)
    return gaps
