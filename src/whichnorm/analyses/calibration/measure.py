"""How much a network's confidence says: Guo et al., "On Calibration of Modern Neural Networks", ICML 2017."""

from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor

from whichnorm.analyses.analysis import NoOptions
from whichnorm.analyses.asking import Question, Trained
from whichnorm.specs.checked import Checked
from whichnorm.specs.value_types import Between, Count, Fraction

NUM_BINS = 15


@dataclass(frozen=True, kw_only=True)
class CalibrationScores(Checked):
    """Of a network's softmax on all test images; all figures are in [0, 1], the second signed."""

    expected_error: Fraction  # mean over images of |accuracy - confidence| of their bin
    overconfidence: Annotated[float, Between(-1, 1)]  # mean confidence less accuracy: above 0 it promises too much
    num_images: Count
    num_bins: Count


def calibration(logits: Tensor, labels: Tensor) -> CalibrationScores:
    """Return the expected calibration error of logits (N, num_classes), in bins of equal width over the confidence.

    A bin holds confidences above its lower end, up to and with its upper one. Logits that are not finite have no
    confidence and count as 0.
    """
    top, predictions = logits.double().softmax(1).nan_to_num(0.0).max(1)
    right = (predictions == labels).double()
    places = (top * NUM_BINS).ceil().long().clamp(1, NUM_BINS) - 1
    gaps = torch.zeros(NUM_BINS, dtype=torch.float64).index_add_(0, places, top - right)
    return CalibrationScores(
        expected_error=float(gaps.abs().sum()) / len(labels),  # a bin's share times the gap of its means
        overconfidence=float((top - right).mean()),
        num_images=len(labels),
        num_bins=NUM_BINS,
    )


def _asked(trained: Trained) -> CalibrationScores:
    test = trained.splits_on_cpu.test
    return calibration(trained.subject.logits_in_parts(test.images), test.labels)


def question(options: NoOptions) -> Question[CalibrationScores]:
    return Question(name="calibration", kind=CalibrationScores, ask=_asked, old_key="calibration")
