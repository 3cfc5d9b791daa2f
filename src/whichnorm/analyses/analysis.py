"""What an analysis is: one question asked of a study's finished runs, and the section of the report that answers it."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from whichnorm.results.results import Results

if TYPE_CHECKING:  # drawing and training are slow to import, and the command line needs names and options only
    from whichnorm.render.content import Section
    from whichnorm.study.study import Study

OptionsT = TypeVar("OptionsT")
FoundT = TypeVar("FoundT")


@dataclass(frozen=True, kw_only=True)
class NoOptions:
    """Of an analysis that leaves nothing to choose."""


class Analysis(ABC, Generic[OptionsT, FoundT]):
    """One topic: what can be chosen, what is measured, and how it is shown.

    `measure` asks the records, and where it must the trained networks, once: what it finds is frozen, and is kept in
    the study's folder where networks had to be run. `section` is pure: the same findings give the same tables, figures
    and sentences. The report has every analysis in its order; a command of the same name prints the same section.
    Both import what is slow inside, so that the command line can name an analysis without PyTorch or matplotlib.
    """

    name: ClassVar[str]  # of the command, the section's anchor and its files
    title: ClassVar[str]  # in the list of contents, and of a section that cannot be made
    help: ClassVar[str]
    description: ClassVar[str]
    examples: ClassVar[str]
    options: ClassVar[type[Any]] = NoOptions
    nothing: ClassVar[str] = "Nothing to show."  # said where there is no section

    @abstractmethod
    def measure(self, study: "Study", results: Results, options: OptionsT) -> FoundT:
        """Ask a study's runs. Raises WhichnormError where there is no answer: its text stands in the section's place.

        results may be of some of the study's arms only (`Results.only`).
        """

    @abstractmethod
    def section(self, found: FoundT, results: Results) -> "Section | None":
        """Say and show what was found; None where there is nothing to say."""

    def of_report(self) -> OptionsT:
        """Return the options under which the report asks."""
        return self.options()
