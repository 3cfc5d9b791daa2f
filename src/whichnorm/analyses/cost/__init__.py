"""What every arm costs: time and memory of a training step, latency of the exported network."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from whichnorm.analyses.per_run import PerRunAnalysis
from whichnorm.specs.checked import Checked
from whichnorm.specs.options import option

if TYPE_CHECKING:
    from whichnorm.analyses.asking import Answers
    from whichnorm.study.study import Study


@dataclass(frozen=True, kw_only=True)
class CostOptions(Checked):
    """What is measured if it is not known yet."""

    latency: bool = option(
        True, "do not export and time the trained networks, seconds per arm", flag="--no-latency"
    )  # fmt: skip


class Cost(PerRunAnalysis):
    name = "cost"
    title = "Cost"
    help = "show every arm's parameters, time and memory of a training step, and latency"
    description = """\
Show what every arm costs: parameters, time and peak memory of a training step,
and latency of the exported network. Steps of all arms are timed in turn, a few
of each at a time, for at most some ten seconds per arm: times of whole runs
also hold what else the machine did. What was measured before is not measured
again."""
    examples = """\
whichnorm cost runs/demo
whichnorm cost runs/demo --no-latency"""
    options = CostOptions

    def together(self, study: "Study", answers: "Answers[Any]") -> "Answers[Any]":
        found: Answers[Any] = self._file("measure").together(study, answers)
        return found
