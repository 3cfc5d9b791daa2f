"""Diagnostics in studies: training stays as it is, interruptions lose and repeat nothing, the report has the rows."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from pages import Page
from safetensors.torch import load_file
from shortcuts import records_alone
from synthetic import digits_test, failed, make_records, make_results, make_study
from torch import nn
from whichnorm.analyses.findings import Findings
from whichnorm.analyses.sections import diagnostics_section

import whichnorm
from whichnorm.analyses.diagnostics.estimate import StudyDiagnostics, estimate, read_study_diagnostics
from whichnorm.analyses.diagnostics.files import RunDiagnoses, read_diagnoses, write_diagnoses
from whichnorm.analyses.diagnostics.measure import Diagnosis
from whichnorm.analyses.diagnostics.pictures import diagnostics_pictures
from whichnorm.api import read_results
from whichnorm.cli import main
from whichnorm.errors import StudyError
from whichnorm.render.style import saved
from whichnorm.report import write_report
from whichnorm.study.progress import Progress
from whichnorm.study.study import reopen

SMALL = {"norms": ["bn", "gn:4", "none"], "seeds": 1, "epochs": 3, "train_limit": 150, "threads": 1,
         "precision": "float32", "download": False}  # fmt: skip


def compare(out, **changes):
    with records_alone():
        return whichnorm.compare("digits", out=out, **{**SMALL, **changes})


@pytest.fixture(scope="module")
def diagnosed(tmp_path_factory):
    out = tmp_path_factory.mktemp("diagnosed") / "study"
    compare(out, diagnostics=True)
    return out


def records(out):
    """Return the records without what the clock wrote."""
    found = {}
    for path in sorted((out / "runs").glob("*.json")):
        raw = json.loads(path.read_text())
        del raw["evaluate_seconds"]
        found[path.name] = raw | {"epochs": [{**row, "seconds": 0} for row in raw["epochs"]]}
    return found


def diagnostics(out):
    return {path.name: path.read_bytes() for path in sorted((out / "diagnostics").iterdir())}


def test_records_and_weights_are_those_of_a_study_without_diagnostics(diagnosed, tmp_path):
    compare(tmp_path / "study")
    assert not (tmp_path / "study" / "diagnostics").exists()
    assert records(diagnosed) == records(tmp_path / "study")
    assert len(records(diagnosed)) == 3
    for path in (diagnosed / "runs").glob("*.safetensors"):
        with_them, without = load_file(path), load_file(tmp_path / "study" / "runs" / path.name)
        assert with_them.keys() == without.keys()
        assert all(torch.equal(with_them[name], without[name]) for name in with_them)


@pytest.mark.parametrize("norm", SMALL["norms"])
def test_there_is_a_row_from_before_training_and_one_per_epoch(diagnosed, norm):
    path = diagnosed / "diagnostics" / f"{norm.replace(':', '-')}-seed0.json"
    found = read_diagnoses(path, norm, 0)
    assert list(found.rows) == [0, 1, 2, 3]
    assert found.num_images == 64
    gradients = [tuple(row.gradient_norm.values()) for row in found.rows.values()]
    assert len(set(gradients)) == 4


class StopAt(Progress):
    """Stops like Ctrl-C at an epoch of the first run, where it is done, or where its weights are but no checkpoint."""

    def __init__(self, epoch, method):
        self.epoch, self.method = epoch, method

    def on_epoch(self, row):
        if self.method == "on_epoch" and row.epoch == self.epoch:
            raise KeyboardInterrupt

    def on_weights(self, model, num_epochs):
        if self.method == "on_weights" and num_epochs == self.epoch:
            raise KeyboardInterrupt


@pytest.mark.parametrize("method", ["on_epoch", "on_weights"])
@pytest.mark.parametrize("epoch", [1, 3])
def test_a_study_that_was_stopped_goes_on_to_the_same_rows(diagnosed, tmp_path, method, epoch):
    out = tmp_path / "study"
    with pytest.raises(KeyboardInterrupt):
        compare(out, diagnostics=True, progress=StopAt(epoch, method))
    assert list(read_diagnoses(out / "diagnostics" / "bn-seed0.json", "bn", 0).rows) == list(range(epoch + 1))
    compare(out, diagnostics=True)
    assert diagnostics(out) == diagnostics(diagnosed)
    assert records(out) == records(diagnosed)


def test_a_run_that_goes_on_with_diagnostics_has_rows_from_there_on(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        compare(tmp_path, progress=StopAt(2, "on_epoch"))
    compare(tmp_path, norms=["bn"], diagnostics=True)
    assert list(read_diagnoses(tmp_path / "diagnostics" / "bn-seed0.json", "bn", 0).rows) == [2, 3]


def test_runs_that_finished_without_diagnostics_stay_without_and_are_named(tmp_path):
    compare(tmp_path, norms=["bn"], epochs=1)
    compare(tmp_path, norms=["bn", "gn:4"], epochs=1, diagnostics=True)
    assert list(diagnostics(tmp_path)) == ["gn-4-seed0.json"]
    study = reopen(tmp_path)
    results = read_results(study)
    findings = Findings(diagnostics=read_study_diagnostics(study.spec.runs(), study.folder))
    section = diagnostics_section(results, findings)
    assert section.sentences[-1] == "Trained without --diagnostics, and so without figures here: bn at seed 0."
    assert [picture.name for picture in section.pictures] == ["gn-4_diagnostics"]


def test_the_figures_are_those_of_a_forward_pass_where_several_make_a_step(tmp_path):
    compare(tmp_path, norms=["bn"], epochs=1, batch_size=32, device_batch_size=8, diagnostics=True)
    assert read_diagnoses(tmp_path / "diagnostics" / "bn-seed0.json", "bn", 0).num_images == 8


def test_diagnostics_beside_tensorboard(tmp_path, diagnosed):
    pytest.importorskip("tensorboard")
    compare(tmp_path, norms=["bn"], diagnostics=True, tensorboard=True)
    assert list(diagnostics(tmp_path).values()) == [diagnostics(diagnosed)["bn-seed0.json"]]
    assert list((tmp_path / "tensorboard" / "bn-seed0").iterdir())


class Uncopied(nn.Sequential):
    def __deepcopy__(self, memo):
        raise RuntimeError("holds a lock")


def uncopied(norm, num_classes, in_channels):
    return Uncopied(nn.Conv2d(in_channels, 4, 3), norm(4), nn.ReLU(), nn.Flatten(), nn.Linear(144, num_classes))


def test_a_network_that_cannot_be_diagnosed_stops_the_study_which_goes_on_without(tmp_path):
    changes = {"model": uncopied, "norms": ["bn"], "epochs": 1, "train_limit": 100}
    with pytest.raises(StudyError) as caught:
        compare(tmp_path, diagnostics=True, **changes)
    assert "run bn-seed0: the network cannot be diagnosed on 64 images of 1x8x8: RuntimeError: holds a lock;" in str(
        caught.value
    )
    assert "without --diagnostics goes on" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert compare(tmp_path, **changes).finished("bn")


@pytest.mark.usefixtures("records_alone")
def test_the_command_line_has_it_off_by_default(tmp_path, capsys):
    command = ["compare", "--norms", "bn", "--seeds", "1", "--epochs", "1", "--train-limit", "150", "--threads", "1"]
    main([*command, "--out", str(tmp_path / "without")])
    main([*command, "--out", str(tmp_path / "with"), "--diagnostics"])
    assert not (tmp_path / "without" / "diagnostics").exists()
    assert list(diagnostics(tmp_path / "with")) == ["bn-seed0.json"]
    capsys.readouterr()


ROW = Diagnosis(gradient_norm={"a": 1 / 3, "b": None}, dead_relu={}, cosine_distance={"b": 1e-9})


def test_a_file_holds_null_and_never_nan(tmp_path):
    path = tmp_path / "run.json"
    write_diagnoses(path, RunDiagnoses(arm="bn", seed=1, num_images=8, rows={0: ROW, 1: ROW}))
    assert "NaN" not in path.read_text()
    (first, _) = json.loads(path.read_text())["epochs"]
    assert first == {"epoch": 0, "gradient_norm": {"a": 0.333333, "b": None}, "dead_relu": {},
                     "cosine_distance": {"b": 1e-9}}  # fmt: skip
    assert read_diagnoses(path, "bn", 1).rows[1].gradient_norm == {"a": 0.333333, "b": None}


def test_a_run_with_a_loss_that_is_not_finite_has_its_rows(tmp_path):
    recipe = whichnorm.Recipe(name="wild", epochs=2, batch_size=32, learning_rate=1e30, optimizer="sgd")
    results = compare(tmp_path, norms=["none"], recipe=recipe, epochs=None, diagnostics=True)
    assert results.records[0].status == "diverged"
    found = read_diagnoses(tmp_path / "diagnostics" / "none-seed0.json", "none", 0)
    assert None not in found.rows[0].gradient_norm.values()
    assert None in found.rows[1].gradient_norm.values()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda text: text[:-20], "JSONDecodeError"),
        (lambda text: "[]", "TypeError"),
        (lambda text: text.replace('"bn"', '"ln"'), "holds ln at seed 1"),
        (lambda text: text.replace('"schema": 1', '"schema": 2'), "schema 2"),
        (lambda text: text.replace("0.333333", '"many"'), "no number"),
        (lambda text: text.replace("0.333333", "NaN"), "no number"),
        (lambda text: text.replace('"epoch": 1', '"epoch": 0'), "out of order"),
        (lambda text: text.replace('"dead_relu"', '"dead"'), "KeyError: 'dead_relu'"),
        (lambda text: text[: text.index("[") + 1] + "]}", "no epochs"),
    ],
)
def test_a_damaged_file_is_one_line_with_a_way_out(tmp_path, change, words):
    path = tmp_path / "bn-seed1.json"
    write_diagnoses(path, RunDiagnoses(arm="bn", seed=1, num_images=8, rows={0: ROW, 1: ROW}))
    path.write_text(change(path.read_text()))
    with pytest.raises(StudyError) as caught:
        read_diagnoses(path, "bn", 1)
    assert str(path) in str(caught.value)
    assert words in str(caught.value)
    assert "delete it" in str(caught.value)
    assert "\n" not in str(caught.value)


def made_up(arm, seed, num_epochs=4, **changes):
    """Diagnostics with random figures of three layers."""
    rng = np.random.default_rng([seed, *arm.encode()])

    def row():
        parts = {"gradient_norm": ["conv", "norm", "head"], "dead_relu": ["relu"], "cosine_distance": ["norm"]}
        return Diagnosis(**{part: dict(zip(paths, rng.uniform(0.1, 0.9, 3).tolist(), strict=False))
                            for part, paths in parts.items()})  # fmt: skip

    rows = {epoch: row() for epoch in range(num_epochs + 1)}
    return RunDiagnoses(arm=arm, seed=seed, num_images=64, rows=rows, **changes)


def of(*runs, faults=()):
    return StudyDiagnostics(runs={(run.arm, run.seed): run for run in runs}, faults=faults)


def test_curves_are_the_means_over_seeds_with_gaps_where_one_has_none():
    runs = [made_up("bn", seed) for seed in (0, 1, 2)]
    later = replace(runs[2], rows={epoch: row for epoch, row in runs[2].rows.items() if epoch > 1})
    found = estimate([*runs[:2], later])
    assert found.epochs.tolist() == [0, 1, 2, 3, 4]
    assert found.gradient_norm.paths == ("conv", "norm", "head")
    by_hand = [[np.mean([run.rows[e].gradient_norm[p] for run in runs]) for e in (2, 3, 4)] for p in ("conv", "norm")]
    np.testing.assert_allclose(found.gradient_norm.values[:2, 2:], by_hand)
    assert np.isnan(found.gradient_norm.values[:, :2]).all()


def test_a_figure_that_was_not_finite_is_a_gap():
    run = made_up("bn", 0)
    run.rows[2].gradient_norm["norm"] = None
    found = estimate([run])
    assert np.argwhere(np.isnan(found.gradient_norm.values)).tolist() == [[1, 2]]
    assert found.norm_layers == ("norm",)
    assert estimate([made_up("none+l1:0.001", 0)]).norm_layers == ()


def test_the_report_has_the_pictures_and_the_numbers_of_the_last_epoch(tmp_path):
    results = make_results(tmp_path, arms=("bn",), study=make_study(seeds=(0, 1), epochs=4))
    runs = [made_up("bn", seed) for seed in (0, 1)]
    page = Page(write_report(results, digits_test(), Findings(diagnostics=of(*runs))).read_text())
    assert {"bn_diagnostics.png", "bn_diagnostics.svg"} <= {p.name for p in (tmp_path / "report/figures").iterdir()}
    last = [run.rows[4] for run in runs]
    dead = np.mean([row.dead_relu["relu"] for row in last])
    distance = np.mean([row.cosine_distance["norm"] for row in last])
    norms = [np.mean([row.gradient_norm[path] for row in last]) for path in ("conv", "norm", "head")]
    for number in (f"{100 * dead:.2f} %", f"{distance:.3g}", f"{np.median(norms):.3g}", f"{max(norms):.3g}"):
        assert number in page.text
    (alt,) = [image["alt"] for image in page.all("img") if image["alt"].startswith("Diagnostics of BatchNorm (bn)")]
    assert f"gradient norm {min(norms):.3g} to {max(norms):.3g}" in alt
    assert "the same 64 training images" in page.text
    assert "Trained without" not in page.text


def test_without_diagnostics_the_report_says_nothing_of_them(tmp_path):
    assert diagnostics_section(make_results(tmp_path, study=make_study(epochs=2)), Findings()) is None


def test_runs_that_did_not_finish_are_left_out_where_others_did():
    study = make_study(epochs=4)
    records = make_records(["bn", "ln"], study, digits_test(), 10)
    records = [failed(r, "why") if (r.arm, r.seed) in {("bn", 0), ("ln", 0), ("ln", 1), ("ln", 2)} else r
               for r in records]  # fmt: skip
    results = make_results("unused", study=study, records=records)
    found = of(*(made_up(arm, seed) for arm in ("bn", "ln") for seed in (0, 1)))
    assert [run.seed for run in found.of_arm(results, "bn")] == [1]
    assert [run.seed for run in found.of_arm(results, "ln")] == [0, 1]
    assert [(r.arm, r.seed) for r in found.missing(results)] == [("bn", 2), ("ln", 2)]


def test_a_damaged_file_does_not_keep_the_report_from_being_written(diagnosed, tmp_path):
    study = reopen(diagnosed)
    for name, content in diagnostics(diagnosed).items():
        (tmp_path / "diagnostics").mkdir(exist_ok=True)
        (tmp_path / "diagnostics" / name).write_bytes(b"{" if name.startswith("bn") else content)
    found = read_study_diagnostics(study.spec.runs(), replace(study.folder, root=tmp_path))
    assert sorted(found.runs) == [("gn:4", 0), ("none", 0)]
    section = diagnostics_section(read_results(study), Findings(diagnostics=found))
    assert "bn-seed0.json: not the readable diagnostics of bn at seed 0" in section.sentences[-1]
    assert read_study_diagnostics(study.spec.runs(), replace(study.folder, root=tmp_path / "empty")) is None


def test_nothing_finite_and_a_single_epoch_can_be_drawn():
    rows = {3: Diagnosis(gradient_norm={"a": None, "b": 0.0}, dead_relu={}, cosine_distance={"b": None})}
    arms = [estimate([RunDiagnoses(arm=arm, seed=0, num_images=2, rows=rows)]) for arm in ("bn", "none")]
    for picture in diagnostics_pictures(arms):
        texts = {text.get_text() for axes in picture.figure.axes for text in axes.texts}
        assert {"no ReLU", "not finite"} <= texts
        assert "cosine distance not finite" in picture.alt
        assert all(len(saved(picture.figure)[kind]) > 1000 for kind in ("svg", "png"))


def test_all_arms_have_the_same_axes():
    pictures = diagnostics_pictures([estimate([made_up(arm, 0)]) for arm in ("bn", "gn:4", "none")])
    limits = [[axes.get_ylim() for axes in picture.figure.axes[:3]] for picture in pictures]
    assert limits[0] == limits[1] == limits[2]
    assert limits[0][1][0] == limits[0][2][0] == 0
