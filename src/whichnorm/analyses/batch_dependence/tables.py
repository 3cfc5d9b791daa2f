"""The table of batch dependence."""

from collections.abc import Sequence

from whichnorm.analyses.arms import arm_cell
from whichnorm.analyses.batch_dependence.measure import DependenceScores
from whichnorm.analyses.over_seeds import MEANS, mean_cell, seeds_cell
from whichnorm.render.table import Table
from whichnorm.results.results import Results

Arms = Sequence[tuple[str, Sequence[DependenceScores]]]


def dependence_table(results: Results, arms: Arms) -> Table:
    """One row per arm: how many predictions change with the rest of the batch."""
    return Table(
        caption=f"Test images whose predicted class changes with the rest of their batch. {MEANS}",
        headings=("Arm", "Changed, norm layers in training mode", "Changed, evaluation mode", "Seeds"),
        rows=tuple(
            (
                arm_cell(results, arm),
                mean_cell([one.changed_in_batch_mode for one in found]),
                mean_cell([one.changed_in_evaluation for one in found]),
                seeds_cell(found),
            )
            for arm, found in arms
        ),
    )
