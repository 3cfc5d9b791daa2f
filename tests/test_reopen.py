"""A finished study opened again from its folder."""

import importlib
import json
import shutil
import sys
from dataclasses import fields
from pathlib import Path

import pytest
import shortcuts
from torch import nn

import whichnorm
from whichnorm import compare
from whichnorm.analyses import ANALYSES
from whichnorm.api import read_results, report_on
from whichnorm.cli import main
from whichnorm.errors import DataError, SpecError, StudyError, WhichnormError
from whichnorm.study.study import reopen
from whichnorm.training.evaluate import evaluate
from whichnorm.training.record import EpochRow


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    out = tmp_path_factory.mktemp("reopen") / "study"
    options = {"seeds": 2, "epochs": 2, "train_limit": 300, "threads": 1, "precision": "float32"}
    with shortcuts.undrawn():
        return out, compare(norms=["bn", "gn:4"], **options, out=out)


@pytest.fixture
def copied(finished, tmp_path):
    out, _ = finished
    return shutil.copytree(out, tmp_path / "copy")


def edit(folder, **changes):
    path = folder / "study.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


@pytest.mark.usefixtures("no_report")
def test_the_study_is_the_one_that_was_trained(finished):
    out, results = finished
    study = reopen(out)
    assert [str(arm) for arm in study.spec.arms] == ["bn", "gn:4"]
    assert study.spec.seeds == (0, 1)
    assert study.spec.recipe.epochs == 2
    again = report_on(study, read_results(study))
    assert again.to_dict() == results.to_dict() == json.loads((out / "results.json").read_text())
    assert again.records == results.records


def test_a_trained_network_gives_its_records_predictions(finished):
    out, results = finished
    study = reopen(out)
    for run, record in zip(study.spec.runs(), results.records, strict=True):
        network = study.network(run)
        assert not network.training
        found = evaluate(network, study.splits.test, study.splits.mean, study.splits.std, run.machine)
        assert found.predictions() == record.test_predictions
        assert found.accuracy.item() == pytest.approx(record.last.test_accuracy)


@pytest.mark.usefixtures("undrawn")
def test_the_report_command_writes_the_same_page_again(copied, capsys):
    page = copied / "report" / "index.html"
    before = page.read_bytes()
    page.unlink()
    assert main(["report", str(copied)]) in (0, 1)
    assert page.read_bytes() == before
    assert capsys.readouterr().out.rstrip().endswith(str(page))


def test_runs_that_are_still_to_be_made_are_left_out(copied):
    next((copied / "runs").glob("gn-4-seed1.json")).unlink()
    results = read_results(reopen(copied))
    assert [(r.arm, r.seed) for r in results.records] == [("bn", 0), ("gn:4", 0), ("bn", 1)]


