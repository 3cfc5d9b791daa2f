"""What a run has done so far, which its checkpoint keeps beside the tensors."""

from dataclasses import dataclass

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
