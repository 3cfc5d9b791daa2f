"""What a run has done so far, which its checkpoint keeps beside the tensors."""

import math
from dataclasses import dataclass

from torch import Tensor

from whichnorm.training.record import Audit, EpochRow


@dataclass
class TrainingState:
    """What a run has done so far, and all that goes on changing in it apart from the tensors."""

    epochs: list[EpochRow]
    audit: Audit | None
    evaluate_seconds: float = 0.0

    @property
    def diverged(self) -> bool:
        return bool(self.epochs) and self.epochs[-1].train_loss is None

    def warnings(self, num_epochs: int, train_labels: Tensor) -> list[str]:
        """Say what is wrong with a run that went to its end: at chance after a quarter of it, and still in the end."""
        quarter = math.ceil(num_epochs / 4)
        if len(self.epochs) < quarter or self.diverged:
            return []
        row, last = self.epochs[quarter - 1], self.epochs[-1]
        if not all(at_chance(one.train_accuracy, train_labels) for one in (row, last)):
            return []
        return [
            f"at chance from epoch {quarter} of {num_epochs} to the last: training accuracy {last.train_accuracy:.1%}"
        ]


def at_chance(train_accuracy: float, labels: Tensor) -> bool:
    """Tell whether an accuracy over these labels is no better than always naming the commonest class.

    The bound is three standard deviations of a binomial count above that class's share.
    """
    share = float(labels.bincount().max()) / len(labels)
    return train_accuracy <= share + 3 * math.sqrt(share * (1 - share) / len(labels))
