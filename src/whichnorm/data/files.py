"""Reading files so that whatever is wrong with one becomes a single line that names it."""

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from whichnorm.errors import DataError, shortened
from whichnorm.files import escaped, place

CHUNK_BYTES = 1 << 20


def fault(path: Path, found: str, expected: str, remedy: str) -> DataError:
    """Return the error for a file or folder: what was found there, what was expected and the way out."""
    return DataError(
        f"{escaped(place(path))}: {shortened(escaped(found), 300)}, expected {expected}; {escaped(remedy)}"
    )


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn any OSError of the block, such as a permission denied, into a DataError that names the path."""
    try:
        yield
    except OSError as error:
        where = Path(os.fsdecode(error.filename)) if isinstance(error.filename, str | bytes) else path
        found = error.strerror or str(error)
        raise fault(where, found, "a file or folder that can be used", "check the path and its permissions") from error


def is_there(path: Path) -> bool:
    """Tell whether path exists; a folder that may not be looked into is an error, not an absence."""
    with reading(path):
        try:
            path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return False
    return True


def file_size(path: Path) -> int:
    """Return the bytes of a file; a folder or a device under its name is an error."""
    with reading(path):
        status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        kind = "a folder" if stat.S_ISDIR(status.st_mode) else "not a regular file"
        raise fault(path, kind, "a file", "rename or remove it")
    return status.st_size


def missing(folder: Path, names: Sequence[str], endings: Sequence[str] = ("",)) -> list[str]:
    """Return those of names that folder holds with none of the endings."""
    return [name for name in names if not any(is_there(folder / f"{name}{ending}") for ending in endings)]


def fullest(folders: Sequence[Path], names: Sequence[str], endings: Sequence[str] = ("",)) -> Path:
    """Return the folder that holds the most of names, and the first of them where several hold as many."""
    return min(folders, key=lambda folder: len(missing(folder, names, endings)))


def read_up_to(stream: IO[bytes], num_bytes: int) -> bytes:
    """Read at most num_bytes; the memory used follows what the stream holds, not what was asked for."""
    parts: list[bytes] = []
    while num_bytes > 0 and (part := stream.read(min(num_bytes, CHUNK_BYTES))):
        parts.append(part)
        num_bytes -= len(part)
    return b"".join(parts)
