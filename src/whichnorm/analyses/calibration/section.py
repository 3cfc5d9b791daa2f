"""The section of calibration."""

import numpy as np

from whichnorm.analyses.asking import Answers
from whichnorm.analyses.calibration.measure import CalibrationScores
from whichnorm.analyses.over_seeds import Arms, Column, by_arm, means_table, signed_points
from whichnorm.render import text
from whichnorm.render.content import Folded, Section
from whichnorm.render.table import Table
from whichnorm.results.results import Results
from whichnorm.specs.names import enclosed

MEANING = "An overconfident network is right less often than its confidence says, an underconfident one more often."


def section(found: Answers[CalibrationScores], results: Results) -> Section | None:
    """Say what confidence is worth."""
    arms = by_arm(results, found)
    if not arms:
        return None
    return Section(
        title=finding(arms),
        sentences=(f"{MEANING}{_smoothing(results)}",),
        tables=(calibration_table(results, arms),),
        folded=(Folded(summary="How calibration was measured", sentences=(_method(arms[0][1][0]),)),),
    )


def calibration_table(results: Results, arms: Arms[CalibrationScores]) -> Table:
    """Return expected calibration error and overconfidence of every arm."""
    return means_table(
        results, arms, "Confidence against accuracy on the test images.",
        Column("Expected calibration error", lambda one: one.expected_error),
        Column("Overconfidence, points", lambda one: one.overconfidence, signed_points),
    )  # fmt: skip


def finding(arms: Arms[CalibrationScores]) -> str:
    """Say whether arms promise too much or too little: "All arms are underconfident, by 9.5 to 9.9 points"."""
    means = {arm: float(np.mean([one.overconfidence for one in found])) for arm, found in arms}
    least, most = min(means, key=lambda arm: means[arm]), max(means, key=lambda arm: means[arm])
    if len(means) == 1:
        return f"{enclosed([most])} is {_word(means[most])} by {_points(means[most])} points"
    if _word(means[least]) == _word(means[most]):
        near, far = map(_points, sorted((means[least], means[most]), key=abs))
        return f"All arms are {_word(means[most])}, by {near if near == far else f'{near} to {far}'} points"
    return (
        f"{enclosed([most])} is {_word(means[most])} by {_points(means[most])} points, "
        f"{enclosed([least])} {_word(means[least])} by {_points(means[least])}"
    )


def _word(overconfidence: float) -> str:
    return "overconfident" if overconfidence >= 0 else "underconfident"


def _points(overconfidence: float) -> str:
    return f"{100 * abs(overconfidence):.1f}"


def _smoothing(results: Results) -> str:
    smoothing = results.study["recipe"].get("label_smoothing", 0)
    return f" The recipe smooths labels by {smoothing:g}, which lowers confidence." if smoothing else ""


def _method(first: CalibrationScores) -> str:
    return (
        f"Expected calibration error: all {text.count(first.num_images, 'test image')} fall into {first.num_bins} bins "
        "of equal width by the softmax of their predicted class; the error is the mean difference of accuracy and "
        "confidence in a bin, weighted by its images. Overconfidence is mean confidence less accuracy. Guo et al., "
        '"On Calibration of Modern Neural Networks", ICML 2017.'
    )
