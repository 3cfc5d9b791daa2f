"""Event files read back with TensorBoard's own reader hold what the records hold, also after an interruption."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest
from shortcuts import records_alone

import whichnorm
from whichnorm import cli
from whichnorm.errors import MissingExtraError
from whichnorm.study.events import (
    EpochDone,
    ReportStarted,
    RunFinished,
    RunStarted,
    StudyStarted,
    StudyStopped,
    WeightsWritten,
)
from whichnorm.study.folder import StudyFolder
from whichnorm.study.study import reopen
from whichnorm.training.record import read_record
from whichnorm.watch.event_files import EventFiles

pytest.importorskip("tensorboard")
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

OPTIONS = {
    "norms": ["bn", "gn:4"], "seeds": 1, "epochs": 3, "train_limit": 150, "threads": 1, "precision": "float32",
}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def _records_alone():
    """The rest takes most of a small study's time and is nothing to the event files."""
    with records_alone():
        yield


def stop_after(num_epochs):
    """Return a listener that interrupts a study like Ctrl-C after a number of epochs."""
    left = iter(range(num_epochs - 1, -1, -1))

    def listen(event):
        if isinstance(event, EpochDone) and next(left) == 0:
            raise KeyboardInterrupt

    return listen


def run_study(out, progress=None, **changes):
    return whichnorm.compare("digits", out=out, progress=progress, tensorboard=True, **{**OPTIONS, **changes})


def events(folder: Path) -> EventAccumulator:
    return EventAccumulator(str(folder), size_guidance={"scalars": 0, "tensors": 0}).Reload()


def read_scalars(folder: Path) -> dict[str, dict[int, float]]:
    """Return values by tag and step; a step that is there twice, or out of order, is an error."""
    found, values = events(folder), {}
    for tag in found.Tags()["scalars"]:
        steps = [event.step for event in found.Scalars(tag)]
        assert steps == sorted(set(steps)), (tag, steps)
        values[tag] = {event.step: event.value for event in found.Scalars(tag)}
    return values


def assert_like_records(out: Path, num_runs: int) -> None:
    """Every record has its scalars in its folder, and there are no others."""
    records = sorted((out / "runs").glob("*.json"))
    assert len(records) == num_runs
    assert sorted(p.name for p in (out / "tensorboard").iterdir()) == [p.stem for p in records]
    for path in records:
        expected: dict[str, dict[int, float]] = {}
        for row in read_record(path).epochs:
            for split in ("train", "val", "test"):
                for quantity in ("loss", "accuracy"):
                    value = getattr(row, f"{split}_{quantity}")
                    if value is not None:
                        expected.setdefault(f"{quantity}/{split}", {})[row.epoch] = value
            expected.setdefault("learning_rate", {})[row.epoch] = row.learning_rate
            expected.setdefault("seconds", {})[row.epoch] = row.seconds
        found = read_scalars(out / "tensorboard" / path.stem)
        assert set(found) == set(expected)
        for tag, values in expected.items():
            assert found[tag] == pytest.approx(values, rel=1e-6), tag  # float32 in the file


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    out = tmp_path_factory.mktemp("undisturbed") / "study"
    run_study(out)
    return out


def test_the_event_files_hold_the_records(undisturbed):
    assert_like_records(undisturbed, num_runs=2)
    tags = set(read_scalars(undisturbed / "tensorboard" / "bn-seed0"))
    assert tags >= {"loss/val", "accuracy/val"}


def test_a_text_names_the_arm_and_the_recipe(undisturbed):
    found = events(undisturbed / "tensorboard" / "gn-4-seed0")
    (event,) = found.Tensors("run/text_summary")
    text = event.tensor_proto.string_val[0].decode()
    assert '"arm": "gn:4"' in text
    assert '"batch_size": 64' in text
    assert '"name": "digits_net"' in text


@pytest.mark.parametrize("num_epochs", [1, 3, 4], ids=lambda n: f"after {n} epochs")
def test_an_interrupted_study_goes_on_without_double_or_missing_epochs(tmp_path, num_epochs):
    out = tmp_path / "study"
    with pytest.raises(KeyboardInterrupt):
        run_study(out, stop_after(num_epochs))
    so_far = read_scalars(out / "tensorboard" / "bn-seed0")["accuracy/test"]
    assert list(so_far) == list(range(1, min(num_epochs, 3) + 1))  # live, before the run has a record
    run_study(out)
    assert_like_records(out, num_runs=2)


