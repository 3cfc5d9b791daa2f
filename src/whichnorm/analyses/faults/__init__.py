"""Which runs went wrong."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from whichnorm.analyses.analysis import Analysis, NoOptions
from whichnorm.results.results import Results

if TYPE_CHECKING:
    from whichnorm.study.study import Study


@dataclass(frozen=True, kw_only=True)
class FaultyRun:
    """A run that failed or diverged, or finished with a warning, and why."""

    arm: str
    seed: int
    status: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class FaultsFound:
    runs: tuple[FaultyRun, ...]


class Faults(Analysis):
    name = "faults"
    title = "What went wrong"
    nothing = "Every run finished, and none stayed at chance."
    help = "list the runs that failed, diverged or stayed at chance"
    description = "List the runs of a study that failed, diverged or stayed at chance, with the reasons."
    examples = "whichnorm faults runs/demo"

    def measure(self, study: "Study", results: Results, options: NoOptions) -> FaultsFound:
        return FaultsFound(
            runs=tuple(
                FaultyRun(arm=run.arm, seed=run.seed, status=run.status, reason=run.reason or "; ".join(run.warnings))
                for run in results.faults
            )
        )
