"""Tables taken along: CSV read back by Python's reader, and LaTeX in which nothing is markup by accident."""

import csv
import io
import re

import pytest
from pages import HOSTILE

from whichnorm.render.export import as_csv, as_latex, latex_text
from whichnorm.render.table import Cell, Table, cells

TABLE = Table(
    caption="Differences in % & more.",
    headings=("Comparison", "Difference", "n"),
    rows=(
        (Cell(text="bn − ln"), Cell(text="−0.70", note="[−3.01, +1.60]"), Cell(text="5")),
        cells("a, b", "+1.20", "3"),
    ),
)


def read(table):
    return list(csv.reader(io.StringIO(as_csv(table))))


def test_csv_has_a_column_for_notes_and_minus_signs_that_programs_read():
    assert read(TABLE) == [
        ["Comparison", "Difference", "Difference, note", "n"],
        ["bn - ln", "-0.70", "[-3.01, +1.60]", "5"],
        ["a, b", "+1.20", "", "3"],
    ]
    assert [float(row[1]) for row in read(TABLE)[1:]] == [-0.7, 1.2]


@pytest.mark.parametrize("text", ["=HYPERLINK(1)", "@SUM(A1)", "+cmd|' /C calc'!A0", "-x"])
def test_what_a_spreadsheet_would_run_is_text(text):
    table = Table(caption="", headings=("a", "b"), rows=(cells(text, "−1.5"),))
    assert read(table)[1] == [f"'{text}", "-1.5"]


@pytest.mark.parametrize("text", HOSTILE)
def test_csv_gives_any_text_back(text):
    table = Table(caption="", headings=("a", "b"), rows=(cells(text, "1"),))
    shown = text.encode("utf-8", "replace").decode()
    (_, (found, number)) = csv.reader(io.StringIO(as_csv(table).encode("utf-8", "replace").decode()))
    assert (found.removeprefix("'"), number) == (shown, "1")


def test_latex_is_a_booktabs_table_with_notes_below():
    lines = as_latex(TABLE).splitlines()
    body = lines[lines.index(r"    \midrule") + 1 : lines.index(r"    \bottomrule")]
    assert r"\begin{tabular}{lrr}" in as_latex(TABLE)
    assert r"\caption{Differences in \% \& more.}" in as_latex(TABLE)
    assert [line.strip() for line in body] == [
        r"bn $-$ ln & $-$0.70 & 5 \\",
        r" & {\footnotesize [$-$3.01, +1.60]} &  \\".strip(),
        r"a, b & +1.20 & 3 \\",
    ]
    assert all(line.count(" & ") == 2 for line in (body[0], body[2]))


@pytest.mark.parametrize("text", [*HOSTILE, r"\input{/etc/passwd}", "100 % of $x_1^2$ & ~#{}", "--norms", "a|b<c>d"])
def test_latex_prints_any_text_and_runs_none(text):
    written = latex_text(text)
    known = r"\\text[a-z]+\{\}|\\ldots\{\}|\\[{}$&#_%]|\$-\$|\$\\times\$|\$\\pm\$|-\{\}"
    left = re.sub(known, "", written)
    assert not re.search(r"[\\{}$&#_%^~<>|`]", left)
    assert "--" not in written


def test_a_row_that_starts_with_a_bracket_is_no_option_of_the_row_above():
    table = Table(caption="", headings=("a", "b"), rows=(cells("x", "1"), cells("[2em]", "2"), cells("*", "3")))
    assert not re.search(r"\\\\\s*[\[*]", as_latex(table))
