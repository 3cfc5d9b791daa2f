"""The README is short, and its numbers are those of results/."""

import json
import re

from documents import README, ROOT, blocks

TEXT = README.read_text()
SAID = " ".join(TEXT.split())
COMPARED = json.loads((ROOT / "results" / "wynet_seeds" / "results.json").read_text())


def row_of(norm: str, text: str) -> str:
    (row,) = re.findall(rf"^\| [^|]*`{re.escape(norm)}` \|.*$", text, flags=re.MULTILINE)[:1]
    return row


def test_the_readme_is_short():
    assert len(TEXT.splitlines()) <= 120


def test_three_commands_are_shown():
    commands = [line for block in blocks(TEXT, "sh") for line in block.splitlines() if line]
    assert len(commands) == 3


def test_the_table_holds_the_measured_numbers_of_five_seeds():
    for arm in COMPARED["arms"]:
        accuracy = arm["test_accuracy"]
        (low, high), values = accuracy["ci95"], accuracy["values"]
        assert len(arm["seeds"]) == 5
        row = row_of(arm["norm"], TEXT)
        assert f"{100 * accuracy['mean']:.2f} [{100 * low:.2f}, {100 * high:.2f}]" in row
        assert f"| {100 * accuracy['std']:.2f} | {100 * min(values):.2f} to {100 * max(values):.2f} |" in row


def test_the_verdict_is_the_studys():
    answer = COMPARED["verdict"]["text"].split(" BatchNorm − ")[0]
    assert f"*{answer}*" in SAID
    for c in COMPARED["comparisons"]:
        low, high = (f"{100 * end:+.2f}".replace("-", "−") for end in c["ci95"])
        difference = f"{100 * c['difference']:+.2f}".replace("-", "−")
        assert f"`{c['a']}` − `{c['b']}`: {difference} points [{low}, {high}]" in SAID
        if c["call"] == "cannot tell":
            low, high = c["seeds_needed"]
            more = f"To find a difference of {100 * c['margin']:.2f} points takes {low:,} to {high:,} seeds"
            assert f"no conclusion. {more}" in SAID


def test_the_three_runs_of_batch_norm_are_published_and_measured_as_said():
    published = json.loads((ROOT / "src/whichnorm/reproduce/published/residual8.json").read_text())
    measured = json.loads((ROOT / "results/reproductions/residual8/results.json").read_text())
    there = {arm["norm"]: 100 * arm["final"]["test_accuracy"] for arm in published["arms"]}
    here = {arm["norm"]: 100 * arm["test_accuracy"]["mean"] for arm in measured["arms"]}
    norms = ("bn", "gn:4", "ln")
    for found in (there, here):
        first, second, third = (f"{found[norm]:.2f}" for norm in norms)
        assert f">{first}, {second} and {third}<" in SAID
    assert f">{here['bn'] - here['gn:4']:.1f} and {here['bn'] - here['ln']:.1f}<" in SAID
