"""Fetch a published file: streamed aside, verified by its checksum, then put in place in one step."""

import hashlib
import os
import shutil
import sys
import tarfile
import tempfile
import urllib.error
import urllib.request
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path, PurePosixPath
from ssl import SSLError

from whichnorm.data.files import CHUNK_BYTES, is_there, reading
from whichnorm.errors import DataError
from whichnorm.files import escaped

TIMEOUT_SECONDS = 10  # until the first answer, and between two pieces of it
NETWORK_ERRORS = (urllib.error.URLError, HTTPException, TimeoutError, ConnectionError, SSLError, ValueError)


@dataclass(frozen=True, kw_only=True)
class Source:
    """A published file: its address, its MD5 and, where it is a tar archive, the full names of the members to keep."""

    address: str
    md5: str
    members: tuple[str, ...] = ()

    @property
    def file_names(self) -> tuple[str, ...]:
        """The names of the files that `fetch` puts in a folder."""
        return tuple(PurePosixPath(path).name for path in self.members or (self.address,))

    def by_hand(self, folder: Path) -> str:
        """Say which files to put where when they cannot be fetched."""
        action = "unpack it to have" if self.members else "put"
        return f"download {self.address} yourself and {action} {', '.join(self.file_names)} in {escaped(folder)}"


def fetch(source: Source, folder: Path) -> None:
    """Download source and put those of its files in folder that are absent there.

    Files that exist are left alone. On failure everything is as it was before: no partial file and no new folder.
    """
    with reading(folder), _made(folder), tempfile.TemporaryDirectory(prefix=".download-", dir=folder) as aside:
        archive = Path(aside) / "archive"
        md5 = _transfer(source, archive, folder)
        if md5 != source.md5:
            raise DataError(
                f"{source.address}: downloaded {archive.stat().st_size:,} bytes with MD5 {md5}, expected "
                f"{source.md5}; try again, or {source.by_hand(folder)}"
            )
        unpacked = Path(aside) / "files"
        unpacked.mkdir()
        if source.members:
            _unpack(source, archive, unpacked)
        else:
            os.replace(archive, unpacked / source.file_names[0])
        for name in source.file_names:
            if not is_there(folder / name):
                os.replace(unpacked / name, folder / name)


@contextmanager
def _made(folder: Path) -> Iterator[None]:
    """Make folder and its parents; an exception in the block removes those that were made here."""
    absent = [path for path in (folder, *folder.parents) if not is_there(path)]
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield
    except BaseException:
        for path in absent:
            with suppress(OSError):
                path.rmdir()
        raise


def _transfer(source: Source, target: Path, folder: Path) -> str:
    """Stream the file at the source's address to target and return its MD5."""
    digest, received = hashlib.md5(usedforsecurity=False), 0
    try:
        with urllib.request.urlopen(source.address, timeout=TIMEOUT_SECONDS) as response, target.open("wb") as file:
            length = response.headers.get("Content-Length") or ""
            size = f" ({_size(int(length))})" if length.isdigit() else ""
            print(f"downloading {source.address}{size}", file=sys.stderr, flush=True)
            while chunk := response.read(CHUNK_BYTES):
                file.write(chunk)
                digest.update(chunk)
                received += len(chunk)
        if length.isdigit() and received != int(length):
            raise ConnectionError(f"the connection ended after {received:,} of {int(length):,} bytes")
    except NETWORK_ERRORS as error:
        raise DataError(
            f"{source.address}: cannot be downloaded ({escaped(_reason(error))}); {source.by_hand(folder)}"
        ) from error
    return digest.hexdigest()


def _size(num_bytes: int) -> str:
    return f"{num_bytes / 1e6:.0f} MB" if num_bytes >= 1e6 else f"{num_bytes:,} bytes"


def _reason(error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return f"HTTP {error.code} {error.reason}"
    reason = getattr(error, "reason", error)
    return getattr(reason, "strerror", None) or str(reason) or type(reason).__name__


def _unpack(source: Source, archive: Path, folder: Path) -> None:
    """Copy the expected members, and nothing else, out of a tar archive; their own paths are never followed."""
    absent = set(source.members)
    try:
        with tarfile.open(archive, "r:gz") as tar:
            for member in tar:
                name = member.name.removeprefix("./")
                content = tar.extractfile(member) if name in absent and member.isfile() else None
                if content is not None:
                    with content, (folder / PurePosixPath(name).name).open("wb") as file:
                        shutil.copyfileobj(content, file)
                    absent.remove(name)
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise DataError(f"{source.address}: not a readable tar archive ({escaped(str(error))}); try again") from error
    if absent:
        raise DataError(
            f"{source.address}: the archive lacks {', '.join(sorted(absent))}, expected {len(source.members)} files "
            "of that folder; unpack it by hand and look"
        )
