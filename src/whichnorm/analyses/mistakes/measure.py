"""The misclassified images worth showing."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Mistake:
    """A misclassified test image: its place in the test split, its class, the predicted class and its softmax."""

    index: int
    label: int
    prediction: int
    confidence: float


def choose_mistakes(
    predictions: Sequence[int], confidences: Sequence[float], labels: Sequence[int], limit: int = 10
) -> list[Mistake]:
    """Return the mistakes made with the highest confidence, at most `limit`; equal ones by place in the split."""
    rows = enumerate(zip(labels, predictions, confidences, strict=True))
    wrong = [
        Mistake(index=i, label=label, prediction=prediction, confidence=confidence)
        for i, (label, prediction, confidence) in rows
        if label != prediction
    ]
    return sorted(wrong, key=lambda m: (-m.confidence, m.index))[:limit]
