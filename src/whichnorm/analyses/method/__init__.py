"""How it was measured: the command, settings, versions and audit."""

from typing import TYPE_CHECKING

from whichnorm.analyses.analysis import Analysis, NoOptions
from whichnorm.results.results import Results

if TYPE_CHECKING:
    from whichnorm.study.study import Study


class Method(Analysis):
    name = "method"
    title = "Method"
    help = "say how a study was measured: command, settings, versions, audit"
    description = "Say how a study was measured: the command that makes it again, settings, versions and the audit."
    examples = "whichnorm method runs/demo"

    def measure(self, study: "Study", results: Results, options: NoOptions) -> None:
        """Nothing to measure: records say how they were made."""
