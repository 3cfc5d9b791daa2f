"""Calibration: whether a network is right as often as its confidence says."""

from whichnorm.analyses.per_run import PerRunAnalysis


class Calibration(PerRunAnalysis):
    name = "calibration"
    title = "Calibration"
    help = "show whether networks are right as often as their confidence says"
    description = """\
Show the expected calibration error of every arm on the test images, and
whether its networks promise too much or too little."""
    examples = "whichnorm calibration runs/demo"