def test_a_study_without_a_finished_run_says_so(copied):
    for record in (copied / "runs").glob("*.json"):
        record.unlink()
    with pytest.raises(StudyError, match="no run has finished yet"):
        read_results(reopen(copied))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"arms": ["bn", "batchnorm9"]}, "batchnorm9"),
        ({"seeds": 3}, "not a study of this version: field 'seeds' is 3, expected an array"),
        ({"recipe": {"epochs": "many"}}, "epochs"),
        ({"model": {"name": 5, "options": 7}}, "not a study of this version, model: field 'name' is 5"),
        ({"machine": {"cores": 3}}, "unknown field 'cores' .*; there are device, threads, precision"),
        ({"data": {"name": "nowhere", "val_fraction": 0.1}}, "nowhere"),
    ],
)
def test_a_study_file_that_was_edited_is_refused_in_one_line(copied, changes, message, capsys):
    edit(copied, **changes)
    with pytest.raises(WhichnormError, match=message):
        read_results(reopen(copied))
    assert main(["report", str(copied)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_other_data_than_the_studys_are_refused(copied):
    held = json.loads((copied / "study.json").read_text())
    edit(copied, data={**held["data"], "digest": "0" * 16})
    study = reopen(copied)  # no image is loaded yet
    with pytest.raises(StudyError, match=r"data\.digest"):
        _ = study.splits
    with pytest.raises(StudyError, match=r"data\.digest"):
        read_results(study)


def test_a_study_of_an_earlier_version_is_refused_with_a_way_out(copied):
    held = json.loads((copied / "study.json").read_text())
    del held["arms"]
    (copied / "study.json").write_text(json.dumps(held))
    with pytest.raises(StudyError, match="give the whichnorm compare command"):
        reopen(copied)


def test_a_folder_without_a_study_is_refused(tmp_path):
    with pytest.raises(StudyError, match="holds no study"):
        reopen(tmp_path)
    with pytest.raises(StudyError, match="no such folder"):
        reopen(tmp_path / "nowhere")


def test_damaged_weights_are_one_clear_error(copied):
    study = reopen(copied)
    run = study.spec.runs()[0]
    study.folder.weights(run).write_bytes(b"nothing")
    with pytest.raises(StudyError, match="not the readable weights"):
        study.network(run)


def test_missing_data_are_a_data_error(copied):
    held = json.loads((copied / "study.json").read_text())
    edit(copied, data={**held["data"], "name": "cifar10"})
    study = reopen(copied, data_dir=copied / "none", download=False)
    with pytest.raises(DataError):
        _ = study.splits


NETWORK = """
from torch import nn
def make(norm, num_classes, in_channels):
    return nn.Sequential(nn.Conv2d(in_channels, 8, 3, bias=False), norm(8), nn.ReLU(), nn.AdaptiveAvgPool2d(1),
                         nn.Flatten(), nn.Linear(8, num_classes))
"""
QUICK = {"norms": ["bn", "ln"], "seeds": 1, "epochs": 1, "train_limit": 300, "threads": 1, "precision": "float32"}


@pytest.fixture
def own_network(tmp_path, monkeypatch):
    (tmp_path / "own_network_of_reopen.py").write_text(NETWORK)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module("own_network_of_reopen")
    del sys.modules["own_network_of_reopen"]


@pytest.mark.usefixtures("records_alone")
def test_a_network_given_as_a_function_is_the_one_of_its_name(own_network):
    compare(model=own_network.make, out="study", **QUICK)
    study = reopen("study")
    assert read_results(study).arms
    assert not study.network(study.spec.runs()[0]).training
    options = "--norms bn,ln --seeds 1 --epochs 1 --train-limit 300 --threads 1 --precision float32 --out study"
    code = main(["compare", "--model", "own_network_of_reopen:make", *options.split()])
    assert code in (0, 1)  # the same study: nothing is refused


@pytest.mark.usefixtures("undrawn")
def test_records_are_read_where_the_networks_code_has_changed_or_gone(own_network, capsys):
    compare(model=own_network.make, out="study", **QUICK)
    held = json.loads(Path("study/study.json").read_text())
    for name in ("own_network_of_reopen:gone", "__main__:local"):
        for path in (Path("study/study.json"), *Path("study/runs").glob("*.json")):
            text = path.read_text()
            path.write_text(text.replace(json.dumps(held["model"]["name"]), json.dumps(name)))
        held["model"]["name"] = name
        assert main(["classes", "study"]) == 0
        assert main(["gradcam", "study"]) == 0  # its maps are kept with the study
        capsys.readouterr()
        assert main(["gradcam", "study", "--layer", "0"]) == 2
        assert capsys.readouterr().err.count("\n") == 1
        assert main(["report", "study"]) in (0, 1)


@pytest.mark.usefixtures("records_alone")
def test_a_network_whose_layers_changed_is_refused_with_its_weights(own_network):
    compare(model=own_network.make, out="study", **QUICK)
    own_network.make = lambda norm, num_classes, in_channels: nn.Sequential(
        nn.Conv2d(in_channels, 8, 3), norm(8), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(8, num_classes),
    )  # fmt: skip
    study = reopen("study")
    with pytest.raises(StudyError, match="code has changed"):
        study.network(study.spec.runs()[0])


@pytest.mark.parametrize(
    "changes",
    [
        {"test_predictions": "x"},
        {"test_predictions": None},
        {"test_predictions": [1, 2]},
        {"test_predictions": [99] * 360},
        {"test_predictions": [0.5] * 360},
        {"test_confidences": ["x"] * 360},
        {"status": "weird"},
        {"epochs": []},
        {"epochs": [{**dict.fromkeys(EpochRow.__dataclass_fields__, 1.0), "val_accuracy": "x"}]},
        {"epochs": [{**dict.fromkeys(EpochRow.__dataclass_fields__, 1.0), "test_accuracy": None}]},
        {"environment": 3},
    ],
    ids=str,
)
def test_a_record_that_was_edited_is_one_clear_line(copied, changes, capsys):
    path = copied / "runs" / "bn-seed0.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    assert main(["curves", str(copied)]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "bn-seed0.json" in said
    assert "train this run again" in said


# ----- in Python


def test_a_study_that_a_command_made_is_opened_in_python_without_images_or_training(finished, monkeypatch):
    out, results = finished
    monkeypatch.setattr("whichnorm.study.study.load_splits", lambda *_: 1 / 0)
    before = sorted(out.rglob("*"))
    opened = whichnorm.open_results(out)
    assert opened.verdict == results.verdict
    assert opened.comparisons == results.comparisons
    assert repr(opened) == repr(results)
    assert opened.table().rows == results.table().rows
    assert opened.found == {}  # nothing is measured yet
    first = opened.plot("curves")
    assert [picture.name for picture in first] == [picture.name for picture in results.plot("curves")]
    assert set(opened.found) == {"curves"}
    assert sorted(out.rglob("*")) == before


def test_an_analysis_of_opened_results_is_measured_once_and_again_only_under_other_options(finished, monkeypatch):
    opened = whichnorm.open_results(str(finished[0]))
    (analysis,) = [one for one in ANALYSES if one.name == "mistakes"]
    asked = []

    def measure(self, study, results, options):
        asked.append(options)
        return measured(self, study, results, options)

    measured = type(analysis).measure
    monkeypatch.setattr(type(analysis), "measure", measure)
    opened.section("mistakes")
    opened.section("mistakes")
    assert len(asked) == 1
    name = next(one.name for one in fields(analysis.options))
    opened.section("mistakes", **{name: getattr(asked[0], name)})
    assert len(asked) == 2


@pytest.mark.usefixtures("undrawn")
def test_opened_results_write_the_same_report(copied):
    page = copied / "report" / "index.html"
    before = page.read_bytes()
    page.unlink()
    assert whichnorm.open_results(copied).report() == page
    assert page.read_bytes() == before


@pytest.mark.parametrize(("keywords", "message"), [({"datadir": "x"}, "data_dir"), ({"download": 3}, "download is 3")])
def test_wrong_arguments_of_opening_are_named(finished, keywords, message):
    with pytest.raises(SpecError, match=message):
        whichnorm.open_results(finished[0], **keywords)


def test_opening_nothing_is_a_study_error(tmp_path):
    with pytest.raises(StudyError, match="holds no study"):
        whichnorm.open_results(tmp_path)
