"""Results in a reader's hands: tables, frames, plots of some arms, and what is wrong in one line."""

import json
import subprocess
import sys

import pytest
import shortcuts

import whichnorm
from whichnorm.cli import main
from whichnorm.errors import SpecError
from whichnorm.specs.names import arm_title


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    out = tmp_path_factory.mktemp("results") / "study"
    with shortcuts.no_report():
        return whichnorm.compare("digits", norms=["bn", "gn:8", "ln"], seeds=2, epochs=1, train_limit=150, threads=1,
                                 latency=False, out=out)  # fmt: skip


def test_the_representation_is_short_and_names_answer_accuracies_and_folder(results):
    assert len(repr(results)) < 600
    for arm in results.arms:
        assert f"{arm_title(arm.norm)} {100 * arm.test_accuracy.mean:.2f} %" in repr(results)
    assert str(results.folder) in repr(results)


def test_a_notebook_shows_the_answer_and_every_arm(results):
    shown = results._repr_html_()
    assert shown.count("<tr>") == 1 + len(results.arms)
    assert all(f"{100 * arm.test_accuracy.mean:.2f} %" in shown for arm in results.arms)


def test_the_frame_has_a_row_per_run_with_the_records_numbers(results):
    frame = results.to_frame()
    assert len(frame) == len(results.records)
    assert frame["test_accuracy"].tolist() == [record.last.test_accuracy for record in results.records]


def test_plots_of_some_arms_keep_to_these(results):
    both, of_one = results.plot("curves"), results.plot("curves", norms=["gn:8"])
    assert {picture.name for picture in of_one} < {picture.name for picture in both}
    assert not any(picture.name.startswith(("bn_", "ln_")) for picture in of_one)


@pytest.mark.parametrize("name", [None, 3, "nonsense", ""])
def test_a_name_that_is_none_is_one_line(results, name):
    with pytest.raises(SpecError, match="no analysis is called"):
        results.plot(name)


def test_an_arm_or_an_option_that_is_not_there_is_one_line(results):
    with pytest.raises(SpecError, match="'in' is no arm of this study; it has bn, gn:8, ln"):
        results.plot("curves", norms=["in"])
    with pytest.raises(SpecError, match="gradcam has no option 'layers'"):
        results.plot("gradcam", layers="block2")


def test_json_holds_accuracies_and_faults(results, capsys):
    assert main(["accuracy", str(results.folder), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["found"]
    means = {arm["norm"]: arm["test_accuracy"]["mean"] for arm in found["arms"]}
    assert means == {arm.norm: arm.test_accuracy.mean for arm in results.arms}
    assert [(c["a"], c["b"], c["p_value"]) for c in found["comparisons"]] == [
        (c.a, c.b, c.p_value) for c in results.comparisons
    ]
    assert main(["faults", str(results.folder), "--json"]) == 0
    runs = json.loads(capsys.readouterr().out)["found"]["runs"]
    assert [(run["arm"], run["seed"]) for run in runs] == [(record.arm, record.seed) for record in results.faults]


def test_a_reader_who_has_seen_enough_is_no_error(results):
    program = [sys.executable, "-m", "whichnorm", "method", str(results.folder), "--json"]
    with subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()  # before anything is written
        assert process.stderr.read() == b""
