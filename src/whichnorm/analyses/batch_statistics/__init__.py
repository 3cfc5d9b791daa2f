"""BatchNorm's statistics: what poor running statistics cost, and how far those of batches are from them."""

from typing import TYPE_CHECKING

from whichnorm.analyses.analysis import NoOptions
from whichnorm.analyses.per_run import PerRunAnalysis
from whichnorm.results.results import Results

if TYPE_CHECKING:
    from whichnorm.analyses.asking import Answers, Question
    from whichnorm.analyses.batch_statistics.measure import StatisticsScores
    from whichnorm.render.content import Section


class BatchStatistics(PerRunAnalysis[NoOptions, "StatisticsScores"]):
    name = "batch-statistics"
    title = "BatchNorm's statistics"
    help = "show what BatchNorm's running statistics cost, by network and layer"
    description = """\
Show the test accuracy of every network with BatchNorm with its running
statistics, with precise ones of all training images, and with those of test
batches; and how far these statistics are apart in every layer."""
    examples = "whichnorm batch-statistics runs/demo"

    def question(self, options: NoOptions) -> "Question[StatisticsScores]":
        from whichnorm.analyses.batch_statistics.measure import QUESTION

        return QUESTION

    def answered(self, found: "Answers[StatisticsScores]", results: Results) -> "Section | None":
        from whichnorm.analyses.batch_statistics.section import batch_statistics_section

        return batch_statistics_section(found, results)
