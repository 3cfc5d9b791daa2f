import dataclasses
import errno
import json
import math
import os

import pytest

from whichnorm import files
from whichnorm.errors import StudyError
from whichnorm.files import write_in_one_step
from whichnorm.training.record import SCHEMA, Audit, EpochRow, RunRecord, read_record, write_record

ROW = EpochRow(
    epoch=1, learning_rate=0.1, seconds=1.25, train_loss=0.1 + 0.2, train_accuracy=1 / 3, val_loss=None,
    val_accuracy=None, test_loss=1e-300, test_accuracy=0.9,
)  # fmt: skip
RECORD = RunRecord(
    schema=SCHEMA, arm="gn:8+l1:0.001", seed=3, status="finished", reason="", warnings=["a “quoted” warning"],
    epochs=[ROW, dataclasses.replace(ROW, epoch=2, seconds=2.5, test_accuracy=0.95),
            dataclasses.replace(ROW, epoch=3, test_accuracy=0.925)],
    audit=Audit(norm_layers={"GroupNorm(8 groups)": 4}, params=100, norm_params=10, initial_weights="00ff",
                zero_gradient=["a.bias"]),
    test_predictions=[0, 1, 2], test_confidences=[0.5, 0.25, 1.0], spec={"data": {"name": "digits", "limit": None}},
    environment={"device": "cpu", "threads": 2}, evaluate_seconds=0.125,
)  # fmt: skip
FAILED = dataclasses.replace(
    RECORD, status="failed", reason="no norm layer", epochs=[], audit=None, test_predictions=[]
)


def written(tmp_path, **changed):
    """Write the record's JSON with fields changed, or left out where the value is `...`."""
    path = tmp_path / "run.json"
    raw = {**dataclasses.asdict(RECORD), **changed}
    path.write_text(json.dumps({key: value for key, value in raw.items() if value is not ...}))
    return path


def assert_damaged(path, match):
    with pytest.raises(StudyError, match=match) as caught:
        read_record(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


# ----- records


@pytest.mark.parametrize("record", [RECORD, FAILED], ids=["finished", "failed"])
def test_a_record_reads_back_equal(tmp_path, record):
    path = tmp_path / "new" / "folder" / "run.json"
    write_record(path, record)
    assert read_record(path) == record
    assert [p.name for p in path.parent.iterdir()] == ["run.json"]


def test_a_record_is_json_with_a_line_per_field(tmp_path):
    write_record(tmp_path / "run.json", RECORD)
    text = (tmp_path / "run.json").read_text()
    assert json.loads(text) == dataclasses.asdict(RECORD)
    assert len(text.splitlines()) == len(dataclasses.fields(RunRecord)) + 2


def test_a_record_is_replaced_whole(tmp_path):
    write_record(tmp_path / "run.json", RECORD)
    write_record(tmp_path / "run.json", FAILED)
    assert read_record(tmp_path / "run.json") == FAILED


def test_a_number_that_is_not_finite_is_never_written(tmp_path):
    bad = dataclasses.replace(RECORD, epochs=[dataclasses.replace(RECORD.last, train_loss=math.nan)])
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_record(tmp_path / "run.json", bad)
    assert list(tmp_path.iterdir()) == []


def test_the_last_and_the_best_epoch_and_the_seconds_come_from_the_rows():
    assert RECORD.last.epoch == 3
    assert RECORD.best_test.epoch == 2
    assert RECORD.train_seconds == 1.25 + 2.5 + 1.25
    assert FAILED.train_seconds == 0


def test_of_equally_good_epochs_the_first_is_the_best():
    rows = [dataclasses.replace(ROW, epoch=epoch) for epoch in (1, 2, 3)]
    assert dataclasses.replace(RECORD, epochs=rows).best_test.epoch == 1


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(RunRecord)])
def test_a_missing_field_is_named(tmp_path, field):
    assert_damaged(
        written(tmp_path, **{field: ...}), f"not a readable run record: field '{field}' is missing; delete it"
    )


@pytest.mark.parametrize("schema", [0, SCHEMA + 1, None, "1"])
def test_another_schema_is_refused(tmp_path, schema):
    assert_damaged(written(tmp_path, schema=schema), f"another version .schema {schema!r}, expected {SCHEMA}")


