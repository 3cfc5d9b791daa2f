"""Files that are there whole or not at all, and locks that keep a second process out."""

import csv
import io
import json
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from whichnorm.errors import StudyError

REMEDY = "make room or choose another --out, then give the same command again: finished runs are kept"
PATIENCE = 0.5  # seconds: somebody who looks whether a lock is held holds it for a moment himself
LOOKS, BETWEEN_LOOKS = 10, 0.005  # seconds


def write_in_one_step(path: Path, data: bytes, remedy: str = REMEDY) -> None:
    """Write a file so that it is there whole or not at all, also after a kill; a full disk is a StudyError."""
    partial = path.with_name(f".{path.name}.{os.urandom(8).hex()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except OSError as error:
        with suppress(OSError):  # a folder that cannot be written may not let us delete either
            partial.unlink()
        raise StudyError(f"{place(path)}: cannot be written ({error.strerror or error}); {remedy}") from None


def write_json(path: Path, content: Any) -> None:
    """Write JSON values as indented text, in one step; NaN and infinity, which JSON has not, are a ValueError."""
    write_in_one_step(path, f"{json.dumps(content, indent=2, allow_nan=False)}\n".encode())


def as_csv(rows: Iterable[Sequence[object]]) -> str:
    """Return rows as CSV, lines ended by a line feed."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()


def escaped(text: str | Path) -> str:
    """Return text on one line: line breaks and bytes that are not UTF-8 are shown as escapes."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in str(text))


def place(path: Path, limit: int = 160) -> str:
    """Return a path for a message, a long one by its end."""
    text = str(path)
    return text if len(text) <= limit else "…" + text[1 - limit :]


def expand(path: str | Path) -> Path:
    """Return the path with a leading ~ replaced by the home folder, where there is one."""
    return Path(os.path.expanduser(path))


@contextmanager
def locked(path: Path, refusal: str) -> Iterator[None]:
    """Hold the lock of a file, which is made where it is missing; StudyError(refusal) where another process has it."""
    from filelock import FileLock, Timeout  # slow to import, and a command line that is wrong needs no lock

    lock = FileLock(path)
    try:
        lock.acquire(timeout=PATIENCE, poll_interval=PATIENCE / 50)
    except Timeout:
        raise StudyError(refusal) from None
    try:
        yield
    finally:
        lock.release()


def is_locked(path: Path) -> bool | None:
    """Tell whether somebody holds the lock of a file; None where the system cannot tell. No file is made or changed.

    Others may be looking too, each for a moment: only what stays locked is locked.
    """
    from filelock import lock_descriptor

    try:
        with path.open("r+b" if os.access(path, os.W_OK) else "rb") as file:
            for _ in range(LOOKS):
                if lock_descriptor(file.fileno(), blocking=False):
                    return False  # given back when the file is closed
                time.sleep(BETWEEN_LOOKS)
    except FileNotFoundError:
        return False
    except OSError:
        return None
    return True
