"""How it was measured: the command, settings, versions and audit."""

from typing import TYPE_CHECKING

from whichnorm.analyses.analysis import Analysis, NoOptions
from whichnorm.results.results import Results

if TYPE_CHECKING:
    from whichnorm.render.content import Section
    from whichnorm.study.study import Study


class Method(Analysis[NoOptions, None]):
    name = "method"
    title = "Method"
    help = "say how a study was measured: command, settings, versions, audit"
    description = "Say how a study was measured: the command that makes it again, settings, versions and the audit."
    examples = "whichnorm method runs/demo"

    def measure(self, study: "Study", results: Results, options: NoOptions) -> None:
        """Nothing to measure: records say how they were made."""

    def section(self, found: None, results: Results) -> "Section":
        from whichnorm.analyses.headline import extent, question
        from whichnorm.analyses.method.again import again
        from whichnorm.analyses.method.citation import citation
        from whichnorm.analyses.method.sentences import finding, method_sentences, pairing_sentences
        from whichnorm.analyses.method.tables import audit_table, class_numbers_table, settings_tables, versions_table
        from whichnorm.render.content import Folded, Section

        how, code = again(results)
        settings = "Settings shared by all runs, also those that the chosen optimizer or schedule does not use"
        return Section(
            anchor=self.name,
            label=self.title,
            title=finding(results),
            sentences=(*method_sentences(results), *pairing_sentences(results), *how),
            code=(*code, citation(question(results), extent(results), results.records)),
            folded=(
                Folded(summary=settings, tables=tuple(settings_tables(results.study))),
                Folded(summary="Versions and hardware", tables=(versions_table(results.records),)),
                Folded(summary="Audit of every run", tables=(audit_table(results),)),
                Folded(
                    summary=f"The {len(results.class_names)} classes by number", tables=(class_numbers_table(results),)
                ),
            ),
        )