def test_an_epoch_lost_between_checkpoint_and_event_file_comes_back(tmp_path):
    out = tmp_path / "study"
    with pytest.raises(KeyboardInterrupt):
        run_study(out, stop_after(2))
    for file in (out / "tensorboard" / "bn-seed0").iterdir():
        file.unlink()
    run_study(out)
    assert_like_records(out, num_runs=2)


def test_runs_that_were_trained_without_it_get_their_files_too(tmp_path):
    out = tmp_path / "study"
    whichnorm.compare("digits", out=out, **OPTIONS)
    assert not (out / "tensorboard").exists()
    run_study(out, norms=["bn", "gn:4", "ln"])
    assert_like_records(out, num_runs=3)


def test_without_a_validation_split_it_has_no_scalars(tmp_path):
    out = tmp_path / "study"
    run_study(out, norms=["bn"], epochs=1, val=0)
    assert_like_records(out, num_runs=1)
    assert not {"loss/val", "accuracy/val"} & set(read_scalars(out / "tensorboard" / "bn-seed0"))


def test_a_loss_that_is_not_finite_has_no_scalar(tmp_path):
    out = tmp_path / "study"
    recipe = whichnorm.Recipe(name="wild", learning_rate=1e6, weight_decay=1e6, batch_size=64, epochs=3)
    results = run_study(out, norms=["none"], recipe=recipe)
    assert results.records[0].status == "diverged"
    assert_like_records(out, num_runs=1)
    assert "loss/train" not in read_scalars(out / "tensorboard" / "none-seed0")


def without_times_and_places(event):
    if isinstance(event, EpochDone):
        return replace(event, row=replace(event.row, seconds=0))
    return replace(event, path=event.path.name) if isinstance(event, WeightsWritten) else event


def test_the_progress_beside_them_hears_what_it_hears_alone(tmp_path):
    alone, beside = [], []
    whichnorm.compare("digits", out=tmp_path / "alone", progress=alone.append, **OPTIONS)
    run_study(tmp_path / "beside", beside.append)
    assert list(map(without_times_and_places, beside)) == list(map(without_times_and_places, alone))
    assert alone[0] == StudyStarted(num_runs=2, done=())
    assert sum(isinstance(event, RunFinished) for event in alone) == 2
    assert alone[-2:] == [StudyStopped(), ReportStarted()]


def test_runs_may_be_made_side_by_side_and_at_seeds_that_were_added(undisturbed, tmp_path):
    """As another process might tell of them: every run has the file that it has where it is alone."""
    study = reopen(undisturbed)
    listener = EventFiles(study.spec, StudyFolder(tmp_path))
    rows = read_record(undisturbed / "runs" / "bn-seed0.json").epochs
    runs = [("bn", 0), ("gn:4", 0), ("bn", 7)]
    for arm, seed in runs:
        listener(RunStarted(arm=arm, seed=seed, num_epochs=3, num_steps=2, split="val"))
    for row in rows:
        for arm, seed in reversed(runs):
            listener(EpochDone(arm=arm, seed=seed, row=row))
    listener(RunFinished(arm="bn", seed=0, warnings=()))
    listener(StudyStopped())
    assert listener.open == {}
    for key in ("bn-seed0", "gn-4-seed0", "bn-seed7"):
        found = read_scalars(tmp_path / "tensorboard" / key)
        assert found["accuracy/test"] == pytest.approx({row.epoch: row.test_accuracy for row in rows})
        (event,) = events(tmp_path / "tensorboard" / key).Tensors("run/text_summary")
        text = event.tensor_proto.string_val[0].decode()
        assert f'"seed": {key[-1]}' in text
        assert f'"arm": "{"gn:4" if key.startswith("gn") else "bn"}"' in text


def test_the_option_writes_them_and_says_nothing_more(tmp_path, capfd):
    common = ["compare", "--norms", "bn", "--epochs", "2", "--train-limit", "200", "--seeds", "1", "--threads", "1"]
    assert cli.main([*common, "--out", str(tmp_path / "plain")]) in (0, 1)
    plain = capfd.readouterr()
    assert cli.main([*common, "--tensorboard", "--out", str(tmp_path / "study")]) in (0, 1)
    shown = capfd.readouterr()
    assert shown.err == plain.err == ""
    assert shown.out.count("\n") == plain.out.count("\n")
    assert_like_records(tmp_path / "study", num_runs=1)


def test_without_the_package_one_line_names_the_extra_and_nothing_is_trained(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    out = tmp_path / "study"
    with pytest.raises(MissingExtraError, match=r"whichnorm\[tensorboard\]"):
        run_study(out)
    assert cli.main(["compare", "--tensorboard", "--out", str(out)]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("whichnorm: --tensorboard needs tensorboard, not installed")
    assert shown.err.count("\n") == 1
    assert not out.exists()
