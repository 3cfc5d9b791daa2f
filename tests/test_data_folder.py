import os
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps

from whichnorm.data.folder import load_folder
from whichnorm.data.image_files import ENDINGS, read_images
from whichnorm.data.load import load_data
from whichnorm.errors import DataError
from whichnorm.specs.data import DataSpec

RNG = np.random.default_rng(0)


def pixels(height: int = 6, width: int = 5, channels: int = 3) -> np.ndarray:
    shape = (height, width, channels) if channels > 1 else (height, width)
    return RNG.integers(0, 256, shape, dtype=np.uint8)


def save(path: Path, array: np.ndarray, **options) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path, **options)
    return path


@pytest.fixture
def root(tmp_path) -> Path:
    """Two classes with three colour images each in train and one each in test."""
    for name in ("train/cat", "train/dog"):
        for number in range(3):
            save(tmp_path / "pets" / name / f"{number}.png", pixels())
    for name in ("test/cat", "test/dog"):
        save(tmp_path / "pets" / name / "9.png", pixels())
    return tmp_path / "pets"


def flat(tmp_path: Path, count: int, classes: tuple[str, ...] = ("cat", "dog")) -> Path:
    for name in classes:
        for number in range(count):
            save(tmp_path / "flat" / name / f"{number}.png", pixels())
    return tmp_path / "flat"


def error_of(folder: Path, image_size: int | None = None) -> str:
    with pytest.raises(DataError) as error:
        load_folder(folder, image_size)
    message = str(error.value)
    assert len(message.splitlines()) == 1
    assert "expected" in message
    return message


def test_pixels_round_trip_in_the_order_of_class_and_file_names(root):
    dataset = load_folder(root, None)
    paths = [root / "train" / name / f"{number}.png" for name in ("cat", "dog") for number in range(3)]
    stored = np.stack([np.asarray(Image.open(path)) for path in paths]).transpose(0, 3, 1, 2)
    assert np.array_equal(dataset.train.images.numpy(), stored)
    assert dataset.train.labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert dataset.test.labels.tolist() == [0, 1]
    assert dataset.class_names == ("cat", "dog")
    assert dataset.name == "pets"
    assert dataset.image_shape == (3, 6, 5)
    assert dataset.train.images.is_contiguous()


def test_a_folder_that_has_moved_is_found_by_its_name_in_the_data_folder(root, tmp_path):
    moved = tmp_path / "elsewhere" / "pets"
    moved.parent.mkdir()
    root.rename(moved)
    found = load_data(DataSpec(name=str(root), data_dir=str(moved.parent)))
    assert found.class_names == ("cat", "dog")
    with pytest.raises(DataError, match=r"no such folder.*where it has moved, --data-dir names the folder"):
        load_data(DataSpec(name=str(root)))


def test_load_data_takes_a_path(root):
    assert load_data(DataSpec(name=str(root), image_size=4)).image_shape == (3, 4, 4)


def test_all_endings_count_in_either_case_and_links_too(root, tmp_path):
    for name in ("a.JPG", "b.jpeg", "c.WebP", "d.PNG"):
        save(root / "train/cat" / name, pixels())
    elsewhere = save(tmp_path / "elsewhere.png", pixels())
    (root / "train/dog/link.png").symlink_to(elsewhere)
    dataset = load_folder(root, None)
    assert torch.bincount(dataset.train.labels).tolist() == [7, 4]
    assert np.array_equal(dataset.train.images[-1].numpy().transpose(1, 2, 0), np.asarray(Image.open(elsewhere)))


def test_hidden_and_other_files_and_folders_are_ignored(root):
    (root / "train/cat/.hidden.png").write_bytes(b"x")
    (root / "train/cat/Thumbs.db").write_bytes(b"x")
    (root / "train/cat/sub").mkdir()
    (root / "train/.ipynb_checkpoints").mkdir()
    (root / "train/notes.txt").write_text("x")
    (root / "val").mkdir()
    assert len(load_folder(root, None).train) == 6


def test_grey_files_alone_give_one_channel(tmp_path):
    folder = flat(tmp_path, 0)
    for name in ("cat", "dog"):
        for number in range(4):
            save(folder / name / f"{number}.png", np.full((3, 3), 40 * number, dtype=np.uint8))
    dataset = load_folder(folder, None)
    assert dataset.image_shape == (1, 3, 3)
    values = torch.cat([dataset.train.images, dataset.test.images])[:, 0, 0, 0]
    assert sorted(values.tolist()) == [0, 0, 40, 40, 80, 80, 120, 120]


def test_one_colour_file_makes_all_rgb(tmp_path):
    grey, colour = pixels(channels=1), pixels()
    images = read_images([save(tmp_path / "grey.png", grey), save(tmp_path / "colour.png", colour)], None)
    assert images.shape == (2, 3, 6, 5)
    assert all(np.array_equal(plane, grey) for plane in images[0].numpy())


