"""The report of a study: a page that opens from disk, and its figures as PNG and SVG."""

from pathlib import Path

from whichnorm.data.dataset import ImageSet
from whichnorm.record import write_in_one_step
from whichnorm.report import page, text
from whichnorm.report.files import write_picture
from whichnorm.report.pictures import Picture, arm_pictures
from whichnorm.report.pictures.curves import curve_pictures
from whichnorm.report.pictures.forests import forest_pictures
from whichnorm.results import Results

__all__ = ["write_report"]


def write_report(results: Results, test: ImageSet) -> Path:
    """Write the report of a study into its folder and return the path of the page.

    `test` is the split that the records' predictions are of, in their order. The same results give the same bytes.
    """
    folder = results.folder / "report"
    figures = folder / "figures"
    for left_over in figures.glob("*.[ps][nv]g"):  # of an earlier report of this study, with other arms
        left_over.unlink()
    html = page.render(
        results,
        test,
        forests={key: _write_picture(picture, figures) for key, picture in forest_pictures(results).items()},
        curves=[_write_picture(picture, figures) for picture in curve_pictures(results)],
        arms=[
            page.arm_section(
                results, test, arm, [_write_picture(picture, figures) for picture in arm_pictures(results, test, arm)]
            )
            for arm in text.arm_names(results)
        ],
    )
    path = folder / "index.html"
    write_in_one_step(path, html.encode())
    return path


def _write_picture(picture: Picture, folder: Path) -> page.Shown:
    """Write a picture in both formats and return it as the page holds it."""
    files = write_picture(picture, folder)
    return page.shown(picture, files[picture.embed])
