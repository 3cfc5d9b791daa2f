"""What an analysis is: one question asked of a study's finished runs, and the section of the report that answers it."""

from dataclasses import dataclass, replace
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar

from whichnorm.results.results import Results

if TYPE_CHECKING:  # drawing and training are slow to import, and the command line needs names and options only
    from whichnorm.render.content import Section
    from whichnorm.study.study import Study


@dataclass(frozen=True, kw_only=True)
class NoOptions:
    """Of an analysis that leaves nothing to choose."""


class Analysis:
    """One topic: what can be chosen, what is measured, and how it is shown.

    Its folder has `measure(study, results, options)` in measure.py and `section(found, results)` in section.py. The
    first asks the records, and where it must the trained networks, once: what it finds is frozen, and is kept in the
    study's folder where networks had to be run. The second is pure: the same findings give the same tables, figures and
    sentences. The report has every analysis in its order; a command of the same name prints the same section. Both
    files are imported when they are needed, so that the command line can name an analysis without PyTorch or
    matplotlib.
    """

    name: ClassVar[str]  # of the command, the section's anchor and its files
    title: ClassVar[str]  # in the list of contents, and of a section that cannot be made
    help: ClassVar[str]
    description: ClassVar[str]
    examples: ClassVar[str]
    options: ClassVar[type[Any]] = NoOptions
    nothing: ClassVar[str] = "Nothing to show."  # said where there is no section

    def measure(self, study: "Study", results: Results, options: Any) -> Any:
        """Ask a study's runs. Raises WhichnormError where there is no answer: its text stands in the section's place.

        results may be of some of the study's arms only (`Results.only`).
        """
        return self._file("measure").measure(study, results, options)

    def section(self, found: Any, results: Results) -> "Section | None":
        """Say and show what was found; None where there is nothing to say."""
        section = self._file("section").section(found, results)
        return section and replace(section, anchor=self.name, label=section.label or self.title)

    def of_report(self) -> Any:
        """Return the options under which the report asks."""
        return self.options()

    def _file(self, name: str) -> Any:
        return import_module(f"{type(self).__module__}.{name}")