def test_transparency_is_laid_over_white(tmp_path):
    array = np.array([[[10, 20, 30, 255], [10, 20, 30, 0]]], dtype=np.uint8)
    image = read_images([save(tmp_path / "a.png", array)], None)[0]
    assert image[:, 0, 0].tolist() == [10, 20, 30]
    assert image[:, 0, 1].tolist() == [255, 255, 255]


def test_grey_with_transparency_stays_grey(tmp_path):
    save(tmp_path / "a.png", np.array([[[7, 255], [7, 0]]], dtype=np.uint8))
    assert read_images([tmp_path / "a.png"], None).tolist() == [[[[7, 255]]]]


def test_palette_images_have_their_colours(tmp_path):
    image = Image.new("P", (2, 1))
    image.putpalette([0, 0, 0, 200, 100, 50])
    image.putpixel((1, 0), 1)
    image.save(tmp_path / "a.png")
    assert read_images([tmp_path / "a.png"], None)[0, :, 0].T.tolist() == [[0, 0, 0], [200, 100, 50]]


def test_sixteen_bit_grey_is_rounded_to_eight(tmp_path):
    save(tmp_path / "a.png", np.array([[0, 257, 128, 129, 65535]], dtype=np.uint16))
    assert read_images([tmp_path / "a.png"], None).tolist() == [[[[0, 1, 0, 1, 255]]]]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_photos_are_turned_upright_as_pillow_does(tmp_path, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = save(tmp_path / "a.jpg", pixels(8, 16), exif=exif)
    upright = np.asarray(ImageOps.exif_transpose(Image.open(path)))
    assert np.array_equal(read_images([path], None)[0].numpy().transpose(1, 2, 0), upright)


def test_an_image_size_resizes_bilinear_to_a_square(tmp_path):
    path = save(tmp_path / "a.png", pixels(9, 12))
    other = save(tmp_path / "b.png", pixels(20, 4))
    images = read_images([path, other], 8)
    expected = np.asarray(Image.open(path).resize((8, 8), Image.Resampling.BILINEAR))
    assert np.array_equal(images[0].numpy().transpose(1, 2, 0), expected)
    assert images.shape == (2, 3, 8, 8)


def hashes_below(folder: Path) -> set[str]:
    """The names that a test split by the stated rule holds, computed independently of the package."""
    names = [f"{path.parent.name}/{path.name}" for path in folder.glob("*/*")]
    return {name for name in names if int(sha256(name.encode()).hexdigest(), 16) / 2**256 < 0.2}


def numbered(folder: Path, count: int) -> None:
    """Grey images whose value is their number."""
    for name in ("cat", "dog"):
        for number in range(count):
            path = folder / name / f"{number}.png"
            if not path.exists():
                save(path, np.full((2, 2), number, dtype=np.uint8))


def names_in_test(folder: Path) -> set[str]:
    test = load_folder(folder, None).test
    return {
        f"{'cat' if label == 0 else 'dog'}/{value}.png"
        for label, value in zip(test.labels.tolist(), test.images[:, 0, 0, 0].tolist(), strict=True)
    }


def test_one_level_is_split_by_the_hash_of_class_and_name_whatever_is_added(tmp_path):
    numbered(tmp_path, 40)
    first = names_in_test(tmp_path)
    assert first == hashes_below(tmp_path)
    assert 5 <= len(first) <= 30
    numbered(tmp_path, 60)
    second = names_in_test(tmp_path)
    assert {name for name in second if int(name[4:-4]) < 40} == first


@pytest.mark.parametrize("count", [2, 3, 5])
def test_small_classes_are_in_both_splits(tmp_path, count):
    dataset = load_folder(flat(tmp_path, count, tuple("abcdefgh")), None)
    train, test = torch.bincount(dataset.train.labels, minlength=8), torch.bincount(dataset.test.labels, minlength=8)
    assert (train + test).tolist() == [count] * 8
    assert min(train.tolist() + test.tolist()) >= 1


def test_one_image_cannot_be_in_both_splits(tmp_path):
    folder = flat(tmp_path, 3)
    save(folder / "eel/1.png", pixels())
    assert f"{folder / 'eel'}: 1 image, expected 2 or more" in error_of(folder)


def test_a_class_may_be_called_train(tmp_path):
    assert load_folder(flat(tmp_path, 3, ("plane", "train")), None).class_names == ("plane", "train")


@pytest.mark.parametrize(
    ("data", "reason"), [(b"", "0 bytes"), (b"<html>", "6 bytes"), (b"\x89PNG\r\n\x1a\n" + bytes(50), "58 bytes")]
)
def test_a_file_that_is_no_image_is_named(root, data, reason):
    path = root / "train/dog/1.png"
    path.write_bytes(data)
    message = error_of(root)
    assert message.startswith(f"{path}: {reason}")
    assert "expected a whole PNG, JPEG or WebP image; replace or remove the file" in message


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_truncated_image_is_named(tmp_path, ending):
    folder = flat(tmp_path, 2)
    path = save(folder / f"cat/big{ending}", pixels(60, 60))
    path.write_bytes(path.read_bytes()[:-200])
    message = error_of(folder, image_size=8)
    assert message.startswith(f"{path}: ")
    assert "a whole PNG, JPEG or WebP image" in message


def test_other_formats_under_an_accepted_ending_are_refused(root):
    path = save(root / "train/dog/1.png", pixels(), format="GIF")
    assert f"{path}: " in error_of(root)


def test_an_oddly_sized_image_is_named_with_both_sizes_and_the_remedy(root):
    path = save(root / "train/cat/0.png", pixels(7, 5))
    message = error_of(root)
    assert message.startswith(f"{path}: 5 x 7 pixels, expected 5 x 6 pixels as cat/1.png (7 files)")
    assert message.endswith("use --image-size 5 to resize all images")


def test_an_animation_is_refused(root):
    path = root / "train/cat/0.png"
    frames = [Image.fromarray(pixels()) for _ in range(3)]
    frames[0].save(path, save_all=True, append_images=frames[1:])
    assert f"{path}: 3 frames, expected one still image; save one frame" in error_of(root)


@pytest.mark.parametrize("limit", [20, 10])
def test_a_decompression_bomb_is_an_error(root, monkeypatch, limit):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)  # 30 pixels: above it a warning, above twice an error
    message = error_of(root)
    assert message.startswith(f"{root / 'train/cat/0.png'}: ")
    assert f"at most {limit} pixels" in message


