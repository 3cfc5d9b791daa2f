"""The report's tables: from results to cells of text."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whichnorm.record import RunRecord
from whichnorm.report import text
from whichnorm.report.figures.style import arm_style
from whichnorm.report.mistakes import Mistake, frequent_confusions
from whichnorm.results import ArmResult, Results, Summary, arm_title
from whichnorm.verdict import CANNOT_TELL, Comparison, chance_text, more_seeds_text, p_text


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A table cell: text, a smaller note below it, and for an arm its colour."""

    text: str
    note: str = ""
    color: str = ""


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table; the first cell of a row is its heading. Columns from `numeric_from` on hold numbers."""

    caption: str
    headings: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    numeric_from: int = 1

    @property
    def sortable(self) -> bool:
        """Tell whether another order can be of use."""
        return len(self.rows) > 1 and len(self.headings) > 2


def cells(*texts: str) -> tuple[Cell, ...]:
    """Return a row of plain texts."""
    return tuple(Cell(text=t) for t in texts)


def arm_cell(results: Results, arm: str) -> Cell:
    """Return an arm's name with its text form and its colour."""
    place = text.arm_names(results).index(arm)
    return Cell(text=arm_title(arm), note=arm, color=arm_style(place).color)


def _accuracy_cell(summary: Summary, note: str = "") -> Cell:
    return Cell(text=text.percent(summary.mean), note=note or text.percent_interval(summary.ci95))


def _spread(summary: Summary) -> str:
    return ", ".join(filter(None, [text.percent_interval(summary.ci95), text.std(summary)]))


def arms_table(results: Results) -> Table:
    """One row per arm of the study, also for an arm without a finished run."""
    by_norm = {arm.norm: arm for arm in results.arms}
    headings = [
        "Arm", "Parameters", "Test accuracy", "Train accuracy", "Best test epoch (chosen on the test set)",
        "Training time per run", "Seeds",
    ]  # fmt: skip
    with_val = any(arm.val_accuracy for arm in results.arms)
    if with_val:
        headings.insert(3, "Validation accuracy")
    absent = cells("–", "no finished run", *["–"] * (len(headings) - 4), "0")
    rows = [
        _arm_row(results, by_norm[name], with_val) if name in by_norm else (arm_cell(results, name), *absent)
        for name in text.arm_names(results)
    ]
    return Table(
        caption="Mean over seeds after the last epoch, below it the 95 % interval and the standard deviation over "
        f"seeds in points; times measured on {text.devices(results.records)}. The best epoch's accuracy flatters, and "
        "is here only to compare with published figures.",
        headings=tuple(headings),
        rows=tuple(rows),
    )


def _arm_row(results: Results, arm: ArmResult, with_val: bool) -> tuple[Cell, ...]:
    epochs = dict.fromkeys(str(run.best_test.epoch) for run in results.finished(arm.norm))
    seconds = arm.train_seconds
    row = [
        arm_cell(results, arm.norm),
        Cell(text=f"{arm.params:,}", note=f"{arm.norm_params:,} in norm layers"),
        _accuracy_cell(arm.test_accuracy, _spread(arm.test_accuracy)),
        _accuracy_cell(arm.train_accuracy),
        _accuracy_cell(arm.best_test_accuracy, f"at epoch{'s' if len(epochs) > 1 else ''} {', '.join(epochs)}"),
        Cell(text=text.seconds(seconds.mean), note=seconds_range(seconds)),
        Cell(
            text=f"{len(arm.seeds)}", note=f"seed{'s' if len(arm.seeds) > 1 else ''} {', '.join(map(str, arm.seeds))}"
        ),
    ]
    if with_val:
        row.insert(3, _accuracy_cell(arm.val_accuracy) if arm.val_accuracy else Cell(text="–"))
    return tuple(row)


def seconds_range(summary: Summary) -> str:
    """Write the smallest and largest of several times, "" for a single one."""
    if len(summary.values) == 1:
        return ""
    return f"{text.seconds(min(summary.values))} to {text.seconds(max(summary.values))}"


def comparisons_table(results: Results) -> Table | None:
    """One row per pair of arms with a seed in common; None where there is no such pair."""
    if not results.comparisons:
        return None
    return Table(
        caption="Test accuracy of the first arm less that of the second, in percentage points, at the same seeds; "
        "p-values are corrected for the number of comparisons by Holm's method.",
        headings=("Comparison", "Difference", "95 % interval", "p", "First wins at a new seed", "Seeds", "Call"),
        rows=tuple(_comparison_row(c) for c in results.comparisons),
    )


