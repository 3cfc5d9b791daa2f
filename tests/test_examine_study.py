"""The examination of a study: its files, what is examined again, and what the report says."""

import json
import shutil
import sys
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from whichnorm.analyses.sections import reliability_section

from whichnorm import compare
from whichnorm.analyses.cost.measure import Latency
from whichnorm.analyses.cost.tables import cost_sentences, cost_table
from whichnorm.analyses.examined import study as under_test
from whichnorm.analyses.examined import tables as examined_tables
from whichnorm.analyses.examined.study import cost_path, examine_study, examined_path
from whichnorm.api import read_results, with_examined
from whichnorm.cli import main
from whichnorm.study.study import reopen
from whichnorm.training.checkpoint import write_weights

OPTIONS = {"epochs": 2, "train_limit": 300, "threads": 1, "precision": "float32"}
LATENCY = Latency(
    median_seconds=0.002, lower_quartile_seconds=0.0015, upper_quartile_seconds=0.003, num_calls=200, threads=1,
    device="cpu (Example)",
)  # fmt: skip


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    out = tmp_path_factory.mktemp("examine") / "study"
    return out, compare(norms=["bn", "gn:4"], seeds=2, out=out, latency=False, **OPTIONS)


@pytest.fixture
def copied(finished, tmp_path):
    return reopen(shutil.copytree(finished[0], tmp_path / "copy"))


@pytest.fixture
def asked(monkeypatch):
    """Count what is really examined."""
    calls = SimpleNamespace(runs=[], arms=[])
    run, cost = under_test.examine_run, under_test.measure_cost
    monkeypatch.setattr(under_test, "examine_run", lambda r, *rest: calls.runs.append(r.key) or run(r, *rest))
    monkeypatch.setattr(
        under_test, "measure_cost", lambda r, *rest, **k: calls.arms.append(str(r.arm)) or cost(r, *rest, **k)
    )
    return calls


def examine(study, latency=False):
    return examine_study(study, read_results(study), latency=latency)


def test_compare_examines_every_run_and_arm(finished):
    out, results = finished
    names = {path.name for path in (out / "examined").iterdir()}
    assert names == {f"{arm}-seed{s}.json" for arm in ("bn", "gn-4") for s in (0, 1)} | {
        "bn.cost.json",
        "gn-4.cost.json",
    }
    assert [(run.arm, run.seed) for run in results.examined.runs] == [(r.arm, r.seed) for r in results.records]
    assert json.loads((out / "results.json").read_text())["examined"] == json.loads(
        json.dumps(results.examined.to_dict())
    )
    assert results.examined.reasons == ()


def test_the_running_accuracy_is_the_records(finished):
    _, results = finished
    for run, record in zip(results.examined.runs, results.records, strict=True):
        found = run.found
        assert found.calibration.num_images == results.num_test_images
        mean = sum(record.test_confidences) / len(record.test_confidences)
        assert found.calibration.overconfidence == pytest.approx(mean - record.last.test_accuracy, abs=1e-4)
        assert (found.batch_statistics is not None) == (run.arm == "bn")
        if found.batch_statistics:
            assert found.batch_statistics.running_accuracy == pytest.approx(record.last.test_accuracy)
            assert found.batch_statistics.num_train_images == 270
            assert len(found.batch_statistics.layers) == 4
        else:
            assert found.companions.changed_in_batch_mode == 0


def test_what_is_there_is_not_asked_again_and_reads_back_the_same(finished, copied, asked):
    assert examine(copied) == finished[1].examined
    assert (asked.runs, asked.arms) == ([], [])


def test_a_retrained_run_is_examined_again_and_the_others_are_not(copied, asked):
    run = copied.study.runs()[0]
    network = copied.folder.network(run, copied.splits)
    with torch.no_grad():
        next(network.parameters()).mul_(2)
    write_weights(copied.folder.weights(run), network)
    examine(copied)
    assert (asked.runs, asked.arms) == ([run.key], [str(run.arm)])
    examine(copied)
    assert len(asked.runs) == 1


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: "",
        lambda text: text[: len(text) // 2],
        lambda text: "[]",
        lambda text: text.replace('"schema": 1', '"schema": 99'),
        lambda text: text.replace('"num_images"', '"number"'),
        lambda text: text.replace('"expected_error": 0', '"expected_error": "0'),
        lambda text: text.replace('"layers": [', '"layers": [1, '),
    ],
)
def test_a_damaged_or_foreign_file_is_made_again(copied, asked, finished, damage):
    run = copied.study.runs()[0]
    path = examined_path(copied, run)
    assert damage(path.read_text()) != path.read_text()
    path.write_text(damage(path.read_text()))
    assert examine(copied) == finished[1].examined
    assert asked.runs == [run.key]


def test_a_damaged_cost_is_measured_again(copied, asked):
    cost_path(copied, "gn:4").write_text('{"schema": 1}')
    assert examine(copied).cost("gn:4").peak_memory_bytes > 0
    assert (asked.runs, asked.arms) == ([], ["gn:4"])


def test_a_latency_is_measured_when_it_is_wanted_and_missing_and_then_kept(copied, asked, monkeypatch):
    monkeypatch.setattr("whichnorm.analyses.cost.measure.measure_latency", lambda *_: LATENCY)
    assert examine(copied, latency=True).cost("bn").latency == LATENCY
    assert asked.arms == ["bn", "gn:4"]
    assert examine(copied, latency=True).cost("bn").latency == LATENCY
    assert examine(copied, latency=False).cost("bn").latency == LATENCY
    assert asked.arms == ["bn", "gn:4"]


