"""The images behind the cells of the confusion matrices: which, how many, and their pixels."""

import io

import numpy as np
import pytest
import torch
from PIL import Image
from sections import FOUR, found_of_four, section_of
from synthetic import digits_test, make_results, make_study, noise_test

from whichnorm.analyses.confusion import cells
from whichnorm.analyses.confusion.cells import choose_images
from whichnorm.data.dataset import ImageSet
from whichnorm.render.images import make_sprite, tile_size
from whichnorm.report import write_report


def test_a_cells_images_are_its_most_confident_in_falling_order(tmp_path):
    results, test = make_results(tmp_path, study=make_study(epochs=1)), digits_test()
    chosen = choose_images(results, test)
    for arm, of_arm in chosen.of_arm.items():
        runs = results.finished(arm)
        for (true, predicted), examples in of_arm.items():
            by_image: dict[int, float] = {}
            for run in runs:
                for i, (p, c) in enumerate(zip(run.test_predictions, run.test_confidences, strict=True)):
                    if (int(test.labels[i]), p) == (true, predicted):
                        by_image[i] = max(c, by_image.get(i, 0))
            best = sorted(by_image, key=lambda i: (-by_image[i], i))[:8]
            assert [e.index for e in examples] == best
            assert [e.confidence for e in examples] == [by_image[i] for i in best]
            for e in examples:
                (run,) = [run for run in runs if run.seed == e.seed]
                assert (run.test_predictions[e.index], run.test_confidences[e.index]) == (predicted, e.confidence)


def test_an_image_of_several_arms_is_held_once(tmp_path):
    chosen = choose_images(make_results(tmp_path, study=make_study(epochs=1)), digits_test())
    held = [e.index for of_arm in chosen.of_arm.values() for examples in of_arm.values() for e in examples]
    assert len(held) > len(set(held))
    assert sorted(chosen.tiles) == sorted(set(held))


def test_when_room_is_short_every_cells_first_image_goes_before_any_second(tmp_path, monkeypatch):
    results, test = make_results(tmp_path, study=make_study(epochs=1)), digits_test()
    ample = choose_images(results, test).of_arm
    firsts = {examples[0].index for of_arm in ample.values() for examples in of_arm.values()}
    for room in (0, len(firsts) // 2, len(firsts), len(firsts) + 10):
        monkeypatch.setattr(cells, "MAX_PIXELS", room * 8 * 8)
        chosen = choose_images(results, test)
        assert len(chosen.tiles) == room
        assert set(chosen.tiles[: len(firsts)]) <= firsts
        if room >= len(firsts):
            assert all(examples for of_arm in chosen.of_arm.values() for examples in of_arm.values())


def test_the_sprite_of_a_section_holds_the_images_that_its_widgets_show(tmp_path):
    test = digits_test()
    section = section_of(FOUR[2], make_results(tmp_path, study=make_study(epochs=1)), test)
    columns = section.sprite.columns
    with Image.open(io.BytesIO(section.sprite.webp)) as sheet:
        pixels = np.asarray(sheet.convert("L"))
    shown = [
        one for p in section.pictures if p.widget for of_cell in p.widget.data["images"].values() for one in of_cell
    ]
    assert len(shown) > 100
    for tile, index, _, _ in shown:
        y, x = tile // columns * 8, tile % columns * 8
        np.testing.assert_array_equal(pixels[y : y + 8, x : x + 8], test.images[index][0].numpy())


@pytest.mark.parametrize(("shape", "size"), [((3, 32, 32), (32, 32)), ((1, 8, 8), (8, 8)), ((3, 64, 128), (64, 32)),
                                             ((3, 500, 1), (1, 64))])  # fmt: skip
def test_images_over_64_pixels_are_shown_smaller(shape, size):
    images = [np.zeros(shape, dtype=np.uint8)] * 2
    assert tile_size(shape, cells.MAX_SIDE) == size
    sprite = make_sprite(images, cells.MAX_SIDE)
    assert (sprite.width, sprite.height, sprite.columns) == (*size, 2)
    with Image.open(io.BytesIO(sprite.webp)) as sheet:
        assert sheet.size == (2 * size[0], size[1])


@pytest.mark.parametrize("channels", [1, 3])
def test_the_sprite_holds_the_pixels_unchanged(channels):
    test = noise_test(30, 3, channels)
    tiles = [7, 0, 29, 13, 2]
    sprite = make_sprite([test.images[index].numpy() for index in tiles], most=64)
    with Image.open(io.BytesIO(sprite.webp)) as sheet:
        pixels = np.asarray(sheet.convert("RGB"))
    columns = sprite.columns
    for place, index in enumerate(tiles):
        y, x = place // columns * 12, place % columns * 12
        expected = np.broadcast_to(test.images[index].permute(1, 2, 0).numpy(), (12, 12, 3))
        np.testing.assert_array_equal(pixels[y : y + 12, x : x + 12], expected)


@pytest.mark.slow
@pytest.mark.parametrize("num_classes", [10, 100])
def test_three_arms_on_ten_thousand_images_that_cannot_be_compressed_make_a_page_below_5_mb(tmp_path, num_classes):
    pixels = np.random.default_rng(0).integers(0, 256, size=(10_000, 3, 32, 32), dtype=np.uint8)
    test = ImageSet(torch.from_numpy(pixels), torch.arange(10_000) % num_classes)
    results = make_results(
        tmp_path, arms=["in", "none", "ln"], test=test, class_names=[f"class {i}" for i in range(num_classes)],
        study=make_study(seeds=(0,), epochs=20),
    )  # fmt: skip
    size = write_report(results, found_of_four(results, test)).stat().st_size
    assert 1.5e6 < size < 4.9e6
