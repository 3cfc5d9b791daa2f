"""Studies and sweeps that go on from their folder alone, and end as if nothing had stopped them."""

import inspect
import json
import shutil
import sys
from pathlib import Path

import pytest
from torch import nn

import whichnorm
from whichnorm.cli import main
from whichnorm.errors import ModelError, SpecError, StudyError
from whichnorm.study.events import RunStarted
from whichnorm.sweeps.results import SweepResults

pytestmark = pytest.mark.usefixtures("records_alone")
SMALL = {"norms": ["bn", "gn:4"], "seeds": 2, "epochs": 1, "train_limit": 90, "threads": 1, "precision": "float32"}
NO_TIMES = ("train_seconds", "train_seconds_values")


class Stopping:
    """Counts the runs that begin, and stops the process in one of them, as Ctrl-C does."""

    def __init__(self, stop_in=10**9):
        self.runs, self.stop_in = [], stop_in

    def __call__(self, event):
        if isinstance(event, RunStarted):
            self.runs.append((event.arm, event.seed))
            if len(self.runs) > self.stop_in:
                raise KeyboardInterrupt


def stopped(function, *args, stop_in=1, **options):
    with pytest.raises(KeyboardInterrupt):
        function(*args, **options, progress=Stopping(stop_in))


def found(folder):
    """Return what results.json says, but for measured times."""
    held = json.loads((folder / "results.json").read_text())
    for arm in held.get("arms", []):
        for name in NO_TIMES:
            del arm[name]
    return held


