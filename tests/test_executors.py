"""Where a run is made changes nothing in it: in this process, in another one, or in the order of another executor."""

import multiprocessing
import pickle
from dataclasses import asdict, replace

import pytest
import torch
from safetensors.torch import load_file

from whichnorm.analyses.diagnostics.files import read_diagnoses
from whichnorm.analyses.diagnostics.listener import Diagnosing
from whichnorm.api import prepare
from whichnorm.data.splits import load_splits
from whichnorm.errors import StudyError
from whichnorm.study.events import (
    EpochDone,
    RunFinished,
    RunStarted,
    StepDone,
    StudyStarted,
    StudyStopped,
    WeightsWritten,
    ignore,
)
from whichnorm.study.executors.serial import serial
from whichnorm.study.folder import StudyFolder
from whichnorm.study.pending import PendingRun
from whichnorm.study.run import run_study
from whichnorm.training.record import read_record

SMALL = {"norms": ["bn", "gn:4"], "seeds": 1, "epochs": 3, "train_limit": 150, "threads": 1, "precision": "float32",
         "batch_size": 32, "device_batch_size": 16}  # fmt: skip


def small_study(out, **changes):
    return prepare("digits", out=out, **{**SMALL, **changes})


def made(study, **options):
    return run_study(study, **options)


def without_times(record):
    """Return a record without what the clock wrote."""
    rows = [replace(row, seconds=0) for row in record.epochs]
    return replace(record, epochs=rows, evaluate_seconds=0)


def diagnoses(folder, run):
    return read_diagnoses(folder.diagnostics(run), str(run.arm), run.seed)


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    """The study as the reference executor makes it, its diagnostics too."""
    study = small_study(tmp_path_factory.mktemp("here") / "study")
    return study, made(study, beside=[Diagnosing])


def make_from_files(folder):
    """Make runs from their pickled specs and folders alone; keep what was told of each."""
    torch.set_num_threads(2)  # of another machine: a run brings its own number
    for path in folder.glob("*.pending"):
        pending, told = pickle.loads(path.read_bytes()), []
        record = pending.make(load_splits(pending.run.data, pending.run.machine.device), told.append)
        path.with_suffix(".told").write_bytes(pickle.dumps((record, told, torch.get_num_threads())))


@pytest.mark.slow
def test_runs_made_in_a_fresh_process_are_those_made_here(here, tmp_path):
    study, records = here
    folder = StudyFolder(tmp_path / "study")
    for run in study.spec.runs():
        pending = PendingRun(run=run, folder=folder, beside=(Diagnosing,))
        (tmp_path / f"{run.key}.pending").write_bytes(pickle.dumps(pending))
    process = multiprocessing.get_context("spawn").Process(target=make_from_files, args=(tmp_path,))
    process.start()
    process.join()
    assert process.exitcode == 0
    for run, expected in zip(study.spec.runs(), records, strict=True):
        record, told, threads = pickle.loads((tmp_path / f"{run.key}.told").read_bytes())
        assert without_times(record) == without_times(expected)
        assert without_times(read_record(folder.record(run))) == without_times(expected)
        weights, ours = load_file(folder.weights(run)), load_file(study.folder.weights(run))
        assert weights.keys() == ours.keys()
        assert all(torch.equal(weights[name], ours[name]) for name in weights)
        assert diagnoses(folder, run) == diagnoses(study.folder, run)
        assert [type(event) for event in told if not isinstance(event, StepDone)] == [
            RunStarted, WeightsWritten, *[WeightsWritten, EpochDone] * 3, RunFinished,
        ]  # fmt: skip
        assert threads == 2


def test_an_executor_may_make_runs_in_any_order(here, tmp_path):
    def backwards(pending, splits, listener):
        return serial(list(reversed(pending)), splits, listener)

    study, told = small_study(tmp_path / "study"), []
    records = made(study, executor=backwards, listener=told.append)
    assert [record.arm for record in records] == ["bn", "gn:4"]
    assert list(map(without_times, records)) == list(map(without_times, here[1]))
    assert [event.arm for event in told if isinstance(event, RunStarted)] == ["gn:4", "bn"]


def test_an_executor_gets_the_runs_without_a_record_and_no_others(here, tmp_path):
    study = small_study(tmp_path / "study", norms=["bn"])
    made(study)
    asked, told = [], []

    def noting(pending, splits, listener):
        asked.extend(one.run.key for one in pending)
        return serial(pending, splits, listener)

    more = small_study(tmp_path / "study")
    records = made(more, executor=noting, listener=told.append)
    assert asked == ["gn-4-seed0"]
    assert told[0] == StudyStarted(num_runs=2, done=(("bn", 0),))
    assert told[-1] == StudyStopped()
    assert list(map(without_times, records)) == list(map(without_times, here[1]))


def test_a_record_made_on_other_images_is_refused(tmp_path):
    study = small_study(tmp_path / "study", norms=["bn"], epochs=1)

    def elsewhere(pending, splits, listener):
        return serial(pending, replace(splits, digest="0123456789abcdef"), listener)

    with pytest.raises(StudyError, match=r"bn-seed0\.json: is of another study: data\.digest is '0123456789abcdef'"):
        made(study, executor=elsewhere)


def test_a_listener_that_fails_stops_the_study_and_not_the_network(tmp_path):
    """An error of its own must not be taken for one of the network, whose run would count as failed."""

    def failing(event):
        if isinstance(event, EpochDone) and event.row.epoch == 2:
            raise UnicodeEncodeError("ascii", "→", 0, 1, "no such character")

    study = small_study(tmp_path / "study", norms=["bn"])
    with pytest.raises(StudyError, match="run bn-seed0 stopped: a listener failed with UnicodeEncodeError") as caught:
        made(study, listener=failing)
    assert "\n" not in str(caught.value)
    assert not list((tmp_path / "study" / "runs").glob("*"))
    assert [record.status for record in made(study)] == ["finished"]


@pytest.mark.parametrize("kind", [RunStarted, WeightsWritten, RunFinished])
def test_all_listeners_hear_that_an_interrupted_study_stops(tmp_path, kind):
    heard = []

    def listen(event):
        heard.append(event)
        if isinstance(event, kind):
            raise KeyboardInterrupt

    study = small_study(tmp_path / "study", norms=["bn"], epochs=1)
    with pytest.raises(KeyboardInterrupt):
        made(study, listener=listen)
    assert heard[-1] == StudyStopped()
    assert study.folder.record(study.spec.runs()[0]).exists() is (kind is RunFinished)


def test_a_pending_run_is_made_of_values(tmp_path):
    study = small_study(tmp_path / "study")
    pending = PendingRun(run=study.spec.runs()[0], folder=study.folder, beside=(Diagnosing,))
    assert pickle.loads(pickle.dumps(pending)) == pending
    assert set(asdict(pending)) == {"run", "folder", "beside"}
    with pytest.raises(AttributeError):  # a listener of this process alone could not be sent
        pickle.dumps(replace(pending, beside=(lambda run, folder, splits: ignore,)))
