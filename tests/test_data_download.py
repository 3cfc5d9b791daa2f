import hashlib
import io
import os
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from whichnorm.data import download
from whichnorm.data.cifar import CIFAR10, load_cifar
from whichnorm.data.download import Source, fetch
from whichnorm.errors import DataError

Serve = Callable[..., Source]


def archive(files: dict[str, bytes], links: dict[str, str] | None = None) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
        for name, target in (links or {}).items():
            member = tarfile.TarInfo(name)
            member.type, member.linkname = tarfile.SYMTYPE, target
            tar.addfile(member)
    return buffer.getvalue()


@pytest.fixture
def serve(monkeypatch) -> Iterator[Serve]:
    """A function that serves bytes at an address of this machine and returns their Source."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    replies: dict[str, tuple[bytes, int]] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path not in replies:
                self.send_error(404)
                return
            data, length = replies[self.path]
            self.send_response(200)
            self.send_header("Content-Length", str(length))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()

    def add(name: str, data: bytes, members: tuple[str, ...] = (), cut: int = 0) -> Source:
        replies[f"/{name}"] = (data[: len(data) - cut], len(data))
        address = f"http://127.0.0.1:{server.server_port}/{name}"
        return Source(address=address, md5=hashlib.md5(data).hexdigest(), members=members)

    yield add
    server.shutdown()
    server.server_close()
    thread.join()


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def error_of(source: Source, folder: Path) -> str:
    """Fetch in vain; assert that nothing is left behind and return the message."""
    assert not folder.exists()
    with pytest.raises(DataError) as error:
        fetch(source, folder)
    message = str(error.value)
    assert len(message.splitlines()) == 1
    assert message.startswith(source.address)
    assert not folder.parent.exists()
    return message


def test_a_file_is_put_in_place_whole_with_one_line_on_stderr(serve, tmp_path, capsys):
    source = serve("labels.gz", bytes(range(256)) * 9000)
    fetch(source, tmp_path / "new/raw")
    assert contents(tmp_path) == {"new/raw/labels.gz": bytes(range(256)) * 9000}
    assert list(tmp_path.rglob(".*")) == []
    captured = capsys.readouterr()
    assert captured.err == f"downloading {source.address} (2 MB)\n"
    assert captured.out == ""


def test_of_an_archive_only_the_expected_members_are_taken(serve, tmp_path):
    data = archive(
        {"set/a.bin": b"aa", "./set/b.bin": b"b", "set/readme.html": b"x", "../evil.bin": b"x", "/set/a.bin": b"no"}
    )
    fetch(serve("set.tar.gz", data, ("set/a.bin", "set/b.bin")), tmp_path / "deep/set")
    assert contents(tmp_path) == {"deep/set/a.bin": b"aa", "deep/set/b.bin": b"b"}


def test_files_that_are_there_are_left_alone(serve, tmp_path):
    (tmp_path / "a.bin").write_bytes(b"mine")
    fetch(serve("set.tar.gz", archive({"set/a.bin": b"a", "set/b.bin": b"b"}), ("set/a.bin", "set/b.bin")), tmp_path)
    assert contents(tmp_path) == {"a.bin": b"mine", "b.bin": b"b"}


def test_a_wrong_checksum_is_an_error_with_both_sums(serve, tmp_path):
    source = replace(serve("labels.gz", b"damaged"), md5="0" * 32)
    message = error_of(source, tmp_path / "new/raw")
    assert f"7 bytes with MD5 {hashlib.md5(b'damaged').hexdigest()}, expected {'0' * 32}" in message
    assert f"put labels.gz in {tmp_path / 'new/raw'}" in message


def test_a_truncated_transfer_is_an_error_with_both_sizes(serve, tmp_path):
    message = error_of(serve("labels.gz", bytes(3000), cut=1000), tmp_path / "new/raw")
    assert "2000" in message.replace(",", "")
    assert "cannot be downloaded" in message


def test_an_absent_address_is_an_error_with_its_status(serve, tmp_path):
    known = serve("labels.gz", b"x")
    message = error_of(replace(known, address=known.address.replace("labels", "other")), tmp_path / "new/raw")
    assert "cannot be downloaded (HTTP 404 Not Found)" in message
    assert f"put other.gz in {tmp_path / 'new/raw'}" in message


def test_a_server_that_is_not_there_is_an_error(tmp_path):
    source = Source(address="http://127.0.0.1:9/set.tar.gz", md5="", members=("set/a.bin", "set/b.bin"))
    message = error_of(source, tmp_path / "new/set")
    assert "cannot be downloaded (Connection refused)" in message
    assert f"unpack it to have a.bin, b.bin in {tmp_path / 'new/set'}" in message


def test_a_server_that_does_not_answer_is_given_up(tmp_path, monkeypatch):
    def hang(address: str, timeout: float) -> None:
        raise TimeoutError("timed out")

    monkeypatch.setattr(download.urllib.request, "urlopen", hang)
    assert "cannot be downloaded (timed out)" in error_of(
        Source(address="http://127.0.0.1/x", md5=""), tmp_path / "new/raw"
    )


def test_an_archive_without_an_expected_member_is_an_error(serve, tmp_path):
    source = serve("set.tar.gz", archive({"set/a.bin": b"a"}), ("set/a.bin", "set/b.bin"))
    assert "the archive lacks set/b.bin, expected 2 files" in error_of(source, tmp_path / "new/set")


def test_a_link_in_place_of_a_member_is_not_followed(serve, tmp_path):
    source = serve("set.tar.gz", archive({}, links={"set/a.bin": "/etc/hostname"}), ("set/a.bin",))
    assert "the archive lacks set/a.bin" in error_of(source, tmp_path / "new/set")


@pytest.mark.parametrize("data", [b"not an archive", archive({"set/a.bin": os.urandom(5000)})[:-900]])
def test_a_damaged_archive_is_an_error(serve, tmp_path, data):
    source = serve("set.tar.gz", data, ("set/a.bin",))
    assert "not a readable tar archive" in error_of(source, tmp_path / "new/set")


def test_a_disk_that_is_full_is_an_error_that_names_the_folder(serve, tmp_path, monkeypatch):
    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    source = serve("labels.gz", b"x")
    monkeypatch.setattr(download.os, "replace", full)
    with pytest.raises(DataError, match=r"new/raw: No space left on device"):
        fetch(source, tmp_path / "new/raw")
    assert list(tmp_path.iterdir()) == []


def test_cifar_is_fetched_into_its_folder_once(serve, tmp_path, capsys):
    record = bytes(3073)
    files = dict.fromkeys(CIFAR10.source.members, record)
    files["cifar-10-batches-bin/batches.meta.txt"] = b"a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n\n"
    source = serve("cifar-10-binary.tar.gz", archive(files))
    layout = replace(CIFAR10, address=source.address, md5=source.md5, train_records=1, test_records=1)
    for _ in range(2):
        dataset = load_cifar(layout, tmp_path, download=True)
        assert (len(dataset.train), len(dataset.test)) == (5, 1)
        assert dataset.class_names == tuple("abcdefghij")
    assert capsys.readouterr().err.count("downloading") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cifar-10-batches-bin"]
