"""The table of calibration."""

from collections.abc import Sequence

from whichnorm.analyses.arms import arm_cell
from whichnorm.analyses.calibration.measure import CalibrationScores
from whichnorm.analyses.over_seeds import MEANS, mean_cell, seeds_cell, signed_points
from whichnorm.render.table import Table
from whichnorm.results.results import Results

Arms = Sequence[tuple[str, Sequence[CalibrationScores]]]


def calibration_table(results: Results, arms: Arms) -> Table:
    """One row per arm: expected calibration error and overconfidence."""
    return Table(
        caption=f"Confidence against accuracy on the test images. {MEANS}",
        headings=("Arm", "Expected calibration error", "Overconfidence, points", "Seeds"),
        rows=tuple(
            (
                arm_cell(results, arm),
                mean_cell([one.expected_error for one in found]),
                mean_cell([one.overconfidence for one in found], signed_points),
                seeds_cell(found),
            )
            for arm, found in arms
        ),
    )
