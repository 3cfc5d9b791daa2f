"""The published comparisons trained again, and their figures beside the measured ones."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from whichnorm.api import execute, prepare
from whichnorm.files import write_in_one_step
from whichnorm.reproduce.published import NAMES, Published, find_published
from whichnorm.reproduce.side_by_side import Row, side_by_side
from whichnorm.study.progress import Progress
from whichnorm.study_results import StudyResults

__all__ = ["NAMES", "Reproduction", "reproduce"]

QUICK = {"epochs": 1, "train_limit": 2000}  # does everything run? its accuracies say nothing


@dataclass(frozen=True, kw_only=True, eq=False)
class Reproduction:
    """A published comparison and what was measured when it was trained again."""

    published: Published
    results: StudyResults
    rows: tuple[Row, ...]
    page: Path  # report/reproduction.md


def reproduce(
    name: str,
    *,
    quick: bool = False,
    seeds: int | Sequence[int] = 1,
    data_dir: str | Path | None = None,
    download: bool = True,
    threads: int | None = None,
    precision: str = "auto",
    device: str = "cpu",
    out: str | Path | None = None,
    progress: Progress | None = None,
) -> Reproduction:
    """Train a published comparison again and set its figures beside the measured ones.

    name is one of wynet, mnist_s6, session08, residual8, lcifar and grouped_cifar. Network, recipe and arms are the
    published ones, on all training images and with the test set's curves, as published; `quick` is a smoke run of one
    epoch on 2,000 images. Given again, the same call goes on where an earlier one stopped. Raises WhichnormError for
    input that cannot be used.
    """
    published = find_published(name)
    options: dict[str, Any] = QUICK if quick else {}
    study = prepare(
        published.data, norms=[arm.norm for arm in published.arms], model=name, seeds=seeds, recipe=name, val=0,
        data_dir=data_dir, download=download, device=device, threads=threads, precision=precision,
        out=out or Path("runs") / f"reproduce-{name}{'-quick' if quick else ''}", **options,
    )  # fmt: skip
    results = execute(study, max_params=None, progress=progress or Progress())
    rows = side_by_side(published, results.records, results.num_test_images)
    page = _write(published, rows, results)
    return Reproduction(published=published, results=results, rows=tuple(rows), page=page)


def _write(published: Published, rows: Sequence[Row], results: StudyResults) -> Path:
    """Write the page, and the picture where there are published logs, beside the study's report."""
    from whichnorm.render.style import saved
    from whichnorm.reproduce.picture import draw_curves, has_curves
    from whichnorm.reproduce.text import markdown

    folder = results.folder / "report"
    curves = None
    if has_curves(published):
        for suffix, data in saved(draw_curves(published, results.records)).items():
            write_in_one_step(folder / f"published_curves.{suffix}", data)
        curves = "published_curves.png"
    page = folder / "reproduction.md"
    write_in_one_step(page, markdown(published, rows, results.records, results.num_test_images, curves).encode())
    return page
