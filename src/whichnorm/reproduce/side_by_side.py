"""Published beside measured: one row per arm and figure, with the noise of the test images for accuracies."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from whichnorm import stats
from whichnorm.reproduce.published import Published, PublishedArm, PublishedScores
from whichnorm.training.record import EpochRow, RunRecord


@dataclass(frozen=True, kw_only=True)
class Row:
    """One figure of an arm: an accuracy in [0, 1], or a loss in nats. A measured one is the mean over finished seeds.

    The interval of measured less published is Newcombe's for two independent shares of the test images (only test
    accuracy has one): it does not cover the noise between seeds, which comes on top.
    """

    norm: str
    figure: str  # "test accuracy, last": of the last or of the best epoch
    published: float | None
    measured: float | None
    seeds: int
    is_loss: bool = False
    ci95: tuple[float, float] | None = None  # of measured - published

    @property
    def difference(self) -> float | None:
        return None if self.published is None or self.measured is None else self.measured - self.published

    @property
    def beyond_image_noise(self) -> bool:
        return self.ci95 is not None and not self.ci95[0] <= 0 <= self.ci95[1]


def side_by_side(published: Published, records: Sequence[RunRecord], num_test_images: int) -> list[Row]:
    """Return the rows of every published arm, and of arms added to them."""
    return [row for arm in published.arms for row in _arm_rows(arm, records, num_test_images)]


def _arm_rows(arm: PublishedArm, records: Sequence[RunRecord], images: int) -> Iterator[Row]:
    runs = [run for run in records if run.arm == arm.norm and run.status == "finished"]
    yield _accuracy(arm.norm, "test", "last", arm.final, runs, images)
    yield _accuracy(arm.norm, "test", "best", arm.best, runs, images)
    yield _accuracy(arm.norm, "training", *_training(arm), runs, None)
    for split in ("test", "training"):
        if _score(arm.final, split, "loss") is not None:
            yield _row(arm.norm, split, "last", "loss", arm.final, runs)


def _training(arm: PublishedArm) -> tuple[str, PublishedScores]:
    """Return the epoch that the published training accuracy is of."""
    return ("best", arm.best) if arm.best.train_accuracy is not None else ("last", arm.final)


def _accuracy(
    norm: str, split: str, epoch: str, published: PublishedScores, runs: Sequence[RunRecord], num_images: int | None
) -> Row:
    row = _row(norm, split, epoch, "accuracy", published, runs)
    if row.published is None or row.measured is None or num_images is None:
        return row
    there, here = round(row.published * num_images), round(row.measured * num_images)
    interval = stats.proportion_difference(here, num_images, there, num_images)
    return replace(row, ci95=(interval.low, interval.high))


def _row(
    norm: str, split: str, epoch: str, quantity: str, published: PublishedScores, runs: Sequence[RunRecord]
) -> Row:
    rows: list[EpochRow] = [run.last if epoch == "last" else run.best_test for run in runs]
    values = [_score(row, split, quantity) for row in rows]
    finite = [value for value in values if value is not None]
    return Row(
        norm=norm,
        figure=f"{split} {quantity}, {epoch}",
        published=_score(published, split, quantity),
        measured=sum(finite) / len(finite) if finite else None,
        seeds=len(runs),
        is_loss=quantity == "loss",
    )


def _score(scores: PublishedScores | EpochRow, split: str, quantity: str) -> float | None:
    value: float | None = getattr(scores, f"{'train' if split == 'training' else split}_{quantity}")
    return value
