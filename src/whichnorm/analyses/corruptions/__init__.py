"""Accuracy under common corruptions of the test images: noise, blur, contrast, JPEG, brightness."""

from typing import TYPE_CHECKING

from whichnorm.analyses.analysis import NoOptions
from whichnorm.analyses.per_run import PerRunAnalysis
from whichnorm.results.results import Results

if TYPE_CHECKING:
    from whichnorm.analyses.asking import Answers, Question
    from whichnorm.analyses.corruptions.measure import CorruptionScores
    from whichnorm.render.content import Section


class Corruptions(PerRunAnalysis[NoOptions, "CorruptionScores"]):
    name = "corruptions"
    title = "Corruptions"
    help = "show the accuracy of every arm under noise, blur, low contrast, JPEG and brightness"
    description = """\
Show the test accuracy of every arm under five kinds of corruption, each at
three strengths: noise, blur, low contrast, JPEG and brightness. Every network
sees the same corrupted images. Nothing is trained."""
    examples = """\
whichnorm corruptions runs/demo
whichnorm corruptions results/wynet_seeds --norms bn,gn:2 --json"""

    def question(self, options: NoOptions) -> "Question[CorruptionScores]":
        from whichnorm.analyses.corruptions.measure import QUESTION

        return QUESTION

    def answered(self, found: "Answers[CorruptionScores]", results: Results) -> "Section | None":
        from whichnorm.analyses.corruptions.section import corruptions_section

        return corruptions_section(found, results)
