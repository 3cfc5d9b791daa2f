"""The questions asked of a study's finished runs, one room each; the report has them in this order."""

from whichnorm.analyses.accuracy import Accuracy
from whichnorm.analyses.analysis import Analysis
from whichnorm.analyses.batch_dependence import BatchDependence
from whichnorm.analyses.batch_statistics import BatchStatistics
from whichnorm.analyses.calibration import Calibration
from whichnorm.analyses.classes import Classes
from whichnorm.analyses.confusion import Confusion
from whichnorm.analyses.corruptions import Corruptions
from whichnorm.analyses.cost import Cost
from whichnorm.analyses.curves import Curves
from whichnorm.analyses.diagnostics import Diagnostics
from whichnorm.analyses.faults import Faults
from whichnorm.analyses.gradcam import GradCam
from whichnorm.analyses.method import Method
from whichnorm.analyses.mistakes import Mistakes
from whichnorm.analyses.sensitivity import SensitivityAnalysis

ANALYSES: tuple[Analysis, ...] = (
    Faults(), Accuracy(), SensitivityAnalysis(), Curves(), Mistakes(), Confusion(), Classes(), GradCam(), Diagnostics(),
    BatchStatistics(), Corruptions(), Calibration(), BatchDependence(), Cost(), Method(),
)  # fmt: skip
