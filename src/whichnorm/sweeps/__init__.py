"""Sweeps over batch sizes and numbers of groups: a study per point, and what they say together."""

from whichnorm.sweeps.results import SweepResults
from whichnorm.sweeps.run import sweep

__all__ = ["SweepResults", "sweep"]
