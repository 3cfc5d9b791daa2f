"""What the arms got wrong, together and alone."""

from dataclasses import dataclass

from whichnorm.analyses.analysis import Analysis
from whichnorm.specs.checked import Checked
from whichnorm.specs.options import option


@dataclass(frozen=True, kw_only=True)
class MistakesOptions(Checked):
    labels: bool = option(True, "do not ask which labels the networks doubt", flag="--no-labels")


class Mistakes(Analysis):
    name = "mistakes"
    title = "Mistakes"
    help = "show misclassified test images: of each arm, of all arms, of one arm only"
    description = """\
Show what the arms of a study got wrong: the most confident mistakes of each
arm, the images that every arm misses, those that one arm alone misses, and
among the former those whose label the networks doubt.

Doubted labels are found by cleanlab (pip install 'whichnorm[labels]'), which
needs every trained network to be evaluated once more; --no-labels leaves it
out. So do networks that misclassify more than 10 % of the test images: nearly
all of their doubts are mistakes of their own."""
    examples = """\
whichnorm mistakes runs/demo
whichnorm mistakes results/session08 --data-dir data --norms bn,gn:8 --out figures
whichnorm mistakes results/session08 --norms bn --out mistakes.png"""
    options = MistakesOptions
