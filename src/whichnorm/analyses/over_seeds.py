"""What the tables and texts of networks' answers say alike: means over an arm's seeds, and who could not be asked."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np

from whichnorm.analyses.arms import arm_cell
from whichnorm.analyses.asking import Answer, Answers
from whichnorm.analyses.kept import damage_text
from whichnorm.render import text
from whichnorm.render.content import Folded, Section
from whichnorm.render.table import Cell, Table
from whichnorm.results.results import Results
from whichnorm.specs.names import enclosed

T = TypeVar("T")
Arms = Sequence[tuple[str, Sequence[T]]]  # their names, with what was found about their runs
FEW_SEEDS = 5  # as many are drawn one by one, more as the band of their range
MEANS = "Mean over seeds, SD over seeds below."


def by_arm(results: Results, found: Answers[T]) -> list[tuple[str, list[T]]]:
    """Return every arm that has an answer, in the study's order, with those of its runs."""
    arms = ((arm.norm, found.of_arm(arm.norm)) for arm in results.arms)
    return [(arm, answers) for arm, answers in arms if answers]


def mean_cell(values: Iterable[float | None], write: Callable[[float], str] = text.percent) -> Cell:
    """Write the mean of values with their standard deviation below; a dash if one is missing."""
    numbers = list(values)
    present = [value for value in numbers if value is not None]
    if not present or len(present) < len(numbers):
        return Cell(text="–")
    spread = f"SD {_spread(present, write)}" if len(present) > 1 else ""
    return Cell(text=write(float(np.mean(present))), note=spread)


@dataclass(frozen=True)
class Column:
    """A column of means over seeds: its heading, the value of a run, and how it is written."""

    heading: str
    value: Callable[[Any], float | None]
    write: Callable[[float], str] = text.percent


def means_table(results: Results, arms: Arms[Any], caption: str, *columns: Column) -> Table:
    """Return a table of means over seeds, one row per arm."""
    return Table(
        caption=f"{caption} {MEANS}",
        headings=("Arm", *(column.heading for column in columns), "Seeds"),
        rows=tuple(
            (arm_cell(results, arm), *(mean_cell(map(column.value, found), column.write) for column in columns),
             seeds_cell(found))
            for arm, found in arms
        ),
    )  # fmt: skip


def seeds_cell(found: Sequence[object]) -> Cell:
    """Write the number of an arm's runs."""
    return Cell(text=str(len(found)))


def signed_points(value: float) -> str:
    """Write a share as points with its sign; what rounds to zero has a plus."""
    return text.points(round(value, 4) + 0.0)


def brief(share: float) -> str:
    """Write a share for a title: "26 %", "0.4 %"."""
    return f"{100 * share:.0f} %" if share >= 0.0095 or not share else f"{100 * share:.1g} %"


def seeds_text(arms: Arms[Any], spread: str = "") -> str:
    """Say over how many seeds the arms' numbers are means, and how their spread is drawn if there are several."""
    numbers = sorted({len(found) for _, found in arms})
    if numbers == [1]:
        return "One seed."
    return f"Means over seeds (n = {' or '.join(map(str, numbers))}){spread}."


def spread_text(arms: Arms[Any]) -> str:
    """Say how the seeds are drawn beside their means: `FEW_SEEDS` or fewer one by one."""
    most = max(len(found) for _, found in arms)
    return "; thin lines are the seeds" if most <= FEW_SEEDS else "; bands are the range over seeds"


def with_reasons(section: Section | None, found: Answers[Any], anchor: str, title: str) -> Section | None:
    """Return an analysis's section with what is wrong with kept answers, and why networks could not be asked; without
    any answer, that alone.

    None if there is no answer and nothing went wrong: the question did not apply.
    """
    if section and found.damages:
        section = replace(section, sentences=(*section.sentences, text.printable(damage_text(found.damages))))
    reasons = tuple(map(_reason, found.unanswered))
    if not reasons:
        return section
    section = section or Section(anchor=anchor, label=title, title=title)
    number = f"{len(reasons)} of {text.count(len(found.runs), 'network')} could not be asked. "
    first = f"{number if len(found.runs) > 1 else ''}{reasons[0]}"
    every = (Folded(summary="Why networks could not be asked", sentences=reasons),) if len(reasons) > 1 else ()
    return replace(section, sentences=(*section.sentences, first), folded=(*section.folded, *every))


def _reason(answer: Answer[Any]) -> str:
    return f"{enclosed([answer.arm])} at seed {answer.seed}: {text.printable(answer.reason)}"


def _spread(values: Sequence[float], write: Callable[[float], str]) -> str:
    return write(float(np.std(values, ddof=1))).removesuffix(" %").removeprefix("+")
