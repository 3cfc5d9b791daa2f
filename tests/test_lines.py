"""Tables as lines of text: no word, number or interval breaks inside, at any width, in any committed study."""

import itertools
import re
from functools import cache
from pathlib import Path

import pytest
from rich.cells import cell_len

from whichnorm.analyses.accuracy.tables import arms_table, comparisons_table
from whichnorm.analyses.accuracy.terminal import results_table
from whichnorm.analyses.classes import Classes
from whichnorm.analyses.curves import Curves
from whichnorm.analyses.method import Method
from whichnorm.api import open_results, read_results
from whichnorm.render.lines import in_blocks, in_columns
from whichnorm.render.table import Cell, Table
from whichnorm.study.study import reopen
from whichnorm.sweeps import tables as of_sweeps

RESULTS = Path(__file__).parents[1] / "results"
SWEEPS = sorted(path.parent for path in RESULTS.rglob("sweep.json"))
STUDIES = sorted(path.parent for path in RESULTS.rglob("study.json") if path.parent.parent not in SWEEPS)
NO_IMAGES = (Curves(), Classes(), Method())
WHOLE = re.compile(r"\[[^][]*\]|[^\s[\]]+")  # an interval, or a word


@cache
def tables_of(folder):
    if folder in SWEEPS:
        results = open_results(folder)
        found = [of_sweeps.errors_table(results), of_sweeps.crossings_table(results),
                 of_sweeps.comparisons_table(results), of_sweeps.faults_table(results)]  # fmt: skip
        return [table for table in found if table]
    study = reopen(folder)
    results = read_results(study)
    sections = [one.section(one.measure(study, results, one.of_report()), results) for one in NO_IMAGES]
    found = [results_table(results), arms_table(results), comparisons_table(results)]
    for section in sections:
        found += [*section.tables, *itertools.chain.from_iterable(folded.tables for folded in section.folded)]
    return [table for table in found if table]


def texts(table):
    yield from table.headings
    for cell in itertools.chain.from_iterable(table.rows):
        yield from (cell.text, cell.note)


@pytest.mark.parametrize("width", [60, 80, 120, 200])
@pytest.mark.parametrize("folder", [*STUDIES, *SWEEPS], ids=lambda folder: folder.name)
def test_nothing_breaks_inside_and_no_line_is_too_long(folder, width):
    for table in tables_of(folder):
        lines = in_columns(table, width) or in_blocks(table, width)
        said = "\n".join(lines)
        words = {word for text in texts(table) for word in WHOLE.findall(text)}
        assert not [word for word in words if word not in said]
        assert max(map(cell_len, lines)) <= max(width, max(map(cell_len, words)) + 4)


@pytest.mark.parametrize("folder", [*STUDIES, *SWEEPS], ids=lambda folder: folder.name)
def test_a_wide_terminal_shows_columns(folder):
    assert all(in_columns(table, 200) for table in tables_of(folder))


TABLE = Table(
    caption="",
    headings=("Norm", "Test accuracy"),
    rows=((Cell(text="BatchNorm", note="bn"), Cell(text="83.88 %", note="[83.15, 84.59]")),),
)


def test_the_columns_of_a_small_table_are_these():
    assert in_columns(TABLE, 40) == [
        "Norm         Test accuracy",
        "──────────────────────────",
        "BatchNorm          83.88 %",
        "bn          [83.15, 84.59]",
    ]
    assert in_columns(TABLE, 26)
    assert in_columns(TABLE, 25) is None  # an interval would have to break


def test_where_columns_have_no_room_a_row_is_a_block_of_its_own():
    assert in_blocks(TABLE, 40) == ["Norm: BatchNorm (bn)", "  Test accuracy: 83.88 % [83.15, 84.59]"]
    twice = Table(caption="", headings=TABLE.headings, rows=TABLE.rows * 2)
    assert in_blocks(twice, 40)[2] == ""
    assert in_blocks(TABLE, 20)[1:] == ["  Test accuracy:", "    83.88 %", "    [83.15, 84.59]"]


def test_a_wide_character_takes_two_columns():
    table = Table(caption="", headings=("Class", "n"), rows=((Cell(text="日本"), Cell(text="1")),))
    assert in_columns(table, 40) == ["Class   n", "─────────", "日本    1"]