def _comparison_row(c: Comparison) -> tuple[Cell, ...]:
    p = "–" if c.adjusted_p is None else p_text(c.adjusted_p).removeprefix("= ")
    return (
        *cells(f"{c.a} − {c.b}", text.points(c.difference)),
        Cell(text=text.points_interval(c.ci95), note="over test images" if c.basis == "test images" else ""),
        *cells(p, "–" if c.chance_a_wins is None else chance_text(c), str(len(c.seeds))),
        Cell(text=text.outcome(c), note=more_seeds_text(c) if c.call == CANNOT_TELL else ""),
    )


def faults_table(results: Results) -> Table | None:
    """One row per run that failed, diverged or stayed at chance; None where all is well."""
    if results.ok:
        return None
    rows = [
        (arm_cell(results, r.arm), *cells(str(r.seed), _status(r), text.printable(text.fault_reason(r))))
        for r in results.faults
    ]
    return Table(
        caption="Runs that failed or diverged are in no mean and no comparison; finished runs with a warning are. "
        "A run whose record in the folder runs is deleted is trained again by the same command.",
        headings=("Arm", "Seed", "Status", "Reason"),
        rows=tuple(rows),
        numeric_from=4,
    )


def _status(record: RunRecord) -> str:
    return "finished, with a warning" if record.status == "finished" and record.warnings else record.status


def audit_table(results: Results) -> Table:
    """What each run trained, taken from its network."""
    return Table(
        caption="Taken from each run's own network: the norm layers found in it by kind and number, its parameters, "
        "and a hash of all weights outside norm layers before training.",
        headings=("Arm", "Seed", "Status", "Norm layers", "Parameters", "Initial weights", "Zero first gradient"),
        rows=tuple(_audit_row(results, r) for r in results.records),
        numeric_from=7,
    )


def _audit_row(results: Results, record: RunRecord) -> tuple[Cell, ...]:
    start = (arm_cell(results, record.arm), *cells(str(record.seed), _status(record)))
    if not record.audit:
        return (*start, Cell(text="not audited"), *cells("–", "–", "–"))
    layers = ", ".join(f"{number} × {kind}" for kind, number in record.audit.norm_layers.items())
    zero = record.audit.zero_gradient
    return (
        *start,
        *cells(layers or "none", f"{record.audit.params:,}", record.audit.initial_weights),
        Cell(text=text.count(len(zero), "parameter") if zero else "none", note=", ".join(zero)),
    )


def mistakes_table(mistakes: Iterable[Mistake], class_names: tuple[str, ...], arm: str = "") -> Table | None:
    """The mistakes of a picture as text, with the arm's name where others stand beside it; None without any."""
    rows = [
        cells(
            str(m.index), text.printable(class_names[m.label]), text.printable(class_names[m.prediction]),
            text.percent(m.confidence),
        )
        for m in mistakes
    ]  # fmt: skip
    return Table(
        caption=f"{arm}{': the' if arm else 'The'} pictured mistakes, by place in the test split from 0.",
        headings=("Test image", "True class", "Predicted class", "Confidence"),
        rows=tuple(rows),
        numeric_from=3,
    ) if rows else None  # fmt: skip


def confusions_table(counts: NDArray[np.int64], class_names: tuple[str, ...], arm: str = "") -> Table | None:
    """The most frequent confusions as text, with class numbers as on the axes of a large matrix; None without any."""
    rows = [
        cells(
            f"{text.printable(class_names[true])} ({true})",
            f"{text.printable(class_names[predicted])} ({predicted})",
            f"{number:,} of {counts[true].sum():,}",
            text.percent(number / counts[true].sum()),
        )
        for true, predicted, number in frequent_confusions(counts, limit=10)
    ]
    return Table(
        caption=f"{arm}{': the' if arm else 'The'} most frequent confusions, with class numbers from 0.",
        headings=("True class", "Predicted class", "Images", "Share of the true class"),
        rows=tuple(rows),
        numeric_from=2,
    ) if rows else None  # fmt: skip


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


def versions_table(results: Results) -> Table:
    """Code, libraries and hardware of the runs; a value that differs between runs is given in full."""
    keys = dict.fromkeys(key for r in results.records for key in r.environment)
    rows = [
        cells(key, "; ".join(dict.fromkeys(text.value(r.environment.get(key)) for r in results.records)))
        for key in keys
    ]
    return Table(caption="Versions and hardware", headings=("Item", "Value"), rows=tuple(rows), numeric_from=2)