@pytest.mark.parametrize("others", [[], ["readme.txt", "a.gif", ".b.png"]])
def test_an_empty_class_lists_the_endings(root, others):
    (root / "train/eel").mkdir()
    for name in others:
        (root / "train/eel" / name).write_text("x")
    message = error_of(root)
    assert message.startswith(f"{root / 'train/eel'}: an empty class ({len(others)} other")
    assert all(ending in message for ending in ENDINGS)
    assert "remove the folder" in message


@pytest.mark.parametrize(("here", "there"), [("train", "test"), ("test", "train")])
def test_a_class_in_one_split_only_is_named(root, here, there):
    save(root / here / "eel/1.png", pixels())
    message = error_of(root)
    assert message.startswith(f"{root / here / 'eel'}: a class in {here} only")
    assert f"add {there}/eel or remove {here}/eel" in message


def test_a_folder_without_classes_says_how_to_lay_it_out(tmp_path):
    save(tmp_path / "1.png", pixels())
    message = error_of(tmp_path)
    assert message.startswith(f"{tmp_path}: no class folders (1 images directly in it)")
    assert "FOLDER/train/CLASS/*" in message


def test_splits_without_classes_are_an_error(tmp_path):
    save(tmp_path / "train/1.png", pixels())
    save(tmp_path / "test/1.png", pixels())
    assert f"{tmp_path / 'train'}: no class folders" in error_of(tmp_path)


def test_a_missing_split_is_an_error(root):
    (root / "test").rename(root / "val")
    message = error_of(root)
    assert message.startswith(f"{root}: train/ without test/ among train, val")
    assert "add test/" in message


@pytest.mark.parametrize("levels", ["", "both"])
def test_one_class_is_not_enough(tmp_path, levels):
    for split in ("train", "test") if levels else (".",):
        for number in range(2):
            save(tmp_path / split / f"cat/{number}.png", pixels())
    assert f"{tmp_path}: one class, cat, expected two classes or more" in error_of(tmp_path)


def test_a_class_name_must_be_printable(root):
    (root / "train/cat").rename(root / "train/c\nat")
    message = error_of(root)
    assert "c\\nat: a class name with control characters" in message
    assert "rename the folder" in message


def test_a_line_break_in_a_file_name_stays_on_one_line(root):
    (root / "train/cat/0\n.png").write_bytes(b"x")
    assert "0\\n.png: 1 bytes" in error_of(root)


@pytest.mark.parametrize("make", [os.mkdir, lambda path: path.symlink_to("nowhere"), os.mkfifo])
def test_what_cannot_be_opened_as_a_file_is_named(root, make):
    path = root / "train/cat/7.png"
    make(path)
    message = error_of(root)
    assert message.startswith(f"{path}: ")
    assert "expected a file" in message


@pytest.mark.parametrize(("method", "where"), [("open", "train/cat/0.png"), ("iterdir", "")])
def test_what_may_not_be_read_is_named(root, monkeypatch, method, where):
    def refuse(path, *args, **kwargs):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, method, refuse)
    message = error_of(root)
    assert message.startswith(f"{root / where}: Permission denied")
    assert "check the path and its permissions" in message


def test_a_file_is_not_a_folder(tmp_path):
    path = save(tmp_path / "a.png", pixels())
    with pytest.raises(DataError, match=r"a\.png: Not a directory, expected a file or folder"):
        load_data(DataSpec(name=str(path)))


def test_images_that_do_not_fit_in_memory_are_an_error(root):
    with pytest.raises(DataError, match=r"^8 images of 1000000000 x 1000000000 pixels .* use a smaller --image-size$"):
        load_folder(root, 10**9)
