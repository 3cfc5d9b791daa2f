"""Published beside measured: one row per arm and figure, with the noise of the test images."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from whichnorm import stats
from whichnorm.reproduce.published import Published, PublishedArm, PublishedScores
from whichnorm.training.record import EpochRow, RunRecord


@dataclass(frozen=True, kw_only=True)
class Row:
    """One figure of an arm, in [0, 1]. A measured one is the mean over the finished seeds.

    The interval of measured less published is Newcombe's for two independent shares of the test images (training
    accuracy has none): it does not cover the noise between seeds, which comes on top.
    """

    norm: str
    figure: str
    published: float | None
    measured: float | None
    seeds: int
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
    for epoch, scores in (("last", arm.final), ("best", arm.best)):
        measured = _mean(runs, epoch, "test")
        yield _row(arm.norm, f"test, {epoch} epoch", scores.test_accuracy, measured, runs, images)
    epoch, scores = _training(arm)
    yield _row(arm.norm, f"training, {epoch} epoch", scores.train_accuracy, _mean(runs, epoch, "train"), runs, None)


def _training(arm: PublishedArm) -> tuple[str, PublishedScores]:
    """Return the epoch that the published training accuracy is of."""
    return ("best", arm.best) if arm.best.train_accuracy is not None else ("last", arm.final)


def _mean(runs: Sequence[RunRecord], epoch: str, split: str) -> float | None:
    rows: list[EpochRow] = [run.last if epoch == "last" else run.best_test for run in runs]
    values = [getattr(row, f"{split}_accuracy") for row in rows]
    return sum(values) / len(values) if values else None


def _row(norm: str, figure: str, published: float | None, measured: float | None, runs: Sequence[RunRecord],
         num_images: int | None) -> Row:  # fmt: skip
    ci95 = None
    if published is not None and measured is not None and num_images is not None:
        there, here = round(published * num_images), round(measured * num_images)
        interval = stats.proportion_difference(here, num_images, there, num_images)
        ci95 = (interval.low, interval.high)
    return Row(norm=norm, figure=figure, published=published, measured=measured, seeds=len(runs), ci95=ci95)
