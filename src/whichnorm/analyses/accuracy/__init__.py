"""Every arm's accuracy, and the paired differences between arms."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from whichnorm.analyses.analysis import Analysis, NoOptions
from whichnorm.results.comparisons import Comparison
from whichnorm.results.results import ArmResult, Results

if TYPE_CHECKING:
    from whichnorm.study.study import Study


@dataclass(frozen=True, kw_only=True)
class AccuracyFound:
    """The accuracies of the arms, and the paired differences between them."""

    arms: tuple[ArmResult, ...]
    comparisons: tuple[Comparison, ...]


class Accuracy(Analysis):
    name = "accuracy"
    title = "Accuracy"
    help = "show every arm's accuracy and the paired differences between arms"
    description = "Show the accuracy of every arm of a study, and the paired differences between arms with intervals."
    examples = "whichnorm accuracy runs/demo"

    def measure(self, study: "Study", results: Results, options: NoOptions) -> AccuracyFound:
        return AccuracyFound(arms=results.arms, comparisons=results.comparisons)
