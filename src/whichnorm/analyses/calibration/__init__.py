"""Calibration: whether a network is right as often as its confidence says."""

from typing import TYPE_CHECKING

from whichnorm.analyses.analysis import NoOptions
from whichnorm.analyses.per_run import PerRunAnalysis
from whichnorm.results.results import Results

if TYPE_CHECKING:
    from whichnorm.analyses.asking import Answers, Question
    from whichnorm.analyses.calibration.measure import CalibrationScores
    from whichnorm.render.content import Section


class Calibration(PerRunAnalysis[NoOptions, "CalibrationScores"]):
    name = "calibration"
    title = "Calibration"
    help = "show whether networks are right as often as their confidence says"
    description = """\
Show the expected calibration error of every arm on the test images, and
whether its networks promise too much or too little."""
    examples = "whichnorm calibration runs/demo"

    def question(self, options: NoOptions) -> "Question[CalibrationScores]":
        from whichnorm.analyses.calibration.measure import QUESTION

        return QUESTION

    def answered(self, found: "Answers[CalibrationScores]", results: Results) -> "Section | None":
        from whichnorm.analyses.calibration.section import calibration_section

        return calibration_section(found, results)
