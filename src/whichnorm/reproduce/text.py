"""A reproduction in words: for the terminal and as Markdown."""

from collections.abc import Iterator, Sequence

from rich.console import Console

from whichnorm.render import text
from whichnorm.render.table import Table, cells
from whichnorm.render.terminal import print_table, say
from whichnorm.reproduce.published import Published
from whichnorm.reproduce.side_by_side import Row
from whichnorm.training.record import RunRecord


def side_by_side_table(rows: Sequence[Row]) -> Table:
    """One row per figure that was published or measured."""
    return Table(
        caption="Accuracies in percent, their differences in percentage points, losses in nats.",
        headings=("arm", "figure, epoch", "published", "measured", "difference"),
        rows=tuple(
            cells(row.norm, row.figure, _value(row, row.published), _value(row, row.measured), _difference(row))
            for row in rows
            if row.published is not None or row.measured is not None
        ),
        numeric_from=2,
    )


def _value(row: Row, value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.2f}" if row.is_loss else text.percent(value)


def _difference(row: Row) -> str:
    if row.difference is None:
        return "–"
    if row.is_loss:
        return text.signed(row.difference, 2)
    if row.ci95 is None:
        return text.points(row.difference)
    star = " *" if row.beyond_image_noise else ""
    return f"{text.points(row.difference)} {text.points_interval(row.ci95)}{star}"


def sizes(published: Published, records: Sequence[RunRecord]) -> str:
    """Say how many parameters each arm was published with and has here."""
    here = {run.arm: run.audit.params for run in records if run.audit}
    parts = []
    for arm in published.arms:
        found = f"{here[arm.norm]:,} here" if arm.norm in here else "not trained here"
        there = "not published" if arm.params is None else f"{arm.params:,} in the published network"
        parts.append(f"{arm.norm}: {there}, {found}")
    return f"Parameters: {'; '.join(parts)}."


def footnotes(rows: Sequence[Row], records: Sequence[RunRecord], num_test_images: int) -> Iterator[str]:
    """Say what the numbers are, and what their intervals cover."""
    seeds = sorted({run.seed for run in records if run.status == "finished"})
    epochs = text.count(max(len(run.epochs) for run in records), "epoch")
    yield (
        f"Measured: {epochs}, seed {', '.join(map(str, seeds))}, {num_test_images:,} test images; the best epoch is "
        "chosen on the test set."
    )
    if any(row.ci95 for row in rows):
        yield (
            "Differences of accuracies are in percentage points. Those on the test set have 95 % intervals (Newcombe, "
            "two independent draws of test images) that do not cover the noise between seeds; * leaves out zero."
        )
    if limit := records[0].spec["data"]["train_limit"]:
        yield f"A smoke run on {limit:,} training images: its accuracies do not compare with the published ones."


def print_reproduction(
    published: Published, rows: Sequence[Row], records: Sequence[RunRecord], num_test_images: int, console: Console
) -> None:
    """Print published beside measured, and what is known to be wrong with the published figures."""
    say(console, f"{published.name}: published and measured", "bold")
    print_table(side_by_side_table(rows), console)
    for line in (sizes(published, records), *footnotes(rows, records, num_test_images)):
        say(console, line, "dim")
    for title, lines in (("Known to be wrong with the published ones", published.faults),
                         ("Chosen here", published.choices)):  # fmt: skip
        console.print()
        say(console, f"{title}:", "bold")
        for line in lines:
            say(console, f"- {line}")


def markdown_table(rows: Sequence[Row]) -> str:
    """Return the rows as a Markdown table."""
    table = side_by_side_table(rows)
    lines = ["| " + " | ".join(table.headings) + " |", "|---|---|---:|---:|---|"]
    for row in table.rows:
        norm, *rest = (cell.text for cell in row)
        lines.append("| " + " | ".join([f"`{norm}`", *rest]).replace(" *", r" \*") + " |")
    return "\n".join(lines)


def markdown(
    published: Published, rows: Sequence[Row], records: Sequence[RunRecord], num_test_images: int, curves: str | None
) -> str:
    """Return the reproduction as Markdown; `curves` is the picture's path, relative to the file."""
    notes = [sizes(published, records), *footnotes(rows, records, num_test_images)]
    parts = [f"# {published.name}: published and measured", markdown_table(rows), " ".join(notes).replace("*", r"\*")]
    if curves:
        parts.append(f"![Published and measured curves of {published.name}]({curves})")
    parts += ["## Known to be wrong with the published figures", "\n".join(f"- {line}" for line in published.faults)]
    parts += ["## Chosen here", "\n".join(f"- {line}" for line in published.choices)]
    return "\n\n".join(parts) + "\n"
