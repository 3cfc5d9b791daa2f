"""Analyses that ask the trained network of every finished run one question."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic

from whichnorm.analyses.analysis import Analysis, FoundT, OptionsT
from whichnorm.results.results import Results

if TYPE_CHECKING:
    from whichnorm.analyses.asking import Answers, Question
    from whichnorm.render.content import Section
    from whichnorm.study.study import Study


class PerRunAnalysis(Analysis[OptionsT, "Answers[Any]"], Generic[OptionsT, FoundT]):
    """An analysis whose findings are the networks' answers to one question.

    What a network answered is kept in the study's folder beside the hash of its weights, so each is asked once. A
    network that cannot be asked has a reason in place of an answer.
    """

    @abstractmethod
    def question(self, options: OptionsT) -> "Question[FoundT]":
        """Return what every network is asked."""

    def measure(self, study: "Study", results: Results, options: OptionsT) -> "Answers[FoundT]":
        from whichnorm.analyses.asking import ask_runs

        return ask_runs(study, results, [self.question(options)])[self.name]

    @abstractmethod
    def answered(self, found: "Answers[FoundT]", results: Results) -> "Section | None":
        """Say and show what the networks answered; None if there is no answer."""

    def section(self, found: "Answers[FoundT]", results: Results) -> "Section | None":
        from whichnorm.analyses.over_seeds import with_reasons

        return with_reasons(self.answered(found, results), found, self.name, self.title)


def measure_together(
    study: "Study", results: Results, analyses: Sequence[Analysis[Any, Any]], options: Mapping[str, Any]
) -> "dict[str, Answers[Any]]":
    """Measure all analyses of this kind at once, so that each network is opened once; return what they found by name.

    `options` are those of every analysis by its name.
    """
    from whichnorm.analyses.asking import ask_runs

    asking = [analysis for analysis in analyses if isinstance(analysis, PerRunAnalysis)]
    return ask_runs(study, results, [analysis.question(options[analysis.name]) for analysis in asking])
