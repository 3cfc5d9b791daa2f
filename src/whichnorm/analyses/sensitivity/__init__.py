"""Sensitivity analysis: does the answer hold at tuned learning rates and under other recipes?"""

from typing import TYPE_CHECKING

from whichnorm.analyses.analysis import Analysis, NoOptions
from whichnorm.errors import SpecError

if TYPE_CHECKING:
    from whichnorm.analyses.sensitivity.found import Sensitivity
    from whichnorm.results.results import Results
    from whichnorm.study.study import Study


class SensitivityAnalysis(Analysis):
    name = "sensitivity"
    title = "Sensitivity"
    nothing = "Nothing to show: the study was made without --tune-lr and --recipes, which whichnorm compare takes."
    help = "show whether the answer holds at tuned learning rates and under other recipes"
    description = """\
Show what compare trained with --tune-lr and --recipes, and whether the answer
holds there. Nothing is trained."""
    examples = "whichnorm sensitivity runs/demo"

    def measure(self, study: "Study", results: "Results", options: NoOptions) -> "Sensitivity":
        from whichnorm.analyses.sensitivity.found import Sensitivity
        from whichnorm.analyses.sensitivity.run import read_follow_ups

        if set(results.all_arms) - set(results.arm_names):
            raise SpecError("sensitivity is about the order of all arms of a study; leave --norms out")
        return Sensitivity.of(read_follow_ups(study, results), results)
