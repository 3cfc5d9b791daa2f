"""Gradient norms, dead ReLU channels and the distance of activations, by layer and epoch."""

from typing import TYPE_CHECKING

from whichnorm.analyses.analysis import Analysis, NoOptions

if TYPE_CHECKING:
    from whichnorm.analyses.diagnostics.found import StudyDiagnostics
    from whichnorm.render.content import Section
    from whichnorm.results.results import Results
    from whichnorm.study.study import Study


class Diagnostics(Analysis[NoOptions, "StudyDiagnostics | None"]):
    name = "diagnostics"
    title = "Diagnostics"
    help = "show gradient norms, dead ReLU channels and distances of activations over epochs"
    description = """\
Show what compare measured with --diagnostics: gradient norms, dead ReLU
channels and the distances between images, by layer and epoch."""
    examples = "whichnorm diagnostics runs/demo"
    nothing = "Nothing to show: the study was trained without --diagnostics, which whichnorm compare takes."

    def measure(self, study: "Study", results: "Results", options: NoOptions) -> "StudyDiagnostics | None":
        from whichnorm.analyses.diagnostics.estimate import study_diagnostics

        return study_diagnostics(study, results)

    def section(self, found: "StudyDiagnostics | None", results: "Results") -> "Section | None":
        from whichnorm.analyses.diagnostics.section import diagnostics_section

        return diagnostics_section(found, results)
