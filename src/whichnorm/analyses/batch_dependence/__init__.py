"""Batch dependence: whether an image's prediction changes with the other images of its batch."""

from typing import TYPE_CHECKING

from whichnorm.analyses.analysis import NoOptions
from whichnorm.analyses.per_run import PerRunAnalysis
from whichnorm.results.results import Results

if TYPE_CHECKING:
    from whichnorm.analyses.asking import Answers, Question
    from whichnorm.analyses.batch_dependence.measure import DependenceScores
    from whichnorm.render.content import Section


class BatchDependence(PerRunAnalysis[NoOptions, "DependenceScores"]):
    name = "batch-dependence"
    title = "Batch dependence"
    help = "show how many predictions change with the other images of a batch"
    description = """\
Show how many predictions of every arm change with the rest of the batch: with
the norm layers in training mode, and with the network in evaluation mode. It
is measured for every norm, not assumed."""
    examples = "whichnorm batch-dependence runs/demo"

    def question(self, options: NoOptions) -> "Question[DependenceScores]":
        from whichnorm.analyses.batch_dependence.measure import QUESTION

        return QUESTION

    def answered(self, found: "Answers[DependenceScores]", results: Results) -> "Section | None":
        from whichnorm.analyses.batch_dependence.section import batch_dependence_section

        return batch_dependence_section(found, results)
