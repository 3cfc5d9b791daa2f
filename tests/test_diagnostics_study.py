"""Diagnostics in studies: training stays as it is, interruptions lose and repeat nothing, the report has the rows."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
import unreported
from safetensors.torch import load_file
from synthetic import digits_test, failed, make_records, make_results, make_study
from torch import nn

import whichnorm
from whichnorm.analyses.analysis import NoOptions
from whichnorm.analyses.diagnostics import Diagnostics
from whichnorm.analyses.diagnostics.diagnose import Diagnosis, diagnose
from whichnorm.analyses.diagnostics.files import RunDiagnoses, read_diagnoses, write_diagnoses
from whichnorm.analyses.diagnostics.listener import probe_images
from whichnorm.analyses.diagnostics.measure import estimate, of_arm, summary
from whichnorm.analyses.diagnostics.pictures import diagnostics_pictures
from whichnorm.analyses.diagnostics.section import title
from whichnorm.api import read_results
from whichnorm.cli import main
from whichnorm.data.augment import normalize
from whichnorm.errors import StudyError
from whichnorm.render.style import saved
from whichnorm.specs.recipe import Schedule
from whichnorm.study.events import EpochDone, WeightsWritten, ignore
from whichnorm.study.study import reopen
from whichnorm.training.loop import train_run
from whichnorm.training.network import build_network

SMALL = {"norms": ["bn", "gn:4", "none"], "seeds": 1, "epochs": 3, "train_limit": 150, "threads": 1,
         "precision": "float32", "download": False}  # fmt: skip


def compare(out, **changes):
    return whichnorm.compare("digits", out=out, **{**SMALL, **changes})


@pytest.fixture(autouse=True)
def no_report(monkeypatch):
    """A report's pictures take most of a small study's time."""
    monkeypatch.setattr("whichnorm.api.report_on", unreported.no_report)


@pytest.fixture(scope="module")
def diagnosed(tmp_path_factory):
    out = tmp_path_factory.mktemp("diagnosed") / "study"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("whichnorm.api.report_on", unreported.no_report)
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


def measured(study):
    return Diagnostics().measure(study, read_results(study), NoOptions())


@pytest.mark.parametrize("norm", ["bn", "gn:4", "ln-element", "none"])
def test_the_figures_are_those_of_the_live_network_after_as_many_epochs(tmp_path, norm):
    """At constant rates, the network after two epochs of three is that of a training of two."""
    recipe = whichnorm.Recipe(
        name="plain", epochs=3, batch_size=32, learning_rate=0.05, dropout=0.2, label_smoothing=0.1,
        schedule=Schedule(kind="constant"),
    )  # fmt: skip
    compare(tmp_path, norms=[norm], recipe=recipe, epochs=None, diagnostics=True)
    study = reopen(tmp_path)
    (run,), splits = study.spec.runs(), study.splits
    found = read_diagnoses(study.folder.diagnostics(run), norm, 0)
    batch = probe_images(splits.train, 32)
    assert list(found.rows) == [0, 1, 2, 3]
    for epoch, row in found.rows.items():
        shorter = replace(run, recipe=replace(recipe, epochs=max(epoch, 1)))
        network = train_run(shorter, splits, None, ignore)[1] if epoch else build_network(run, splits)
        live = diagnose(network, normalize(batch.images, splits.mean, splits.std), batch.labels, label_smoothing=0.1)
        write_diagnoses(tmp_path / "live.json", replace(found, rows={epoch: live}))  # to as many digits
        assert read_diagnoses(tmp_path / "live.json", norm, 0).rows[epoch] == row


def stop_at(kind, num_epochs):
    """Return a listener that stops like Ctrl-C at an epoch of the first run: when it is done, or when its weights are
    written and the epoch was not shown yet."""

    def listen(event):
        if isinstance(event, kind):
            done = event.row.epoch if isinstance(event, EpochDone) else event.num_epochs
            if done == num_epochs:
                raise KeyboardInterrupt

    return listen


@pytest.mark.parametrize("kind", [EpochDone, WeightsWritten])
@pytest.mark.parametrize("epoch", [1, 3])
def test_a_study_that_was_stopped_goes_on_to_the_same_rows(diagnosed, tmp_path, kind, epoch):
    out = tmp_path / "study"
    with pytest.raises(KeyboardInterrupt):
        compare(out, diagnostics=True, progress=stop_at(kind, epoch))
    assert list(read_diagnoses(out / "diagnostics" / "bn-seed0.json", "bn", 0).rows) == list(range(epoch + 1))
    compare(out, diagnostics=True)
    assert diagnostics(out) == diagnostics(diagnosed)
    assert records(out) == records(diagnosed)


@pytest.mark.parametrize("epoch", [0, 2])
def test_a_row_that_was_not_written_before_a_kill_is_measured_from_the_checkpoint(diagnosed, tmp_path, epoch):
    out = tmp_path / "study"
    with pytest.raises(KeyboardInterrupt):
        compare(out, diagnostics=True, progress=stop_at(WeightsWritten, epoch))
    path = out / "diagnostics" / "bn-seed0.json"
    found = read_diagnoses(path, "bn", 0)
    path.unlink()
    if epoch:
        write_diagnoses(path, replace(found, rows={k: row for k, row in found.rows.items() if k < epoch}))
    compare(out, diagnostics=True)
    assert diagnostics(out) == diagnostics(diagnosed)
    assert records(out) == records(diagnosed)


def test_a_run_that_goes_on_with_diagnostics_has_rows_from_there_on(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        compare(tmp_path, progress=stop_at(EpochDone, 2))
    compare(tmp_path, norms=["bn"], diagnostics=True)
    assert list(read_diagnoses(tmp_path / "diagnostics" / "bn-seed0.json", "bn", 0).rows) == [2, 3]


def test_runs_that_finished_without_diagnostics_stay_without_and_are_named(tmp_path):
    compare(tmp_path, norms=["bn"], epochs=1)
    compare(tmp_path, norms=["bn", "gn:4"], epochs=1, diagnostics=True)
    assert list(diagnostics(tmp_path)) == ["gn-4-seed0.json"]
    study = reopen(tmp_path)
    results = read_results(study)
    section = Diagnostics().section(measured(study), results)
    assert section.sentences[-1] == "Trained without --diagnostics, and so without figures here: BatchNorm at seed 0."
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
    recipe = whichnorm.Recipe(name="wild", epochs=2, batch_size=32, learning_rate=1e6, optimizer="sgd")
    results = compare(tmp_path, norms=["none"], recipe=recipe, epochs=None, diagnostics=True)
    assert results.records[0].status == "diverged"
    found = read_diagnoses(tmp_path / "diagnostics" / "none-seed0.json", "none", 0)
    assert None not in found.rows[0].gradient_norm.values()
    assert None in found.rows[1].gradient_norm.values()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda text: text[:-20], "not readable as JSON"),
        (lambda text: "[]", "found an array, expected a JSON object"),
        (lambda text: text.replace('"bn"', '"ln"'), "holds 'ln' at seed 1"),
        (lambda text: text.replace('"schema": 1', '"schema": 2'), "schema 2"),
        (lambda text: text.replace("0.333333", '"many"'), "is 'many', expected a number"),
        (lambda text: text.replace("0.333333", "NaN"), "NaN is no number"),
        (lambda text: text.replace('"epoch": 1', '"epoch": 0'), "out of order"),
        (lambda text: text.replace('"dead_relu"', '"dead"'), "unknown field 'dead'"),
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


def by_run(*runs):
    return {(run.arm, run.seed): run for run in runs}


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


def test_the_section_has_the_pictures_and_the_numbers_of_the_last_epoch(tmp_path):
    results = make_results(tmp_path, arms=("bn",), study=make_study(seeds=(0, 1), epochs=4))
    runs = [made_up("bn", seed) for seed in (0, 1)]
    section = Diagnostics().section(summary(results, by_run(*runs)), results)
    (picture,) = section.pictures
    assert picture.name == "bn_diagnostics"
    last = [run.rows[4] for run in runs]
    dead = np.mean([row.dead_relu["relu"] for row in last])
    distance = np.mean([row.cosine_distance["norm"] for row in last])
    norms = [np.mean([row.gradient_norm[path] for row in last]) for path in ("conv", "norm", "head")]
    ((_, _, *cells),) = section.tables[0].rows
    texts = [cells[0].text, cells[0].note, cells[1].text, cells[2].text]
    ends = f"{min(norms):.3g} to {max(norms):.3g}"
    assert texts == [f"{np.median(norms):.3g}", ends, f"{100 * dead:.2f} %", f"{distance:.3g}"]
    assert picture.alt.startswith("Diagnostics of BatchNorm over epochs")
    assert f"Gradient norm {np.median(norms):.3g} ({ends})" in picture.alt
    assert "the same 64 training images" in picture.method
    assert f"{100 * dead:.2f} % of a ReLU's channels are dead" in section.title
    assert f"median gradient norm is {np.median(norms):.3g}" in section.title
    assert "Trained without" not in " ".join(section.sentences)


def test_captions_have_at_most_40_words_and_pictures_the_width_of_a_phone(tmp_path):
    arms = ("bn", "gn:8", "none")
    results = make_results(tmp_path, arms=arms, study=make_study(epochs=4))
    found = summary(results, by_run(*(made_up(arm, seed) for arm in arms for seed in (0, 1, 2))))
    pictures = Diagnostics().section(found, results).pictures
    assert len(pictures) == 3
    for picture in pictures:
        assert len(picture.caption.split()) <= 40
        assert picture.figure.get_size_inches()[0] <= 5.2
        assert all(axes.get_ylabel() for axes in picture.figure.axes[:3])


def test_the_title_says_the_least_and_the_most_of_the_arms():
    def found(arm, norm, dead):
        row = Diagnosis(gradient_norm={"a": norm}, dead_relu={"r": dead}, cosine_distance={})
        return estimate([RunDiagnoses(arm=arm, seed=0, num_images=2, rows={0: row, 1: row})])

    assert title([found("bn", 0.5, 0.0), found("ln", 1e-5, 0.25), found("none", 0.25, 0.125)]) == (
        "After training 0.00 % (BatchNorm) to 25.00 % (LayerNorm) of a ReLU's channels are dead and the median "
        "gradient norm is 1e−05 (LayerNorm) to 0.5 (BatchNorm)"
    )
    assert title([found("bn", 0.5, 0.0), found("ln", 0.5, 0.0)]) == (
        "After training no ReLU channel is dead and the median gradient norm is 0.5"
    )
    assert title([found("bn", None, None)]) == "Diagnostics of gradients and activations"


def test_the_command_prints_the_table_and_its_json_has_every_layer(diagnosed, tmp_path, capsys):
    capsys.readouterr()
    assert main(["diagnostics", str(diagnosed), "--out", str(tmp_path), "--norms", "bn,none"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "Gradient norms are medians over layers" in shown
    assert "A ReLU's channel is dead if" in shown
    assert "BatchNorm: dead ReLU channels, n = 1 seed." in shown
    assert main(["diagnostics", str(diagnosed), "--out", str(tmp_path), "--norms", "bn,none", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["found"]
    assert [arm["arm"] for arm in found["arms"]] == ["bn", "none"]
    for arm in found["arms"]:
        rows = read_diagnoses(diagnosed / "diagnostics" / f"{arm['arm']}-seed0.json", arm["arm"], 0).rows
        tracks = arm["gradient_norm"]
        assert arm["epochs"] == list(rows)
        for path, values in zip(tracks["paths"], tracks["values"], strict=True):
            assert values == [row.gradient_norm[path] for row in rows.values()]


def test_without_diagnostics_there_is_no_section(tmp_path):
    assert Diagnostics().section(None, make_results(tmp_path, study=make_study(epochs=2))) is None


def test_runs_that_did_not_finish_are_left_out_if_others_did():
    study = make_study(epochs=4)
    records = make_records(["bn", "ln"], study, digits_test(), 10)
    records = [failed(r, "why") if (r.arm, r.seed) in {("bn", 0), ("ln", 0), ("ln", 1), ("ln", 2)} else r
               for r in records]  # fmt: skip
    results = make_results("unused", study=study, records=records)
    runs = by_run(*(made_up(arm, seed) for arm in ("bn", "ln") for seed in (0, 1)))
    assert [run.seed for run in of_arm(results, "bn", runs)] == [1]
    assert [run.seed for run in of_arm(results, "ln", runs)] == [0, 1]
    found = summary(results, runs)
    assert [arm.seeds for arm in found.arms] == [(1,), (0, 1)]
    assert found.missing == (("bn", 2), ("ln", 2))


def test_a_damaged_file_does_not_keep_the_others_from_being_shown(diagnosed, tmp_path):
    study = reopen(diagnosed)
    results = read_results(study)
    for name, content in diagnostics(diagnosed).items():
        (tmp_path / "diagnostics").mkdir(exist_ok=True)
        (tmp_path / "diagnostics" / name).write_bytes(b"{" if name.startswith("bn") else content)
    moved = replace(study, folder=replace(study.folder, root=tmp_path))
    found = Diagnostics().measure(moved, results, NoOptions())
    assert [arm.arm for arm in found.arms] == ["gn:4", "none"]
    section = Diagnostics().section(found, results)
    assert "bn-seed0.json: not the readable diagnostics of bn at seed 0" in section.sentences[-1]
    (tmp_path / "diagnostics" / "gn-4-seed0.json").write_bytes(b"{")
    (tmp_path / "diagnostics" / "none-seed0.json").write_bytes(b"{")
    alone = Diagnostics().section(Diagnostics().measure(moved, results, NoOptions()), results)
    assert (alone.tables, alone.pictures) == ((), ())
    assert len(alone.sentences) == 4  # the runs without figures, and a line per file
    empty = replace(study, folder=replace(study.folder, root=tmp_path / "empty"))
    assert Diagnostics().measure(empty, results, NoOptions()) is None


def test_nothing_finite_and_a_single_epoch_can_be_drawn(tmp_path):
    rows = {3: Diagnosis(gradient_norm={"a": None, "b": 0.0}, dead_relu={}, cosine_distance={"b": None})}
    arms = [estimate([RunDiagnoses(arm=arm, seed=0, num_images=2, rows=rows)]) for arm in ("bn", "none")]
    results = make_results(tmp_path, arms=("bn", "none"), study=make_study(epochs=3))
    for picture in diagnostics_pictures(results, arms):
        texts = {text.get_text() for axes in picture.figure.axes for text in axes.texts}
        assert {"no ReLU", "not finite"} <= texts
        assert "Cosine distance – (not finite)" in picture.alt
        assert all(len(saved(picture.figure)[kind]) > 1000 for kind in ("svg", "png"))


def test_all_arms_have_the_same_axes(tmp_path):
    names = ("bn", "gn:4", "none")
    results = make_results(tmp_path, arms=names, study=make_study(epochs=4))
    pictures = diagnostics_pictures(results, [estimate([made_up(arm, 0)]) for arm in names])
    limits = [[axes.get_ylim() for axes in picture.figure.axes[:3]] for picture in pictures]
    assert limits[0] == limits[1] == limits[2]
    assert limits[0][1][0] == limits[0][2][0] == 0
