import gzip
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from whichnorm.data.mnist import FASHION_MNIST, FILES, MNIST, load_mnist
from whichnorm.errors import DataError

RAW = Path("MNIST/raw")
TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS = FILES


def idx(array: np.ndarray) -> bytes:
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


def write(folder: Path, gzipped: bool = False, seed: int = 0) -> dict[str, np.ndarray]:
    """Write 12 training and 5 test images with their labels; return the arrays by file name."""
    rng = np.random.default_rng(seed)
    arrays = {
        TRAIN_IMAGES: rng.integers(0, 256, (12, 28, 28), dtype=np.uint8),
        TRAIN_LABELS: np.arange(12, dtype=np.uint8)[::-1] % 10,
        TEST_IMAGES: rng.integers(0, 256, (5, 28, 28), dtype=np.uint8),
        TEST_LABELS: np.array([9, 0, 4, 4, 1], dtype=np.uint8),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in arrays.items():
        data = idx(array)
        (folder / f"{name}.gz" if gzipped else folder / name).write_bytes(gzip.compress(data) if gzipped else data)
    return arrays


def error_of(data_dir: Path, layout=MNIST) -> str:
    with pytest.raises(DataError) as error:
        load_mnist(layout, data_dir, download=False)
    message = str(error.value)
    assert len(message.splitlines()) == 1
    return message


@pytest.mark.parametrize("gzipped", [False, True])
@pytest.mark.parametrize("folder", [".", "MNIST/raw"])
def test_pixels_and_labels_are_those_of_the_files(tmp_path, folder, gzipped):
    arrays = write(tmp_path / folder, gzipped)
    dataset = load_mnist(MNIST, tmp_path, download=False)
    assert np.array_equal(dataset.train.images[:, 0].numpy(), arrays[TRAIN_IMAGES])
    assert np.array_equal(dataset.test.images[:, 0].numpy(), arrays[TEST_IMAGES])
    assert dataset.train.labels.tolist() == arrays[TRAIN_LABELS].tolist()
    assert dataset.test.labels.tolist() == [9, 0, 4, 4, 1]
    assert dataset.image_shape == (1, 28, 28)


def test_fashion_mnist_has_its_own_folder_and_names(tmp_path):
    write(tmp_path / RAW, seed=1)
    arrays = write(tmp_path / "FashionMNIST/raw", seed=2)
    dataset = load_mnist(FASHION_MNIST, tmp_path, download=False)
    assert np.array_equal(dataset.train.images[:, 0].numpy(), arrays[TRAIN_IMAGES])
    assert dataset.class_names[0] == "T-shirt/top"
    assert dataset.class_names[9] == "Ankle boot"
    assert len(set(dataset.class_names)) == 10


def test_the_published_folder_goes_before_the_directory_and_plain_before_gzip(tmp_path):
    write(tmp_path, seed=1)
    write(tmp_path / RAW, gzipped=True, seed=2)
    arrays = write(tmp_path / RAW, seed=3)
    images = load_mnist(MNIST, tmp_path, download=False).train.images
    assert np.array_equal(images[:, 0].numpy(), arrays[TRAIN_IMAGES])


@pytest.mark.parametrize("gzipped", [False, True])
@pytest.mark.parametrize(
    ("name", "change", "found"),
    [
        (TRAIN_IMAGES, lambda data: data[:-1], "9,407 bytes after the header, expected 9,408 for 12 items"),
        (TRAIN_IMAGES, lambda data: data + b"x", "more than 9,408 bytes after the header"),
        (TEST_LABELS, lambda data: data[:-2], "3 bytes after the header, expected 5"),
        (TRAIN_IMAGES, lambda data: data[:9], "9 bytes, expected a header of 16 bytes"),
        (TRAIN_LABELS, lambda data: b"", "0 bytes, expected a header of 8 bytes"),
        (TRAIN_LABELS, lambda data: b"<html>no</html>", "magic number 0x3c68746d, expected 0x00000801"),
        (TRAIN_IMAGES, lambda data: idx(np.zeros((2, 28, 27), np.uint8)), "28 x 27 pixels, expected 28 x 28"),
        (TRAIN_IMAGES, lambda data: idx(np.zeros((0, 28, 28), np.uint8)), "no items"),
        (TRAIN_IMAGES, lambda data: data[:4] + b"\xff\xff\xff\xff" + data[8:], "expected 3,367,254,359,280"),
        (TRAIN_LABELS, lambda data: idx(np.zeros(11, np.uint8)), "11 labels for 12 images in train-images-idx3-ubyte"),
        (TRAIN_LABELS, lambda data: data[:-3] + b"\x0b" + data[-2:], "label 10 of 12 is 11, expected 0 to 9"),
    ],
)
def test_a_damaged_file_is_named_with_what_was_found(tmp_path, name, change, found, gzipped):
    write(tmp_path / RAW, gzipped)
    path = tmp_path / RAW / (f"{name}.gz" if gzipped else name)
    data = change(gzip.decompress(path.read_bytes()) if gzipped else path.read_bytes())
    path.write_bytes(gzip.compress(data) if gzipped else data)
    message = error_of(tmp_path)
    assert message.startswith(f"{path}: ")
    assert found in message
    assert message.endswith(f"delete it and download {MNIST.address}{name}.gz again")


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data[:-20],
        lambda data: data[:5],
        lambda data: b"not gzip at all",
        lambda data: data[:40] + bytes(40) + data[80:],
        lambda data: data[:-8] + bytes(8),
    ],
)
def test_a_damaged_gzip_file_is_an_error(tmp_path, change):
    write(tmp_path / RAW, gzipped=True)
    path = tmp_path / RAW / f"{TRAIN_IMAGES}.gz"
    path.write_bytes(change(path.read_bytes()))
    message = error_of(tmp_path)
    assert message.startswith(f"{path}: ")
    assert f"delete it and download {MNIST.address}{TRAIN_IMAGES}.gz again" in message


def test_absent_files_are_listed_with_the_address_and_the_folder(tmp_path):
    write(tmp_path / RAW)
    (tmp_path / RAW / TEST_LABELS).unlink()
    message = error_of(tmp_path)
    assert message.startswith(f"{tmp_path / RAW}: mnist is not complete, {TEST_LABELS} absent")
    assert MNIST.address in message


def test_a_failed_download_lists_all_that_is_absent(tmp_path):
    layout = replace(MNIST, address="http://127.0.0.1:9/")
    with pytest.raises(DataError) as error:
        load_mnist(layout, tmp_path / "new", download=True)
    message = str(error.value)
    assert len(message.splitlines()) == 1
    assert "cannot be downloaded (Connection refused)" in message
    assert all(name in message for name in FILES)
    assert str(tmp_path / "new/MNIST/raw") in message
    assert not (tmp_path / "new").exists()


def test_a_folder_in_place_of_a_file_is_an_error(tmp_path):
    write(tmp_path / RAW)
    (tmp_path / RAW / TRAIN_LABELS).unlink()
    (tmp_path / RAW / TRAIN_LABELS).mkdir()
    assert f"{TRAIN_LABELS}: a folder, expected a file" in error_of(tmp_path)


def test_a_file_that_may_not_be_read_is_an_error(tmp_path, monkeypatch):
    write(tmp_path / RAW)

    def refuse(path, *args, **kwargs):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "open", refuse)
    assert f"{TRAIN_IMAGES}: Permission denied" in error_of(tmp_path)
