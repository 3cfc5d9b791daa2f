"""The report of a sweep: a page that opens from disk, the same as Markdown, and the figures as PNG and SVG."""

from collections.abc import Iterator
from pathlib import Path

from whichnorm.analyses.headline import FOOTER
from whichnorm.analyses.headline.statistics import short_forms
from whichnorm.analyses.method.citation import citation
from whichnorm.analyses.method.tables import settings_tables, versions_table
from whichnorm.analyses.wording import devices, faults_label, faults_title
from whichnorm.files import write_in_one_step
from whichnorm.render import markdown, page
from whichnorm.render.content import Content, Folded, Section
from whichnorm.render.text import count, printable
from whichnorm.report import remove_left_over, write_figures
from whichnorm.results.verdict import CANNOT_TELL
from whichnorm.specs.names import listed
from whichnorm.sweeps import tables
from whichnorm.sweeps.again import again
from whichnorm.sweeps.answer import answer_sentence, is_decided, key_points
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
from whichnorm.training.record import RunRecord

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
    errors = _errors(results, rule)
    sections = (
        _faults(results), errors, _comparisons(results), _skipped(results), _rates(results, rule), _method(results),
    )  # fmt: skip
    return Content(
        question=_question(results),
        size=_size(results),
        decided=is_decided(results),
        answer=answer_sentence(results),
        points=tuple(key_points(results)),
        figure=next((picture.name for picture in errors.pictures), ""),
        statistics=tuple(_statistics(results)),
        sections=tuple(section for section in sections if section),
        footer=FOOTER,
    )


def _question(results: SweepResults) -> str:
    data, model = (printable(str(results.description[part]["name"])) for part in ("data", "model"))
    return f"Which normalization for {model} on {data}, {_span(results)}?"


def _statistics(results: SweepResults) -> Iterator[str]:
    yield from crossing_sentences(results)
    yield from point_sentences(results)
    yield from skipped_sentences(results)
    yield correction_sentence(results)
    yield short_forms(results.arms)


def _span(results: SweepResults) -> str:
    sizes = sorted({point.size(results.along) for point in results.points})
    name = AXIS_NAMES[results.along]
    if len(sizes) == 1:
        return f"at a batch of {listed([point.batch.text for point in results.points])}"
    return f"by {name} from {sizes[0]:,} to {sizes[-1]:,}"


def _size(results: SweepResults) -> str:
    study = results.description
    limit = study["data"].get("train_limit")
    limited = f"only {count(limit, 'training image')}, " if limit else ""
    epochs = count(study["recipe"]["epochs"], "epoch")
    return f"{limited}{epochs}, {runs_text(results)}, {devices(_records(results))}"


def _errors(results: SweepResults, rule: str) -> Section:
    pictures = [size_picture(results, rule), *group_pictures(results, rule)]
    return Section(
        anchor="errors",
        label="Test error",
        title=tables.finding(results),
        tables=(tables.errors_table(results),),
        pictures=tuple(picture for picture in pictures if picture),
    )


def _comparisons(results: SweepResults) -> Section | None:
    found = (tables.crossings_table(results), tables.comparisons_table(results))
    shown = tuple(table for table in found if table)
    if not shown:
        return None
    called = sum(c.comparison.call != CANNOT_TELL for c in results.comparisons)
    title = f"{called} of {count(len(results.comparisons), 'difference')} beyond chance"
    return Section(anchor="comparisons", label="Differences", title=title, tables=shown)


def _skipped(results: SweepResults) -> Section | None:
    table = tables.skipped_table(results)
    if not table:
        return None
    number = len({row[0].text for row in table.rows})
    title = f"{count(number, 'batch')} without every norm" if number == 1 else f"{number} batches without every norm"
    return Section(anchor="skipped", label="Left out", title=title, tables=(table,))


def _rates(results: SweepResults, rule: str) -> Section:
    rates = sorted({point.learning_rate for point in results.points})
    span = f"{rates[0]:.3g}" if len(rates) == 1 else f"from {rates[0]:.3g} to {rates[-1]:.3g}"
    title = f"{count(len(results.points), 'point')}, at a learning rate {'of ' if len(rates) == 1 else ''}{span}"
    return Section(anchor="rates", label="Points", title=title, tables=(tables.rates_table(results, rule),))


def _method(results: SweepResults) -> Section:
    how, code = again(results.description)
    records = _records(results)
    shared = {part: results.description[part] for part in ("data", "model", "recipe", "machine")}
    cited = citation(_question(results), _size(results), records)
    return Section(
        anchor="method",
        label="Method",
        title=f"How this was measured: {runs_text(results)}",
        sentences=(METHOD, interval_sentence(results), correction_sentence(results), *how),
        code=(*code, cited),
        folded=(
            Folded(summary="Settings, with the recipe at its own batch size", tables=tuple(settings_tables(shared))),
            Folded(summary="Versions and hardware", tables=(versions_table(records),)),
            Folded(summary="Norms and their short forms", tables=(tables.arms_table(results),)),
        ),
    )


def _records(results: SweepResults) -> list[RunRecord]:
    return [run for point in results.points if point.study for run in point.study.records]


def _faults(results: SweepResults) -> Section | None:
    table = tables.faults_table(results)
    if not table:
        return None
    runs = [run for _, run in results.faults]
    title = faults_title(runs, len(_records(results)))
    return Section(anchor="faults", label=faults_label(runs), title=title, tables=(table,), alarming=True)
