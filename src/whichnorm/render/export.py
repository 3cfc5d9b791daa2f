"""A table as CSV and as LaTeX, for a reader's own paper or program."""

import re
from collections.abc import Iterator, Sequence

from whichnorm import files
from whichnorm.render.table import Cell, Table
from whichnorm.signs import MINUS

LATEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "_": r"\_", "%": r"\%",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", "`": r"\textasciigrave{}", MINUS: "$-$", "×": r"$\times$", "±": r"$\pm$",
    "–": r"\textendash{}", "…": r"\ldots{}",
}  # fmt: skip
FORMULA = re.compile(r"[=@]|[-+](?![\d.]*\d)")  # what spreadsheets run at the start of a cell


def as_csv(table: Table) -> str:
    """Return a table as CSV, lines ended by a line feed; notes below cells get a column of their own."""
    noted = _noted(table)
    headings = [Cell(text=heading, note=f"{heading}, note") for heading in table.headings]
    return files.as_csv(
        [_plain(text) for cell, has in zip(row, noted, strict=True) for text in _texts(cell, has)]
        for row in (headings, *table.rows)
    )


def _noted(table: Table) -> list[bool]:
    """Tell of each column whether a cell of it has a note."""
    return [any(row[place].note for row in table.rows) for place in range(len(table.headings))]


def _texts(cell: Cell, noted: bool) -> Iterator[str]:
    yield cell.text
    if noted:
        yield cell.note


def _plain(text: str) -> str:
    """Write minus signs as programs read them; what a spreadsheet would run gets an apostrophe before it."""
    text = text.replace(MINUS, "-")
    return f"'{text}" if FORMULA.match(text) else text


def as_latex(table: Table) -> str:
    """Return a table for LaTeX with the package booktabs; notes stand in a row below."""
    columns = "".join("l" if place < table.numeric_from else "r" for place in range(len(table.headings)))
    rows = [line for row in table.rows for line in _latex_rows(row)]
    return "\n".join(
        [
            "% \\usepackage{booktabs}",
            "\\begin{table}",
            "  \\centering",
            f"  \\caption{{{latex_text(table.caption)}}}",
            f"  \\begin{{tabular}}{{{columns}}}",
            "    \\toprule",
            f"    {_latex_row([latex_text(heading) for heading in table.headings])}",
            "    \\midrule",
            *(f"    {row}" for row in rows),
            "    \\bottomrule",
            "  \\end{tabular}",
            "\\end{table}",
            "",
        ]
    )


def _latex_rows(row: Sequence[Cell]) -> Iterator[str]:
    yield _latex_row([latex_text(cell.text) for cell in row])
    if any(cell.note for cell in row):
        yield _latex_row([f"{{\\footnotesize {latex_text(cell.note)}}}" if cell.note else "" for cell in row])


def _latex_row(texts: Sequence[str]) -> str:
    start = "{}" if texts[0].startswith(("[", "*")) else ""  # after the row above they would be read as its option
    return f"{start}{' & '.join(texts)} \\\\"


def latex_text(text: str) -> str:
    """Return text of any origin so that LaTeX prints it as it is."""
    written = "".join(LATEX.get(character, character) for character in " ".join(text.split()))
    return re.sub("-(?=-)", "-{}", written)  # else two hyphens, as in --norms, become a dash
