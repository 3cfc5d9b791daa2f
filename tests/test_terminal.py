"""The results in a terminal: they fit 80 columns, and names are shown as they are."""

import io
from dataclasses import replace

import pytest
from rich.console import Console
from synthetic import digits_test, failed, make_records, make_results, make_study

from whichnorm.analyses.accuracy.terminal import print_results, results_table
from whichnorm.analyses.wording import outcome
from whichnorm.results.verdict import p_text


def printed(results, width: int = 80) -> str:
    out = io.StringIO()
    print_results(results, Console(file=out, width=width))
    return out.getvalue()


def test_the_table_has_the_numbers_of_the_results(tmp_path):
    results = make_results(tmp_path)
    lines = printed(results).splitlines()
    for arm in results.arms:
        line = next(line for line in lines if line.split()[:1] == [arm.norm] and "−" not in line)
        test = arm.test_accuracy
        low, high = test.ci95
        numbers = f"{100 * test.mean:.2f} [{100 * low:.2f}, {100 * high:.2f}]"
        assert numbers in line
        rest = line.partition("]")[2].split()
        assert rest == [f"{100 * arm.train_accuracy.mean:.2f}", f"{arm.train_seconds.mean:.1f}", "3"]


def test_the_longest_arm_fits_eighty_columns(tmp_path):
    arms = ["ln-element:noaffine+l1:0.0001", "gn:c16:noaffine+l2:0.0005", "bn"]
    study, test = make_study(), digits_test()
    records = [
        replace(r, audit=replace(r.audit, params=11_173_962)) for r in make_records(arms, study, test, num_classes=10)
    ]
    results = make_results(tmp_path, study=study, records=records, test=test)
    out = io.StringIO()
    Console(file=out, width=80).print(results_table(results))
    assert max(map(len, out.getvalue().splitlines())) <= 80
    assert out.getvalue().count("11,173,962") == 3
    assert "…" not in out.getvalue()


def test_comparisons_and_verdict_are_one_line_each(tmp_path):
    results = make_results(tmp_path)
    lines = printed(results).splitlines()
    assert results.verdict.answer in lines
    for c in results.comparisons:
        (line,) = [line for line in lines if line.startswith(f"{c.a} − {c.b}: ")]
        numbers = f"{100 * c.difference:+.2f} [{100 * c.ci95[0]:+.2f}, {100 * c.ci95[1]:+.2f}] points"
        assert f"{numbers}, p {p_text(c.adjusted_p)}, {outcome(c)}" in line
        assert ("more seed" in line) == (c.call == "cannot tell")


def test_a_failed_arm_is_in_the_table_and_its_reason_below(tmp_path):
    study, test = make_study(seeds=(0,)), digits_test()
    records = make_records(["bn", "ln"], study, test, num_classes=10)
    records[1] = failed(records[1], "no [bold]norm[/bold] layer [/]")
    text = printed(make_results(tmp_path, study=study, records=records, test=test))
    assert "no finished run" in text
    assert "ln seed 0 failed: no [bold]norm[/bold] layer [/]" in text


@pytest.mark.parametrize(("seeds", "basis"), [((0,), "test images (n = 1)"), ((0, 1), "seeds and test images")])
def test_it_says_what_the_intervals_are_over_and_the_device(tmp_path, seeds, basis):
    text = printed(make_results(tmp_path, study=make_study(seeds=seeds)))
    assert f"Intervals over {basis}. Median seconds of training on cpu (Example Processor 3000)." in text
