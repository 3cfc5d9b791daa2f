"""What every arm costs: training time, memory of a training step, latency of the exported network."""

from dataclasses import dataclass

from whichnorm.analyses.per_run import PerRunAnalysis
from whichnorm.specs.checked import Checked
from whichnorm.specs.options import option


@dataclass(frozen=True, kw_only=True)
class CostOptions(Checked):
    """What is measured if it is not known yet."""

    latency: bool = option(
        True, "do not export and time the trained networks, seconds per arm", flag="--no-latency"
    )  # fmt: skip


class Cost(PerRunAnalysis):
    name = "cost"
    title = "Cost"
    help = "show every arm's parameters, times, memory of a training step and latency"
    description = """\
Show what every arm costs: parameters and training time from its records, peak
memory of a training step and latency of the exported network from its first
trained network. What was measured before is not measured again."""
    examples = """\
whichnorm cost runs/demo
whichnorm cost runs/demo --no-latency"""
    options = CostOptions
