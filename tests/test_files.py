"""A lock keeps a second process out and is seen by those who look; nothing of it stays behind when a process dies."""

import multiprocessing
import os
import signal

import pytest

from whichnorm.errors import StudyError
from whichnorm.files import is_locked, locked


def hold(path, pipe):
    with locked(path, "taken"):
        pipe.send("held")
        pipe.recv()


@pytest.fixture
def elsewhere(tmp_path):
    """Another process that holds the lock until something is sent to it, and the pipe to it."""
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    process = context.Process(target=hold, args=(tmp_path / "lock", theirs))
    process.start()
    assert ours.recv() == "held"
    yield process, ours
    process.kill()
    process.join()


def test_a_second_process_is_refused_with_the_words_it_was_given_until_the_first_lets_go(tmp_path, elsewhere):
    process, pipe = elsewhere
    assert is_locked(tmp_path / "lock") is True
    with pytest.raises(StudyError, match=r"^already at work$"), locked(tmp_path / "lock", "already at work"):
        pass
    pipe.send("done")
    process.join()
    assert is_locked(tmp_path / "lock") is False
    with locked(tmp_path / "lock", "already at work"):
        assert is_locked(tmp_path / "lock") is True


def test_a_killed_process_holds_no_lock(tmp_path, elsewhere):
    process, _ = elsewhere
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    assert is_locked(tmp_path / "lock") is False
    with locked(tmp_path / "lock", "taken"):
        pass


def test_an_error_inside_gives_the_lock_back(tmp_path):
    with pytest.raises(KeyError), locked(tmp_path / "lock", "taken"):
        raise KeyError
    assert is_locked(tmp_path / "lock") is False


def test_a_look_makes_and_changes_no_file(tmp_path):
    assert is_locked(tmp_path / "lock") is False
    assert is_locked(tmp_path / "nowhere" / "lock") is False
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "lock").write_text("kept")
    assert is_locked(tmp_path / "lock") is False
    assert (tmp_path / "lock").read_text() == "kept"


def test_a_lock_file_that_may_only_be_read_can_be_looked_at(tmp_path, monkeypatch):
    (tmp_path / "lock").touch(mode=0o444)
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # whoever runs the test, who may be root
    assert is_locked(tmp_path / "lock") is False


def test_where_the_system_cannot_tell_nothing_is_claimed(tmp_path, monkeypatch):
    def no_locks(fd, blocking):
        raise OSError(38, "Function not implemented")

    (tmp_path / "lock").touch()
    monkeypatch.setattr("filelock.lock_descriptor", no_locks)
    assert is_locked(tmp_path / "lock") is None
