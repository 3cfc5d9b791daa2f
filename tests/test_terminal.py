"""The results in a terminal: they fit 80 columns, and names are shown as they are."""

import io
import re
from dataclasses import replace

import pytest
from rich.console import Console
from synthetic import digits_test, failed, make_records, make_results, make_study

from whichnorm.analyses import ANALYSES
from whichnorm.analyses.accuracy.terminal import print_results, results_table
from whichnorm.analyses.headline.answer import answer_sentence
from whichnorm.analyses.headline.points import key_points
from whichnorm.analyses.sensitivity.found import Sensitivity
from whichnorm.analyses.wording import outcome
from whichnorm.errors import StudyError
from whichnorm.render.lines import broken
from whichnorm.render.terminal import print_table
from whichnorm.render.text import points, points_interval
from whichnorm.results.verdict import more_seeds_text, p_text
from whichnorm.specs.names import arm_title, difference_title

NOT_MEASURED = {**{analysis.name: StudyError("not measured") for analysis in ANALYSES}, "sensitivity": Sensitivity()}


def printed(results, width: int = 80, terminal: bool = False) -> str:
    out = io.StringIO()
    print_results(results, NOT_MEASURED, Console(file=out, width=width, force_terminal=terminal, color_system=None))
    return out.getvalue()


def test_the_table_has_the_numbers_of_the_results(tmp_path):
    results = make_results(tmp_path)
    lines = printed(results, width=100).splitlines()
    for arm in results.arms:
        line = next(line for line in lines if line.startswith(arm_title(arm.norm)) and "−" not in line)
        test = arm.test_accuracy
        low, high = test.ci95
        numbers = f"{100 * test.mean:.2f} [{100 * low:.2f}, {100 * high:.2f}]"
        assert numbers in line
        rest = line.partition("]")[2].split()
        assert rest == [f"{100 * arm.train_accuracy.mean:.2f}", f"{arm.train_seconds.mean:.1f}", f"{arm.params:,}", "3"]


def test_the_longest_arm_fits_eighty_columns(tmp_path):
    arms = ["ln-element:noaffine+l1:0.0001", "gn:c16:noaffine+l2:0.0005", "bn"]
    study, test = make_study(), digits_test()
    records = [
        replace(r, audit=replace(r.audit, params=11_173_962)) for r in make_records(arms, study, test, num_classes=10)
    ]
    results = make_results(tmp_path, study=study, records=records, test=test)
    out = io.StringIO()
    print_table(results_table(results), Console(file=out, width=80))
    assert max(map(len, out.getvalue().splitlines())) <= 80
    assert out.getvalue().count("11,173,962") == 3
    assert "…" not in out.getvalue()


def test_comparisons_are_one_line_each_and_the_answer_with_its_points_comes_last(tmp_path):
    results = make_results(tmp_path)
    lines = printed(results).splitlines()
    for c in results.comparisons:
        (line,) = [line for line in lines if line.startswith(f"{difference_title(c.a, c.b)}: ")]
        numbers = f"{points(c.difference)} {points_interval(c.interval)} points"
        assert f"{numbers}, p {p_text(c.adjusted_p)}, {outcome(c)}" in line
        assert (more_seeds_text(c) in line) == (c.call == "cannot tell")
    said = [f"{point.label}: {point.text}" for point in key_points(results, NOT_MEASURED)]
    assert lines[-len(said) - 2 :] == ["", answer_sentence(results), *said]


@pytest.mark.parametrize("width", [40, 80, 200])
def test_in_a_terminal_no_line_is_too_long_and_no_number_is_broken(tmp_path, width):
    results = make_results(tmp_path)
    lines = printed(results, width, terminal=True).splitlines()
    after = lines[next(i for i, line in enumerate(lines) if line.startswith("Intervals over")) :]
    assert max(map(len, after)) <= width
    for line in after:
        assert line.count("[") == line.count("]")
        assert not re.search(r"(\bp|[=<>−+]|\bn =)$", line.rstrip()) or line.rstrip().endswith(" −")
    whole = " ".join(" ".join(after).split())
    assert " ".join(printed(results).partition("Intervals over")[2].split()) == whole.partition("Intervals over ")[2]


def test_a_failed_arm_is_in_the_table_and_its_reason_below_once(tmp_path):
    study, test = make_study(seeds=(0,)), digits_test()
    records = make_records(["bn", "ln"], study, test, num_classes=10)
    records[1] = failed(records[1], "no [bold]norm[/bold] layer [/]")
    text = printed(make_results(tmp_path, study=study, records=records, test=test))
    assert "no finished run" in text
    assert text.count("LayerNorm seed 0 failed: no [bold]norm[/bold] layer [/]") == text.count("no [bold]norm") == 1


@pytest.mark.parametrize(("seeds", "basis"), [((0,), "test images (n = 1)"), ((0, 1), "seeds and test images")])
def test_it_says_what_the_intervals_are_over_and_the_device(tmp_path, seeds, basis):
    text = printed(make_results(tmp_path, study=make_study(seeds=seeds)))
    assert f"Intervals over {basis}. Median seconds of training on cpu (Example Processor 3000)." in text


@pytest.mark.parametrize(
    "text",
    ["a difference of +1.20 [+0.31, +2.09] points", "p < 0.001", "n = 12 seeds", "98.10 % [97.90, 98.30]", "34.7 s"],
)
def test_what_is_read_as_one_thing_is_not_broken(text):
    for width in range(1, 60):
        lines = broken(f"some words and {text}, and others", width)
        assert " ".join(lines) == f"some words and {text}, and others"
        for part in ("[+0.31, +2.09]", "p < 0.001", "n = 12 seeds", "98.10 %", "[97.90, 98.30]", "34.7 s"):
            assert part not in text or any(part in line for line in lines)
