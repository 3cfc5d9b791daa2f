"""The studies and sweeps that are committed: their records give the numbers that are committed with them."""

import json
import shutil
from pathlib import Path

import pytest

import whichnorm
from whichnorm.api import read_results
from whichnorm.cli import main
from whichnorm.study.study import reopen

RESULTS = Path(__file__).parents[1] / "results"
FOLDERS = sorted(path.parent for path in RESULTS.rglob("study.json"))
SWEEPS = sorted(path.parent for path in RESULTS.rglob("sweep.json"))


@pytest.fixture(autouse=True)
def _no_images(monkeypatch):
    """Nothing that is read here may ask for the data set."""

    def refuse(*_):
        raise AssertionError("images were asked for")

    monkeypatch.setattr("whichnorm.study.study.load_splits", refuse)


def test_there_are_committed_studies():
    assert {"session08", "wynet_seeds"} < {folder.name for folder in FOLDERS}
    assert {folder.name for folder in SWEEPS} == {"sweep_batch", "sweep_groups"}


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: str(folder.relative_to(RESULTS)))
def test_a_committed_study_opens_without_images_and_its_records_give_its_numbers(folder):
    committed = json.loads((folder / "results.json").read_text())
    found = json.loads(json.dumps(read_results(reopen(folder)).to_dict()))
    assert without(found["arms"], "title") == without(committed["arms"], "title")
    assert without(found["comparisons"], "more_seeds") == without(committed["comparisons"], "more_seeds")
    for answer in ("choice", "next_best", "level"):
        assert found["verdict"][answer] == committed["verdict"][answer]
    assert found["faults"] == committed["faults"]


@pytest.mark.parametrize("folder", SWEEPS, ids=lambda folder: folder.name)
def test_a_committed_sweep_is_reported_again_with_its_numbers(folder, tmp_path, monkeypatch, capsys):
    without_report = shutil.ignore_patterns("report", "results.*", "*.safetensors")
    copy = shutil.copytree(folder, tmp_path / "sweep", ignore=without_report)
    monkeypatch.setattr("whichnorm.report.write_figures", lambda content, place: {})
    monkeypatch.setattr("whichnorm.report.page.render", lambda *_: "")
    committed = json.loads((folder / "results.json").read_text())
    assert main(["report", str(copy)]) == bool(committed["faults"])
    found = json.loads((copy / "results.json").read_text())
    assert without(found.pop("comparisons"), "more_seeds") == without(committed.pop("comparisons"), "more_seeds")
    for results in (found, committed):
        del results["sweep"]  # fields that came later have their defaults: tests/test_committed.py
    assert found == committed
    assert capsys.readouterr().out.endswith(f"report: {copy / 'report' / 'index.html'}\n")
    assert not list(copy.glob("*/report"))  # the weights of the points are not there


def without(items, worded):
    """Return every item without a value that is worded, or worked out from the others, by the version at hand."""
    return [{key: value for key, value in item.items() if key != worded} for item in items]


@pytest.mark.parametrize("folder", SWEEPS, ids=lambda folder: folder.name)
def test_a_committed_sweep_opens_in_python_with_its_numbers_and_writes_nothing(folder):
    before = sorted(path.stat().st_mtime_ns for path in folder.rglob("*"))
    results = whichnorm.open_results(folder)
    assert isinstance(results, whichnorm.SweepResults)
    committed = json.loads((folder / "results.json").read_text())
    assert json.loads(json.dumps(results.to_dict()))["points"] == committed["points"]
    assert sorted(path.stat().st_mtime_ns for path in folder.rglob("*")) == before
