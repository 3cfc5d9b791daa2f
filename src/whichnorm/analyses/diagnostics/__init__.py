"""Gradient norms, dead ReLU channels and the distance of activations, by layer and epoch."""

from typing import TYPE_CHECKING

from whichnorm.analyses.analysis import Analysis, NoOptions
from whichnorm.results.results import Results

if TYPE_CHECKING:
    from whichnorm.analyses.diagnostics.estimate import StudyDiagnostics
    from whichnorm.render.content import Section
    from whichnorm.study.study import Study


class Diagnostics(Analysis[NoOptions, "StudyDiagnostics | None"]):
    name = "diagnostics"
    title = "Diagnostics"
    help = "show gradient norms, dead ReLU channels and distances of activations over epochs"
    description = "Show what --diagnostics measured in training: gradients, dead channels and distances by layer."
    examples = "whichnorm diagnostics runs/demo"

    def measure(self, study: "Study", results: Results, options: NoOptions) -> "StudyDiagnostics | None":
        from whichnorm.analyses.diagnostics.estimate import read_study_diagnostics

        return read_study_diagnostics(study.spec.runs(), study.folder)

    def section(self, found: "StudyDiagnostics | None", results: Results) -> "Section | None":
        from whichnorm.analyses.diagnostics.estimate import diagnostics_sentences, estimate
        from whichnorm.analyses.diagnostics.pictures import diagnostics_pictures
        from whichnorm.analyses.diagnostics.tables import diagnostics_table, layer_tables
        from whichnorm.render.content import Folded, Section

        if not found:
            return None
        by_arm = [found.of_arm(results, arm) for arm in results.arm_names]
        arms = [estimate(runs) for runs in by_arm if runs]
        return Section(
            anchor=self.name,
            label=self.title,
            title="Diagnostics",
            sentences=tuple(diagnostics_sentences(results, found)),
            tables=(diagnostics_table(results, arms),) if arms else (),
            pictures=tuple(diagnostics_pictures(arms)),
            folded=tuple(
                Folded(summary=f"Diagnostics of {arm.arm} by layer", tables=layer_tables(arm)) for arm in arms
            ),
            wide=True,
        )