@pytest.mark.parametrize(
    "changed",
    [
        {"epochs": None}, {"epochs": 3}, {"epochs": [3]}, {"epochs": [{}]},
        {"epochs": [{**dataclasses.asdict(ROW), "extra": 1}]}, {"audit": {"params": 1}}, {"audit": 5},
    ],
    ids=str,
)  # fmt: skip
def test_rows_and_audits_of_another_form_are_refused(tmp_path, changed):
    assert_damaged(written(tmp_path, **changed), "not a readable run record")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"3", b"null", b"\xff\xfe\x00", b"{}"], ids=repr)
def test_damaged_files_are_refused(tmp_path, content):
    path = tmp_path / "run.json"
    path.write_bytes(content)
    assert_damaged(path, "not a readable run record")


def test_a_record_cut_at_any_place_is_refused(tmp_path):
    write_record(tmp_path / "whole.json", RECORD)
    data = (tmp_path / "whole.json").read_bytes().rstrip()
    for length in range(0, len(data), 97):
        (tmp_path / "cut.json").write_bytes(data[:length])
        assert_damaged(tmp_path / "cut.json", "not a readable run record")


def test_a_record_that_is_not_there_is_refused(tmp_path):
    assert_damaged(tmp_path / "none.json", "not readable .No such file or directory")


# ----- writing in one step


def fill_disk(monkeypatch, function):
    """Have one function of `os` find no space left."""

    def fail(*args, **kwargs):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(files.os, function, fail)


@pytest.mark.parametrize("function", ["replace", "fsync"])
def test_a_full_disk_is_one_line_and_leaves_what_was_there(tmp_path, monkeypatch, function):
    path = tmp_path / "run.json"
    write_record(path, RECORD)
    fill_disk(monkeypatch, function)
    with pytest.raises(
        StudyError, match=r"run\.json: cannot be written \(No space left on device\); make room"
    ) as caught:
        write_record(path, FAILED)
    assert "\n" not in str(caught.value)
    monkeypatch.undo()
    assert read_record(path) == RECORD
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_before_the_first_write_leaves_nothing(tmp_path, monkeypatch):
    fill_disk(monkeypatch, "replace")
    with pytest.raises(StudyError, match="finished runs are kept"):
        write_in_one_step(tmp_path / "new" / "run.json", b"data")
    assert list((tmp_path / "new").iterdir()) == []


def test_a_kill_before_the_last_step_leaves_no_file_under_the_name(tmp_path, monkeypatch):
    def kill(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(files.os, "replace", kill)
    with pytest.raises(KeyboardInterrupt):
        write_in_one_step(tmp_path / "run.json", b"data")
    assert not (tmp_path / "run.json").exists()
    assert not list(tmp_path.glob("*.json"))


@pytest.mark.parametrize("below", ["run.json", "deeper/run.json"])
def test_a_file_in_the_folders_place_is_one_line(tmp_path, below):
    (tmp_path / "study").write_text("a file")
    with pytest.raises(StudyError, match="cannot be written") as caught:
        write_in_one_step(tmp_path / "study" / below, b"data")
    assert "\n" not in str(caught.value)
    assert (tmp_path / "study").read_text() == "a file"


def test_a_folder_in_the_files_place_is_one_line_and_leaves_no_partial_file(tmp_path):
    (tmp_path / "run.json").mkdir()
    with pytest.raises(StudyError, match="cannot be written"):
        write_in_one_step(tmp_path / "run.json", b"data")
    assert [p.name for p in tmp_path.iterdir()] == ["run.json"]


def test_an_error_without_a_number_still_says_why(tmp_path, monkeypatch):
    def fail(*args):
        raise OSError("the network share is gone")

    monkeypatch.setattr(files.os, "replace", fail)
    with pytest.raises(StudyError, match="the network share is gone"):
        write_in_one_step(tmp_path / "run.json", b"data")


def test_bytes_are_written_as_they_are(tmp_path):
    data = bytes(range(256)) * 10
    write_in_one_step(tmp_path / "a" / "b.bin", data)
    assert (tmp_path / "a" / "b.bin").read_bytes() == data
