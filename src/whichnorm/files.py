"""Files that are there whole or not at all, and names that can be printed."""

import os
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from whichnorm.errors import StudyError

REMEDY = "make room or choose another --out, then give the same command again: finished runs are kept"


def write_in_one_step(path: Path, data: bytes, remedy: str = REMEDY) -> None:
    """Write a file so that it is there whole or not at all, also after a kill; a full disk is a StudyError."""
    partial = path.with_name(f".{path.name}.{uuid4().hex}.partial")
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
        raise StudyError(f"{path}: cannot be written ({error.strerror or error}); {remedy}") from None


def escaped(text: str | Path) -> str:
    """Return text on one line: line breaks and bytes that are not UTF-8 are shown as escapes."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in str(text))


def expand(path: str | Path) -> Path:
    """Return the path with a leading ~ replaced by the home folder, where there is one."""
    return Path(os.path.expanduser(path))
