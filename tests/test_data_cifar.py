from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from whichnorm.data.cifar import CIFAR10, CIFAR100, CifarLayout, load_cifar
from whichnorm.errors import DataError

LAYOUTS = [
    pytest.param(replace(CIFAR10, train_records=4, test_records=3), id="cifar10"),
    pytest.param(replace(CIFAR100, train_records=6, test_records=5), id="cifar100"),
]
SMALL = replace(CIFAR10, train_records=4, test_records=3)


def write(layout: CifarLayout, folder: Path) -> dict[str, np.ndarray]:
    """Write random records and the names of the classes; return the records (N, record_bytes) of each file."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    written = {}
    for name in (*layout.train_files, layout.test_file):
        count = layout.test_records if name == layout.test_file else layout.train_records
        records = rng.integers(0, 256, (count, layout.record_bytes), dtype=np.uint8)
        records[:, layout.label_bytes - 1] = rng.integers(0, layout.num_classes, count)
        if layout.label_bytes == 2:
            records[:, 0] = 255  # the coarse label is not the class
        (folder / name).write_bytes(records.tobytes())
        written[name] = records
    names = "".join(f"name {number}\n" for number in range(layout.num_classes))
    (folder / layout.class_names_file).write_text(names + "\n")
    return written


def error_of(layout: CifarLayout, data_dir: Path) -> str:
    with pytest.raises(DataError) as error:
        load_cifar(layout, data_dir, download=False)
    message = str(error.value)
    assert len(message.splitlines()) == 1
    return message


@pytest.mark.parametrize("layout", LAYOUTS)
def test_pixels_labels_and_order_are_those_of_the_files(layout, tmp_path):
    written = write(layout, tmp_path / layout.folder)
    dataset = load_cifar(layout, tmp_path, download=False)
    train = np.concatenate([written[name] for name in layout.train_files])
    for split, records in ((dataset.train, train), (dataset.test, written[layout.test_file])):
        assert split.labels.tolist() == records[:, layout.label_bytes - 1].tolist()
        assert np.array_equal(split.images.flatten(1).numpy(), records[:, layout.label_bytes :])
    assert dataset.name == layout.name
    assert dataset.class_names == tuple(f"name {number}" for number in range(layout.num_classes))


def test_the_planes_are_red_green_and_blue_row_by_row(tmp_path):
    write(SMALL, tmp_path / SMALL.folder)
    record = np.zeros((3, 3073), dtype=np.uint8)
    record[0, 0], record[0, 1], record[0, 1 + 1024 + 1], record[0, 1 + 2048 + 32] = 7, 10, 20, 30
    (tmp_path / SMALL.folder / "test_batch.bin").write_bytes(record.tobytes())
    test = load_cifar(SMALL, tmp_path, download=False).test
    assert test.labels.tolist() == [7, 0, 0]
    assert test.images[0].nonzero().tolist() == [[0, 0, 0], [1, 0, 1], [2, 1, 0]]
    assert (test.images[0, 0, 0, 0], test.images[0, 1, 0, 1], test.images[0, 2, 1, 0]) == (10, 20, 30)


def test_the_data_directory_may_be_the_folder_itself(tmp_path):
    write(SMALL, tmp_path / "elsewhere")
    assert len(load_cifar(SMALL, tmp_path / "elsewhere", download=False).train) == 20


@pytest.mark.parametrize(
    ("num_bytes", "found"),
    [
        (4 * 3073 - 1, "12,291 bytes (3 records and 3,072 bytes)"),
        (5 * 3073, "15,365 bytes (5 records and 0 bytes)"),
        (0, "0 bytes"),
    ],
)
def test_a_file_of_another_size_is_named_with_both_sizes_and_the_remedy(tmp_path, num_bytes, found):
    write(SMALL, tmp_path / SMALL.folder)
    path = tmp_path / SMALL.folder / "data_batch_3.bin"
    path.write_bytes(bytes(num_bytes))
    message = error_of(SMALL, tmp_path)
    assert message.startswith(f"{path}: {found}")
    assert "expected 12,292 bytes (4 records of 3,073 bytes)" in message
    assert message.endswith(f"delete it and download {CIFAR10.address} again")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_label_out_of_range_is_named_with_its_record(layout, tmp_path):
    records = write(layout, tmp_path / layout.folder)[layout.test_file]
    records[1, layout.label_bytes - 1] = 200
    path = tmp_path / layout.folder / layout.test_file
    path.write_bytes(records.tobytes())
    message = error_of(layout, tmp_path)
    assert f"{path}: record 2 of {layout.test_records} has label 200" in message
    assert f"expected 0 to {layout.num_classes - 1}; delete it and download {layout.address} again" in message


@pytest.mark.parametrize(("text", "found"), [("a\nb\n", "2 names"), ("same\n" * 10, "10 names, 1 of them different")])
def test_wrong_class_names_are_an_error(tmp_path, text, found):
    write(SMALL, tmp_path / SMALL.folder)
    (tmp_path / SMALL.folder / "batches.meta.txt").write_text(text)
    message = error_of(SMALL, tmp_path)
    assert "batches.meta.txt" in message
    assert found in message
    assert "expected 10" in message


def test_absent_files_are_listed_with_the_address_and_the_folder(tmp_path):
    write(SMALL, tmp_path / SMALL.folder)
    (tmp_path / SMALL.folder / "data_batch_2.bin").unlink()
    message = error_of(SMALL, tmp_path)
    assert "data_batch_2.bin absent" in message
    assert CIFAR10.address in message
    assert message.endswith(f"in {tmp_path / SMALL.folder}")


@pytest.mark.parametrize("inside", [False, True])
def test_the_pickled_version_is_named_but_never_read(tmp_path, inside):
    pickles = tmp_path / CIFAR10.pickle_folder
    pickles.mkdir()
    (pickles / "data_batch_1").write_bytes(b"cos\nsystem\n(S'false'\ntR.")
    message = error_of(CIFAR10, pickles if inside else tmp_path)
    assert str(pickles) in message
    assert "python version" in message
    assert "binary version" in message


def test_a_folder_in_place_of_a_file_is_an_error(tmp_path):
    write(SMALL, tmp_path / SMALL.folder)
    path = tmp_path / SMALL.folder / "test_batch.bin"
    path.unlink()
    path.mkdir()
    assert f"{path}: a folder, expected a file" in error_of(SMALL, tmp_path)


def test_a_file_that_may_not_be_read_is_an_error(tmp_path, monkeypatch):
    write(SMALL, tmp_path / SMALL.folder)

    def refuse(path, *args, **kwargs):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(np, "fromfile", refuse)
    message = error_of(SMALL, tmp_path)
    assert "data_batch_1.bin: Permission denied" in message
    assert "check the path and its permissions" in message


def test_a_data_directory_that_is_a_file_is_an_error(tmp_path):
    path = tmp_path / "file"
    path.write_text("")
    assert "cifar10 is not complete" in error_of(SMALL, path)
    with pytest.raises(DataError, match="expected a file or folder that can be used"):
        load_cifar(replace(SMALL, address="http://127.0.0.1:9/x.tar.gz"), path, download=True)


def test_the_layouts_are_as_published():
    assert (CIFAR10.record_bytes * 10_000, CIFAR100.record_bytes * 50_000) == (30_730_000, 153_700_000)
    assert CIFAR10.source.members[0] == "cifar-10-batches-bin/data_batch_1.bin"
    assert CIFAR100.source.members == tuple(
        f"cifar-100-binary/{name}" for name in ("train.bin", "test.bin", "fine_label_names.txt")
    )
