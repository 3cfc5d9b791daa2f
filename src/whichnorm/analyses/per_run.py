"""Analyses that ask the trained network of every finished run one question."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from whichnorm.analyses.analysis import Analysis
from whichnorm.results.results import Results

if TYPE_CHECKING:
    from whichnorm.analyses.asking import Answers, Question
    from whichnorm.render.content import Section
    from whichnorm.study.study import Study


class PerRunAnalysis(Analysis):
    """An analysis whose findings are the networks' answers to one question: `question(options)` in measure.py.

    What a network answered is kept in the study's folder beside the hash of its weights, so each is asked once. A
    network that cannot be asked has a reason in place of an answer.
    """

    def question(self, options: Any) -> "Question[Any]":
        """Return what every network is asked."""
        question: Question[Any] = self._file("measure").question(options)
        return question

    def together(self, study: "Study", answers: "Answers[Any]") -> "Answers[Any]":
        """Return the answers with what is found of all networks together, where there is such a thing."""
        return answers

    def measure(self, study: "Study", results: Results, options: Any) -> "Answers[Any]":
        return measure_together(study, results, [self], {self.name: options})[self.name]

    def section(self, found: "Answers[Any]", results: Results) -> "Section | None":
        from whichnorm.analyses.over_seeds import with_reasons

        return with_reasons(super().section(found, results), found, self.name, self.title)


def measure_together(
    study: "Study", results: Results, analyses: Sequence[Analysis], options: Mapping[str, Any]
) -> "dict[str, Answers[Any]]":
    """Measure all analyses of this kind at once, so that each network is opened once; return what they found by name.

    `options` are those of every analysis by its name.
    """
    from whichnorm.analyses.asking import ask_runs

    asking = [analysis for analysis in analyses if isinstance(analysis, PerRunAnalysis)]
    answers = ask_runs(study, results, [analysis.question(options[analysis.name]) for analysis in asking])
    return {analysis.name: analysis.together(study, answers[analysis.name]) for analysis in asking}