def files(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.json"))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    out = tmp_path_factory.mktemp("undisturbed") / "study"
    import shortcuts

    with shortcuts.records_alone():
        whichnorm.compare("digits", **SMALL, out=out)
    return out


def test_a_stopped_study_ends_as_an_undisturbed_one(undisturbed, tmp_path):
    out = tmp_path / "study"
    stopped(whichnorm.compare, "digits", **SMALL, out=out)
    before = (out / "study.json").read_bytes()
    counting = Stopping()
    results = whichnorm.resume(out, progress=counting)
    assert counting.runs == [("gn:4", 0), ("bn", 1), ("gn:4", 1)]
    assert found(out) == found(undisturbed)
    assert files(out) == files(undisturbed)
    assert (out / "study.json").read_bytes() == before == (undisturbed / "study.json").read_bytes()
    assert results.to_dict() == json.loads((out / "results.json").read_text())


def test_a_finished_study_trains_nothing_and_is_reported_again(undisturbed, tmp_path):
    out = shutil.copytree(undisturbed, tmp_path / "study")
    (out / "results.json").unlink()
    counting = Stopping()
    whichnorm.resume(str(out), progress=counting)
    assert counting.runs == []
    assert found(out) == found(undisturbed)


def test_a_study_that_adds_seeds_goes_on_from_those_it_has(tmp_path):
    out = tmp_path / "study"
    sure = {"until_sure": True, "margin": 0.1, "max_seeds": 4, **{**SMALL, "seeds": None}}
    whichnorm.compare("digits", **sure, budget=1e-6, out=out)
    assert json.loads((out / "study.json").read_text())["seeds"] == [0, 1, 2]
    counting = Stopping()
    results = whichnorm.resume(out, progress=counting, budget=1e-6)
    assert (counting.runs, results.seeds) == ([], [0, 1, 2])
    results = whichnorm.resume(out, progress=counting)
    assert {seed for _, seed in counting.runs} == {3}
    assert results.seeds == [0, 1, 2, 3]


def test_further_recipes_are_trained_where_they_are_missing(tmp_path):
    out = tmp_path / "study"
    options = {**SMALL, "recipes": ["digits", "session08"], "batch_size": 16}
    stopped(whichnorm.compare, "digits", **options, out=out, stop_in=5)
    counting = Stopping()
    whichnorm.resume(out, progress=counting)
    assert len(counting.runs) == 3
    assert len(list((out / "recipe-session08" / "runs").glob("*.json"))) == 4


def test_a_stopped_sweep_ends_as_an_undisturbed_one(tmp_path):
    options = {**SMALL, "train_limit": 30, "batch_sizes": [1, 8], "groups": [2, "c"], "lr_rule": "sqrt"}
    whole, out = tmp_path / "whole", tmp_path / "sweep"
    whichnorm.sweep("digits", **options, out=whole)
    stopped(whichnorm.sweep, "digits", **options, out=out, stop_in=4)
    before = (out / "sweep.json").read_bytes()
    results = whichnorm.resume(out)
    assert isinstance(results, SweepResults)
    assert (out / "sweep.json").read_bytes() == before == (whole / "sweep.json").read_bytes()
    assert found(out) == found(whole)
    assert files(out) == files(whole)


# ----- the command line


def test_the_command_ends_as_compare_does(undisturbed, tmp_path, capsys):
    out = shutil.copytree(undisturbed, tmp_path / "study")
    next((out / "runs").glob("gn-4-seed1.json")).unlink()
    assert main(["resume", str(out), "--no-latency"]) in (0, 1)
    shown = capsys.readouterr().out
    assert "run 4 of 4: GroupNorm, 4 groups, seed 1" in shown
    assert shown.rstrip().endswith(f"report: {out / 'report' / 'index.html'}")
    arguments = ["--epochs", "1", "--train-limit", "90", "--seeds", "2", "--norms", "bn,gn:4", "--threads", "1"]
    code = main(["compare", *arguments, "--precision", "float32", "--out", str(out)])
    assert code == main(["resume", str(out)])


def test_the_command_goes_on_with_a_sweep(tmp_path, capsys):
    out = tmp_path / "sweep"
    stopped(whichnorm.sweep, "digits", **SMALL, batch_sizes=[8, 16], out=out)
    assert main(["resume", str(out)]) in (0, 1)
    shown = capsys.readouterr().out
    assert "batch 16, point 2 of 2" in shown
    assert "in proportion to the images per step" in " ".join(shown.split())
    assert shown.rstrip().endswith(f"report: {out / 'report' / 'index.html'}")


@pytest.mark.parametrize("command", ["compare", "sweep", "resume"])
def test_ctrl_c_names_the_command_that_goes_on(command, undisturbed, tmp_path, monkeypatch, capsys):
    out = tmp_path / "a study"
    options = ["--epochs", "1", "--train-limit", "90", "--threads", "1", "--out", str(out)]
    if command == "resume":
        shutil.copytree(undisturbed, out)
        options = [str(out)]

    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("whichnorm.study.run.run_study", stop)
    assert main([command, *options, *(["--batch-sizes", "8"] if command == "sweep" else [])]) == 130
    assert capsys.readouterr().err == f"\nwhichnorm: stopped; whichnorm resume '{out}' goes on\n"


def test_options_that_change_a_study_are_none_of_resume(undisturbed, capsys):
    parameters = set(inspect.signature(whichnorm.resume).parameters)
    assert parameters == {"folder", "progress", "data_dir", "download", "max_params", "diagnostics", "tensorboard",
                          "latency", "budget"}  # fmt: skip
    assert main(["resume", str(undisturbed), "--epochs", "9"]) == 2
    assert "--epochs 9" in capsys.readouterr().err


# ----- what cannot go on


def test_a_folder_without_either_is_one_line(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    wrong = {"": "holds no study", "none": "no such folder", "file": "is a file"}
    for folder, words in ((tmp_path / name, words) for name, words in wrong.items()):
        assert main(["resume", str(folder)]) == 2
        said = capsys.readouterr().err
        assert said.startswith(f"whichnorm: {folder}")
        assert words in said
        assert said.count("\n") == 1


def test_a_budget_for_seeds_that_are_fixed_is_refused(undisturbed, tmp_path, capsys):
    with pytest.raises(SpecError, match=r"--budget 60s.*seeds that are fixed"):
        whichnorm.resume(undisturbed, budget=60.0)
    (tmp_path / "sweep.json").write_text("{}")
    with pytest.raises(SpecError, match=r"--budget 60s.*a sweep, whose seeds are fixed"):
        whichnorm.resume(tmp_path, budget=60.0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({}, "not a sweep of this version: field 'data' is missing"),
        ({"axes": {"batch_size": [1]}}, "unknown field 'batch_size'"),
        ({"learning_rate_rule": "cubic"}, "unknown learning-rate rule 'cubic'"),
    ],
)
def test_a_damaged_sweep_is_one_line(change, message, tmp_path, capsys):
    committed = Path(__file__).parent.parent / "results" / "sweep_groups" / "sweep.json"
    held = {**json.loads(committed.read_text()), **change} if change else {}
    (tmp_path / "sweep.json").write_text(json.dumps(held))
    assert main(["resume", str(tmp_path), "--no-download"]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1


def test_other_images_are_refused(tmp_path, undisturbed):
    out = shutil.copytree(undisturbed, tmp_path / "study")
    held = json.loads((out / "study.json").read_text())
    held["data"]["digest"] = "0" * 16
    (out / "study.json").write_text(json.dumps(held))
    with pytest.raises(StudyError, match=r"data\.digest"):
        whichnorm.resume(out)


NETWORK = """
from torch import nn
def make(norm, num_classes, in_channels):
    return nn.Sequential(nn.Conv2d(in_channels, 4, 3, bias=False), norm(4), nn.ReLU(), nn.AdaptiveAvgPool2d(1),
                         nn.Flatten(), nn.Linear(4, num_classes))
"""


@pytest.fixture
def own_network(tmp_path, monkeypatch):
    (tmp_path / "network_to_resume.py").write_text(NETWORK)
    monkeypatch.chdir(tmp_path)
    yield "network_to_resume:make"
    sys.modules.pop("network_to_resume", None)


def test_a_network_of_ones_own_goes_on_until_its_source_changes(own_network, tmp_path):
    stopped(whichnorm.compare, "digits", model=own_network, **SMALL, out="study")
    assert whichnorm.resume("study").arms
    (tmp_path / "network_to_resume.py").write_text(NETWORK.replace("nn.ReLU()", "nn.GELU()"))
    del sys.modules["network_to_resume"]
    with pytest.raises(StudyError, match="source of its network 'network_to_resume:make' has changed"):
        whichnorm.resume("study")
    (tmp_path / "network_to_resume.py").unlink()
    del sys.modules["network_to_resume"]
    with pytest.raises(ModelError, match="no module 'network_to_resume'"):
        whichnorm.resume("study")


def local(norm, num_classes, in_channels):
    return nn.Sequential(nn.Conv2d(in_channels, 4, 3, bias=False), norm(4), nn.ReLU(), nn.AdaptiveAvgPool2d(1),
                         nn.Flatten(), nn.Linear(4, num_classes))  # fmt: skip


def test_a_network_of_a_script_goes_on_in_the_script_and_nowhere_else(tmp_path, monkeypatch):
    monkeypatch.setattr(local, "__module__", "__main__")
    monkeypatch.setattr(sys.modules["__main__"], "local", local, raising=False)
    stopped(whichnorm.compare, "digits", model=local, **SMALL, out=tmp_path / "study")
    assert whichnorm.resume(tmp_path / "study").arms
    monkeypatch.delattr(sys.modules["__main__"], "local")
    with pytest.raises(StudyError, match="known only to the script or notebook that trained it"):
        whichnorm.resume(tmp_path / "study")
