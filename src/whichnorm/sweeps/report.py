"""The report of a sweep: a page that opens from disk, the same as Markdown, and the figures as PNG and SVG."""

from pathlib import Path

from whichnorm.analyses.wording import devices
from whichnorm.files import write_in_one_step
from whichnorm.render import markdown, page
from whichnorm.render.content import Content, Section
from whichnorm.render.text import count, printable
from whichnorm.report import remove_left_over, write_figures
from whichnorm.results.verdict import CANNOT_TELL
from whichnorm.sweeps import tables
from whichnorm.sweeps.axes import AXIS_NAMES
from whichnorm.sweeps.pictures import group_pictures, size_picture
from whichnorm.sweeps.results import SweepResults
from whichnorm.sweeps.text import (
    correction_sentence,
    crossing_sentences,
    interval_sentence,
    point_sentences,
    runs_text,
    skipped_sentences,
)

METHOD = (
    "Every point is a study of its own, in a folder beside this report: the same network, trained once per "
    "normalization layer and seed, everything else the same for all arms of the point. From point to point the batch "
    "changes, and with it the learning rate by the rule above and the number of steps; epochs stay the same."
)


def write_sweep_report(results: SweepResults, rule: str) -> Path:
    """Write the report of a sweep into its folder and return the path of the page."""
    folder = results.folder / "report"
    content = describe(results, rule)
    embedded = write_figures(content, folder / "figures")
    write_in_one_step(folder / "README.md", markdown.render(content).encode())
    write_in_one_step(folder / "index.html", page.render(content, embedded, ()).encode())
    remove_left_over(folder / "figures", embedded)
    return folder / "index.html"


def describe(results: SweepResults, rule: str) -> Content:
    """Say everything that the report says, in order."""
    crossings = list(crossing_sentences(results))
    said = [*crossings, *point_sentences(results)]
    data, model = (printable(str(results.description[part]["name"])) for part in ("data", "model"))
    method = (METHOD, interval_sentence(results), correction_sentence(results))
    sections = (
        _faults(results),
        _errors(results, rule),
        _comparisons(results),
        _skipped(results),
        Section(anchor="rates", title="Points", tables=(tables.rates_table(results, rule),)),
        Section(
            anchor="method",
            title="How this was measured",
            sentences=method,
        ),
    )
    return Content(
        question=f"which normalization for {model} on {data}, {_span(results)}?",
        size=_size(results),
        decided=any(c.comparison.call != CANNOT_TELL for c in results.comparisons),
        answer=said[0].removesuffix("."),
        choice="",
        verdict=" ".join([*said[1:], *skipped_sentences(results)]),
        sections=tuple(section for section in sections if section),
        footer="Made by whichnorm. Every figure is also in the folder figures beside this file, as PNG and SVG.",
    )


def _span(results: SweepResults) -> str:
    sizes = sorted({point.size(results.along) for point in results.points})
    name = AXIS_NAMES[results.along]
    return f"at {name} {sizes[0]:,}" if len(sizes) == 1 else f"by {name} from {sizes[0]:,} to {sizes[-1]:,}"


def _size(results: SweepResults) -> str:
    study = results.description
    limit = study["data"].get("train_limit")
    limited = f"only {count(limit, 'training image')}, " if limit else ""
    records = [run for point in results.points if point.study for run in point.study.records]
    return f"{limited}{count(study['recipe']['epochs'], 'epoch')}, {runs_text(results)}, {devices(records)}"


def _errors(results: SweepResults, rule: str) -> Section:
    pictures = [size_picture(results, rule), *group_pictures(results, rule)]
    return Section(
        anchor="arms",
        title="Test error",
        tables=(tables.errors_table(results), tables.arms_table(results)),
        pictures=tuple(picture for picture in pictures if picture),
        wide=True,
    )


def _comparisons(results: SweepResults) -> Section | None:
    found = (tables.crossings_table(results), tables.comparisons_table(results))
    shown = tuple(table for table in found if table)
    return Section(anchor="comparisons", title="Crossings and comparisons", tables=shown) if shown else None


def _skipped(results: SweepResults) -> Section | None:
    table = tables.skipped_table(results)
    return Section(anchor="skipped", title="Left out", tables=(table,)) if table else None


def _faults(results: SweepResults) -> Section | None:
    table = tables.faults_table(results)
    if not table:
        return None
    title = f"{count(len(table.rows), 'run')} went wrong"
    return Section(anchor="faults", title=title, tables=(table,), alarming=True)
