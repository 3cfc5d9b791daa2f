"""The published comparisons trained again, and their figures beside the measured ones."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from whichnorm.api import execute, prepare
from whichnorm.files import write_in_one_step
from whichnorm.reproduce.published import NAMES, Published, check_name, find_published
from whichnorm.specs.keywords import takes
from whichnorm.specs.study_options import ReproduceOptions

if TYPE_CHECKING:  # training is slow to import
    from whichnorm.reproduce.side_by_side import Row
    from whichnorm.study.events import Listener
    from whichnorm.study_results import StudyResults

__all__ = ["NAMES", "Reproduction", "check_name", "reproduce"]

QUICK = {"epochs": 1, "train_limit": 2000}  # does everything run? its accuracies say nothing


@dataclass(frozen=True, kw_only=True, eq=False)
class Reproduction:
    """A published comparison and what was measured when it was trained again."""

    published: Published
    results: "StudyResults"
    rows: "tuple[Row, ...]"
    page: Path  # report/reproduction.md


@takes(ReproduceOptions)
def reproduce(name: str, options: ReproduceOptions, *, progress: "Listener | None" = None) -> Reproduction:
    """Train a published comparison again and set its figures beside the measured ones.

    name is one of wynet, mnist_s6, session08, residual8, lcifar and grouped_cifar. Network, recipe and arms are the
    published ones, on all training images and with the test set's curves, as published. Given again, the same call
    goes on where an earlier one stopped. Raises WhichnormError for input that cannot be used.
    """
    from whichnorm.reproduce.side_by_side import side_by_side

    published = find_published(name)
    study = prepare(**study_options(published, options))
    results = execute(study, progress=progress)
    rows = side_by_side(published, results.records, results.num_test_images)
    page = _write(published, rows, results)
    return Reproduction(published=published, results=results, rows=tuple(rows), page=page)


def study_options(published: Published, options: ReproduceOptions) -> dict[str, Any]:
    """Return the options of `prepare` that make a published comparison again."""
    name, quick = published.name, "-quick" if options.quick else ""
    given = {keyword: value for keyword, value in vars(options).items() if keyword != "quick"}
    own = {
        "norms": [arm.norm for arm in published.arms],
        "model": name,
        "recipe": name,
        "data": published.data,
        "val": 0,
    }
    return {**given, **own, **(QUICK if quick else {}), "out": options.out or Path("runs") / f"reproduce-{name}{quick}"}


def _write(published: Published, rows: "Sequence[Row]", results: "StudyResults") -> Path:
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
