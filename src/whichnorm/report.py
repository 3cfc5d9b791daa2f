"""The report of a study: every analysis in its order, as a page, as Markdown, and as figures."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from whichnorm.analyses import ANALYSES
from whichnorm.analyses.analysis import Analysis
from whichnorm.analyses.headline import headline
from whichnorm.analyses.per_run import measure_together
from whichnorm.errors import WhichnormError
from whichnorm.files import write_in_one_step
from whichnorm.render import markdown, page
from whichnorm.render.content import Content, Section
from whichnorm.render.files import write_picture
from whichnorm.results.results import Results
from whichnorm.study.study import Study


def write_report(results: Results, found: Mapping[str, Any]) -> Path:
    """Write the report of a study into its folder and return the path of the page.

    `found` is what every analysis found, by its name. The same findings give the same bytes.
    """
    return write_content(make_content(results, found), results.folder / "report", results.class_names)


def write_content(content: Content, folder: Path, class_names: Sequence[str] = ()) -> Path:
    """Write a report as a page and as Markdown, with its figures, into a folder; return the path of the page."""
    embedded = write_figures(content, folder / "figures")
    html = page.render(content, embedded, class_names)
    write_in_one_step(folder / "README.md", markdown.render(content).encode())
    write_in_one_step(folder / "index.html", html.encode())
    remove_left_over(folder / "figures", embedded)
    return folder / "index.html"


def make_content(results: Results, found: Mapping[str, Any]) -> Content:
    """Say what all analyses found."""
    return Content(**headline(results, found), sections=tuple(sections(results, found)))


def measure_all(study: Study, results: Results, options: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield what every analysis finds, by its name; the error of one that has no answer stands in its place.

    `options` holds those of an analysis by its name, in place of the report's own.
    """
    asked = {analysis.name: options.get(analysis.name, analysis.of_report()) for analysis in ANALYSES}
    found = measure_together(study, results, ANALYSES, asked)
    yield from found.items()
    for analysis in ANALYSES:
        if analysis.name in found:
            continue
        try:
            yield analysis.name, analysis.measure(study, results, asked[analysis.name])
        except WhichnormError as error:
            yield analysis.name, error


def sections(results: Results, found: Mapping[str, Any]) -> Iterator[Section]:
    """Yield the section of every analysis that has something to say, or could not be made."""
    for analysis in ANALYSES:
        section = _section(analysis, found[analysis.name], results)
        if section:
            yield section


def _section(analysis: Analysis, found: Any, results: Results) -> Section | None:
    if isinstance(found, WhichnormError):
        return Section(anchor=analysis.name, label=analysis.title, title=analysis.title, sentences=(str(found),))
    return analysis.section(found, results)


def write_figures(content: Content, folder: Path) -> dict[str, bytes]:
    """Write every picture in both formats; return by name the file that the page holds."""
    return {picture.name: write_picture(picture, folder)[picture.embed] for picture in content.pictures}


def remove_left_over(folder: Path, names: Collection[str]) -> None:
    """Remove the figures of an earlier report of this study, with other arms, once the new one is in place."""
    for file in folder.glob("*.[ps][nv]g"):
        if file.stem not in names:
            file.unlink(missing_ok=True)
