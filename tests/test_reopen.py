"""A finished study opened again from its folder."""

import json
import shutil

import pytest

from whichnorm import compare
from whichnorm.cli import main
from whichnorm.errors import DataError, StudyError, WhichnormError
from whichnorm.evaluate import evaluate
from whichnorm.job import read_results, reopen


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    out = tmp_path_factory.mktemp("reopen") / "study"
    results = compare(norms=["bn", "gn:4"], seeds=2, epochs=2, train_limit=300, threads=1, precision="float32", out=out)
    return out, results


@pytest.fixture
def copied(finished, tmp_path):
    out, _ = finished
    return shutil.copytree(out, tmp_path / "copy")


def edit(folder, **changes):
    path = folder / "study.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_the_study_is_the_one_that_was_trained(finished):
    out, results = finished
    job = reopen(out)
    assert [str(arm) for arm in job.study.arms] == ["bn", "gn:4"]
    assert job.study.seeds == (0, 1)
    assert job.study.recipe.epochs == 2
    again = read_results(job)
    assert again.to_dict() == results.to_dict()
    assert again.records == results.records


def test_a_trained_network_gives_its_records_predictions(finished):
    out, results = finished
    job = reopen(out)
    for run, record in zip(job.study.runs(), results.records, strict=True):
        network = job.folder.network(run, job.splits)
        assert not network.training
        found = evaluate(network, job.splits.test, job.splits.mean, job.splits.std, run.machine)
        assert found.predictions() == record.test_predictions
        assert found.accuracy.item() == pytest.approx(record.last.test_accuracy)


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
        ({"seeds": 3}, "not a study of this version"),
        ({"recipe": {"epochs": "many"}}, "epochs"),
        ({"model": {"name": "resnet50", "options": {}}}, "resnet50"),
        ({"machine": {"cores": 3}}, "not a study of this version"),
        ({"data": {"name": "nowhere", "val_fraction": 0.1}}, "nowhere"),
    ],
)
def test_a_study_file_that_was_edited_is_refused_in_one_line(copied, changes, message, capsys):
    edit(copied, **changes)
    with pytest.raises(WhichnormError, match=message):
        reopen(copied)
    assert main(["report", str(copied)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_other_data_than_the_studys_are_refused(copied):
    held = json.loads((copied / "study.json").read_text())
    edit(copied, data={**held["data"], "digest": "0" * 16})
    with pytest.raises(StudyError, match=r"data\.digest"):
        reopen(copied)


def test_a_study_of_an_earlier_version_is_refused_with_a_way_out(copied):
    held = json.loads((copied / "study.json").read_text())
    del held["arms"]
    (copied / "study.json").write_text(json.dumps(held))
    with pytest.raises(StudyError, match="give the whichnorm compare command"):
        reopen(copied)


def test_a_folder_without_a_study_is_refused(tmp_path):
    with pytest.raises(StudyError, match="holds no study"):
        reopen(tmp_path)
    with pytest.raises(StudyError, match=r"study\.json"):
        reopen(tmp_path / "nowhere")


def test_damaged_weights_are_one_clear_error(copied):
    job = reopen(copied)
    run = job.study.runs()[0]
    job.folder.weights(run).write_bytes(b"nothing")
    with pytest.raises(StudyError, match="not the readable weights"):
        job.folder.network(run, job.splits)


def test_missing_data_are_a_data_error(copied):
    held = json.loads((copied / "study.json").read_text())
    edit(copied, data={**held["data"], "name": "cifar10"})
    with pytest.raises(DataError):
        reopen(copied, data_dir=copied / "none", download=False)
