"""RunRecord: what one run left behind, one JSON file per run, put in place in one step.

A record that exists is a run that finished, well or badly; everything later reads records only.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from whichnorm.errors import SpecError, StudyError, shown
from whichnorm.files import place, write_in_one_step
from whichnorm.specs.checked import Checked
from whichnorm.specs.codec import decode
from whichnorm.specs.json_files import read_json
from whichnorm.specs.recipe import MAX_EPOCHS
from whichnorm.specs.value_types import Between, Count, Fraction, Seconds

SCHEMA = 1


Status = Literal["finished", "diverged", "failed"]


@dataclass(frozen=True, kw_only=True)
class EpochRow(Checked):
    """One line of a training log. Losses are the cross-entropy per image in nats, without smoothing or penalty;
    accuracies are in [0, 1]. The training figures are running means over the epoch, on augmented images."""

    epoch: Annotated[int, Between(1, MAX_EPOCHS)]
    learning_rate: float  # at the epoch's last step
    seconds: Seconds  # of training, evaluation excluded
    train_loss: float | None  # None where it was not finite
    train_accuracy: Fraction
    val_loss: float | None  # None also without a validation split
    val_accuracy: Fraction | None
    test_loss: float | None
    test_accuracy: Fraction


@dataclass(frozen=True, kw_only=True)
class Audit(Checked):
    """Proof that the run trained what its label says, taken from the network itself."""

    norm_layers: dict[str, Count]  # kind of layer to count, found in the trained network
    params: Count
    norm_params: Count
    initial_weights: str  # hash of all weights outside norm layers before training: equal for all arms at one seed
    zero_gradient: list[str]  # parameters whose first gradient was zero, so that they rightly did not move


@dataclass(frozen=True, kw_only=True)
class RunRecord(Checked):
    """One finished run. Accuracies are in [0, 1]; `reason` is empty for a run without a fault."""

    schema: int
    arm: str
    seed: int
    status: Status
    reason: str
    warnings: list[str]
    epochs: list[EpochRow]
    audit: Audit | None
    test_predictions: list[Count]  # of the last epoch, in the test split's order
    test_confidences: list[Fraction]  # softmax of the predicted class, four digits
    spec: dict[str, Any]
    environment: dict[str, str | int]
    evaluate_seconds: Seconds

    @property
    def last(self) -> EpochRow:
        return self.epochs[-1]

    @property
    def train_seconds(self) -> float:
        return sum(row.seconds for row in self.epochs)

    @property
    def best_test(self) -> EpochRow:
        """The epoch with the highest test accuracy, which published projects quote: chosen on the test set."""
        return max(self.epochs, key=lambda row: row.test_accuracy)


def end_warnings(epochs: Sequence[EpochRow], test_labels: ArrayLike) -> list[str]:
    """Say that a run ended at chance: on training and on test images no better than naming the commonest class."""
    if not epochs or epochs[-1].train_loss is None:
        return []
    last = epochs[-1]
    if not (at_chance(last.train_accuracy, test_labels) and at_chance(last.test_accuracy, test_labels)):
        return []
    return [f"ended at chance: training accuracy {last.train_accuracy:.1%}, test accuracy {last.test_accuracy:.1%}"]


def at_chance(accuracy: float, labels: ArrayLike) -> bool:
    """Tell whether an accuracy over labels (N,) is no better than always naming the commonest class.

    The bound is three standard deviations of a binomial count above that class's share.
    """
    counts = np.bincount(np.asarray(labels))
    share, N = counts.max() / counts.sum(), counts.sum()
    return bool(accuracy <= share + 3 * np.sqrt(share * (1 - share) / N))


def write_record(path: Path, record: RunRecord) -> None:
    """Put a record in place: JSON with one field per line."""
    fields_as_lines = (f"{json.dumps(k)}: {json.dumps(v, allow_nan=False)}" for k, v in asdict(record).items())
    write_in_one_step(path, ("{\n" + ",\n".join(fields_as_lines) + "\n}\n").encode())


def read_record(path: Path) -> RunRecord:
    """Read a record back; a damaged one is a StudyError that names the file."""
    where = f"{place(path)}: not a readable run record"
    try:
        raw = read_json(path, where)
        if isinstance(raw, dict) and raw.get("schema", SCHEMA) != SCHEMA:
            raise SpecError(f"{where}: of another version (schema {shown(raw['schema'])}, expected {SCHEMA})")
        record = decode(raw, RunRecord, where)
        if record.status == "finished" and not record.epochs:
            raise SpecError(f"{where}: a finished run without epochs")
        return record
    except SpecError as error:
        raise StudyError(f"{error}; delete it to train this run again: the others are kept") from None


def check_predictions(record: RunRecord, num_images: int, num_classes: int, path: Path) -> None:
    """Raise StudyError where a finished record's predictions cannot be those of a test split of this size."""
    predictions = record.test_predictions
    if record.status != "finished":
        return
    lengths = {len(predictions), len(record.test_confidences)}
    if lengths != {num_images} or not 0 <= min(predictions) <= max(predictions) < num_classes:
        raise StudyError(
            f"{path}: its {len(predictions):,} predictions are not those of {num_images:,} test images of "
            f"{num_classes} classes; delete it to train this run again: the others are kept"
        )
