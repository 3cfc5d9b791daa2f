"""Tables of settings, versions and the audit."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from whichnorm.analyses.arms import arm_cell
from whichnorm.analyses.faults.section import run_status
from whichnorm.render import text
from whichnorm.render.table import Cell, Table, cells
from whichnorm.results.results import Results
from whichnorm.training.record import RunRecord


def audit_table(results: Results) -> Table:
    """What each run trained, taken from its network."""
    return Table(
        caption="Taken from each run's own network: the norm layers found in it by kind and number, its parameters, "
        "and a hash of all weights outside norm layers before training.",
        headings=("Norm", "Seed", "Status", "Norm layers", "Parameters", "Initial weights", "Zero first gradient"),
        rows=tuple(_audit_row(results, r) for r in results.records),
        numeric_from=7,
    )


def _audit_row(results: Results, record: RunRecord) -> tuple[Cell, ...]:
    start = (arm_cell(results, record.arm), *cells(str(record.seed), run_status(record)))
    if not record.audit:
        return (*start, Cell(text="not audited"), *cells("–", "–", "–"))
    layers = ", ".join(f"{number} × {kind}" for kind, number in record.audit.norm_layers.items())
    zero = record.audit.zero_gradient
    return (
        *start,
        *cells(layers or "none", f"{record.audit.params:,}", record.audit.initial_weights),
        Cell(text=text.count(len(zero), "parameter") if zero else "none", note=", ".join(zero)),
    )


def class_numbers_table(results: Results) -> Table:
    """The names of the classes by number."""
    rows = [cells(str(number), text.printable(name)) for number, name in enumerate(results.class_names)]
    return Table(
        caption="Classes, numbered from 0.", headings=("Number", "Class"), rows=tuple(rows), numeric_from=2
    )  # fmt: skip


def settings_tables(study: Mapping[str, Any]) -> list[Table]:
    """What all runs share, one table per part."""
    return [
        Table(caption=name, headings=("Setting", "Value"), rows=tuple(rows), numeric_from=2)
        for part, settings in study.items()
        for name, rows in _settings(part, settings)
    ]


def _settings(part: str, settings: Mapping[str, Any]) -> Iterator[tuple[str, list[tuple[Cell, ...]]]]:
    """Yield the name and rows of a part, then those of the parts inside it."""
    plain = {key: item for key, item in settings.items() if not isinstance(item, Mapping)}
    yield part.capitalize(), [cells(key.replace("_", " "), text.value(item)) for key, item in plain.items()]
    for key, item in settings.items():
        if isinstance(item, Mapping) and item:
            yield from _settings(f"{part}: {key}", item)


def versions_table(records: Sequence[RunRecord]) -> Table:
    """Code, libraries and hardware of runs; a value that differs between runs is given in full."""
    keys = dict.fromkeys(key for r in records for key in r.environment)
    rows = [cells(key, "; ".join(dict.fromkeys(text.value(r.environment.get(key)) for r in records))) for key in keys]
    return Table(caption="Versions and hardware", headings=("Item", "Value"), rows=tuple(rows), numeric_from=2)
