"""The report of a sweep: a page that opens from disk, the same as Markdown, and the figures as PNG and SVG."""

from collections.abc import Iterator
from pathlib import Path

from whichnorm.analyses.headline import FOOTER
from whichnorm.analyses.headline.statistics import short_forms
from whichnorm.analyses.method.citation import citation
from whichnorm.analyses.method.tables import settings_tables, versions_table
from whichnorm.analyses.wording import devices, faults_label, faults_title
from whichnorm.render.content import Content, Folded, Section
from whichnorm.render.text import count, printable
from whichnorm.report import write_content
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
    lost_sentences,
    point_sentences,
    runs_text,
    skipped_sentences,
    trend_sentences,
)

METHOD = (
    "Every point is a study of its own, in a folder beside this report: the same network, trained once per "
    "normalization layer and seed, everything else the same for all arms of the point. From point to point the batch "
    "changes, and with it the learning rate by the rule above and the number of steps; epochs stay the same."
)


def write_sweep_report(results: SweepResults) -> Path:
    """Write the report of a sweep into its folder and return the path of the page."""
    return write_content(describe(results), results.folder / "report")


def describe(results: SweepResults) -> Content:
    """Say everything that the report says, in order."""
    errors = _errors(results)
    sections = (
        _faults(results), errors, _comparisons(results), _skipped(results), _rates(results), _method(results),
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
    data, model = printable(results.spec.data.name), printable(results.spec.model.name)
    return f"Which normalization for {model} on {data}, {_span(results)}?"


def _statistics(results: SweepResults) -> Iterator[str]:
    yield from crossing_sentences(results)
    yield from trend_sentences(results)
    yield from point_sentences(results)
    yield from lost_sentences(results)
    yield from skipped_sentences(results)
    yield correction_sentence(results)
    yield short_forms(results.arms)


def _span(results: SweepResults) -> str:
    sizes = sorted({point.size(results.axes.along) for point in results.points})
    name = AXIS_NAMES[results.axes.along]
    if len(sizes) == 1:
        return f"at a batch of {listed([point.batch.text for point in results.points])}"
    return f"by {name} from {sizes[0]:,} to {sizes[-1]:,}"


def _size(results: SweepResults) -> str:
    limit = results.spec.data.train_limit
    limited = f"only {count(limit, 'training image')}, " if limit else ""
    epochs = count(results.spec.recipe.epochs, "epoch")
    return f"{limited}{epochs}, {runs_text(results)}, {devices(results.records)}"


def _errors(results: SweepResults) -> Section:
    pictures = [size_picture(results), *group_pictures(results)]
    return Section(
        anchor="errors",
        label="Test error",
        title=tables.finding(results),
        tables=(tables.errors_table(results),),
        pictures=tuple(picture for picture in pictures if picture),
    )


def _comparisons(results: SweepResults) -> Section | None:
    found = (tables.crossings_table(results), tables.trends_table(results), tables.comparisons_table(results))
    shown = tuple(table for table in found if table.rows)
    if not shown:
        return None
    called = sum(c.comparison.call != CANNOT_TELL for c in results.comparisons)
    title = f"{called} of {count(len(results.comparisons), 'difference')} beyond chance"
    return Section(anchor="comparisons", label="Differences", title=title, tables=shown)


def _skipped(results: SweepResults) -> Section | None:
    table = tables.skipped_table(results)
    if not table.rows:
        return None
    number = len({row[0].text for row in table.rows})
    title = f"{count(number, 'batch')} without every norm" if number == 1 else f"{number} batches without every norm"
    return Section(anchor="skipped", label="Left out", title=title, tables=(table,))


def _rates(results: SweepResults) -> Section:
    rates = sorted({point.recipe.learning_rate for point in results.points})
    span = f"{rates[0]:.3g}" if len(rates) == 1 else f"from {rates[0]:.3g} to {rates[-1]:.3g}"
    title = f"{count(len(results.points), 'point')}, at a learning rate {'of ' if len(rates) == 1 else ''}{span}"
    return Section(anchor="rates", label="Points", title=title, tables=(tables.rates_table(results),))


def _method(results: SweepResults) -> Section:
    how, code = again(results.spec)
    shared = results.spec.shared_dict(results.data_digest)
    cited = citation(_question(results), _size(results), results.records)
    return Section(
        anchor="method",
        label="Method",
        title=f"How this was measured: {runs_text(results)}",
        sentences=(METHOD, interval_sentence(results), correction_sentence(results), *how),
        code=(*code, cited),
        folded=(
            Folded(summary="Settings, with the recipe at its own batch size", tables=tuple(settings_tables(shared))),
            Folded(summary="Versions and hardware", tables=(versions_table(results.records),)),
            Folded(summary="Norms and their short forms", tables=(tables.arms_table(results),)),
        ),
    )


def _faults(results: SweepResults) -> Section | None:
    table = tables.faults_table(results)
    if not table.rows:
        return None
    runs = [run for _, run in results.faults]
    title = faults_title(runs, len(results.records))
    return Section(anchor="faults", label=faults_label(runs), title=title, tables=(table,), alarming=True)
