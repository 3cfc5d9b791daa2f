"""The report of a study: a page that opens from disk, the same as Markdown, and the figures as PNG and SVG."""

from collections.abc import Collection
from pathlib import Path

from whichnorm.data.dataset import ImageSet
from whichnorm.record import write_in_one_step
from whichnorm.report import markdown, page
from whichnorm.report.cells import choose_images
from whichnorm.report.content import Content
from whichnorm.report.files import write_picture
from whichnorm.report.findings import Findings
from whichnorm.report.sections import describe
from whichnorm.results import Results

__all__ = ["remove_left_over", "write_figures", "write_report"]


def write_report(results: Results, test: ImageSet, findings: Findings | None = None) -> Path:
    """Write the report of a study into its folder and return the path of the page.

    `test` is the split that the records' predictions are of, in their order; `findings` is what the trained networks
    were asked, None for a report from records alone. The same results give the same bytes.
    """
    folder = results.folder / "report"
    images = choose_images(results, test)
    content = describe(results, test, images, findings or Findings())
    embedded = write_figures(content, folder / "figures")
    html = page.render(content, embedded, results.class_names, page.sprite_of(test, images))
    write_in_one_step(folder / "README.md", markdown.render(content).encode())
    write_in_one_step(folder / "index.html", html.encode())
    remove_left_over(folder / "figures", embedded)
    return folder / "index.html"


def write_figures(content: Content, folder: Path) -> dict[str, bytes]:
    """Write every picture in both formats; return by name the file that the page holds."""
    pictures = [picture for section in content.sections for picture in section.pictures]
    return {picture.name: write_picture(picture, folder)[picture.embed] for picture in pictures}


def remove_left_over(folder: Path, names: Collection[str]) -> None:
    """Remove the figures of an earlier report of this study, with other arms, once the new one is in place."""
    for file in folder.glob("*.[ps][nv]g"):
        if file.stem not in names:
            file.unlink(missing_ok=True)