def test_missing_weights_are_a_reason_in_place_of_numbers(copied):
    run = copied.study.runs()[0]
    copied.folder.weights(run).unlink()
    found = examine(copied)
    assert found.runs[0].found is None
    assert "not the readable weights of this run" in found.runs[0].reason
    assert found.runs[1].found is not None
    assert found.cost("gn:4") is not None


def test_a_network_that_cannot_be_built_any_more_leaves_reasons(tmp_path, monkeypatch):
    module = tmp_path / "mynet.py"
    module.write_text("from networks import small as make\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr("whichnorm.api.report_on", lambda study, results: None)
    out = tmp_path / "study"
    compare(norms=["bn", "gn:4"], seeds=1, model="mynet:make", out=out, latency=False, **OPTIONS)
    shutil.rmtree(out / "examined")
    module.unlink()
    monkeypatch.delitem(sys.modules, "mynet")
    shutil.rmtree(tmp_path / "__pycache__", ignore_errors=True)
    results = with_examined(reopen(out), read_results(reopen(out)))
    assert [run.found for run in results.examined.runs] == [None, None]
    assert [arm.cost for arm in results.examined.arms] == [None, None]
    assert all("mynet" in reason and "\n" not in reason for reason in results.examined.reasons)
    assert reliability_section(results).sentences == tuple(f"Not examined: {r}" for r in results.examined.reasons)
    assert len(cost_table(results).headings) == 7
    json.dumps(results.to_dict(), allow_nan=False)


def test_an_error_of_the_users_own_network_is_a_reason(copied, monkeypatch):
    examined_path(copied, copied.study.runs()[0]).unlink()
    monkeypatch.setattr(under_test, "examine_run", lambda *_: 1 / 0)
    found = examine(copied)
    assert "ZeroDivisionError" in found.runs[0].reason
    assert "\n" not in found.runs[0].reason


def test_runs_that_did_not_finish_are_not_asked(copied):
    results = read_results(copied)
    records = tuple(replace(r, status="diverged") if r.seed == 1 else r for r in results.records)
    found = examine_study(copied, replace(results, records=records), latency=False)
    assert {run.seed for run in found.runs} == {0}


def test_the_batch_is_the_recipes(finished):
    out, results = finished
    size = reopen(out).study.recipe.images_per_forward
    assert {run.found.companions.batch_size for run in results.examined.runs} == {size}
    assert results.examined.runs[0].found.batch_statistics.batch_size == size


def test_the_report_has_the_numbers_of_the_examination(finished):
    out, results = finished
    page = (out / "report" / "README.md").read_text()
    for heading in ("BatchNorm's statistics", "Under corruption", "Calibration and company"):
        assert f"## {heading}" in page
    values = [one.batch_statistics.precise_accuracy for one in results.examined.of_arm("bn")]
    assert f"{100 * sum(values) / 2:.2f} %" in page
    assert {"batch_statistics.png", "layer_gaps.png", "corruptions.png"} <= {
        path.name for path in (out / "report" / "figures").iterdir()
    }
    assert "No latency: not measured: --no-latency." in page


def test_means_and_deviations_in_tables_are_those_of_numpy(finished):
    cell = examined_tables.share_cell([0.5, 0.7, 0.9])
    assert (cell.text, cell.note) == ("70.00 %", "SD 20.00")
    assert examined_tables.share_cell([0.5]).note == ""
    assert examined_tables.share_cell([0.5, None]).text == "–"
    assert examined_tables.share_cell([]).text == "–"


def test_every_table_has_a_cell_under_every_heading(finished):
    _, results = finished
    for make in (
        examined_tables.statistics_table, examined_tables.layers_table, examined_tables.corruptions_table,
        examined_tables.reliability_table, cost_table,
    ):  # fmt: skip
        table = make(results)
        assert table.rows
        assert all(len(row) == len(table.headings) for row in table.rows)


def test_the_cost_table_gives_memory_in_mebibytes_and_latency_in_milliseconds(finished):
    _, results = finished
    arms = tuple(replace(a, cost=replace(a.cost, latency=LATENCY, latency_reason="")) for a in results.examined.arms)
    examined = replace(results.examined, arms=arms)
    row = cost_table(replace(results, examined=examined)).rows[0]
    assert row[-2].text == f"{results.examined.cost('bn').peak_memory_bytes / 2**20:.1f} MiB"
    assert (row[-1].text, row[-1].note) == ("2 ms", "[1.5, 3]")
    assert "cpu (Example)" in " ".join(cost_sentences(examined))


def test_results_that_were_never_examined_have_none_of_it(finished):
    results = replace(finished[1], examined=None)
    assert examined_tables.statistics_table(results) is None
    assert examined_tables.corruptions_table(results) is None
    assert examined_tables.reliability_table(results) is None
    assert len(cost_table(results).headings) == 7
    assert results.to_dict()["examined"] is None


def test_no_latency_is_an_option_of_compare(tmp_path, monkeypatch):
    monkeypatch.setattr("whichnorm.analyses.cost.measure.measure_latency", lambda *_: 1 / 0)
    monkeypatch.setattr("whichnorm.api.report_on", lambda study, results: None)
    out = tmp_path / "study"
    options = ["--norms", "bn", "--seeds", "1", "--epochs", "1", "--train-limit", "200", "--threads", "1"]
    assert main(["compare", *options, "--no-latency", "--out", str(out)]) in (0, 1)
    examined = json.loads((out / "results.json").read_text())["examined"]
    assert examined["arms"][0]["cost"]["latency_reason"] == "not measured: --no-latency"
