import math
from dataclasses import fields, replace

import numpy as np
import pytest
import torch
from scipy import ndimage

from whichnorm.data.augment import Draws, augment, draw, normalize
from whichnorm.errors import DataError, SpecError
from whichnorm.specs.recipe import Augmentation

MEAN, STD = (0.49, 0.48, 0.45), (0.25, 0.24, 0.26)
EVERYTHING = Augmentation(
    flip=0.5, crop_padding=3, crop_probability=0.6, shift=0.15, scale=0.2, rotate_degrees=25, affine_probability=0.5,
    brightness=0.2, contrast=0.3, brightness_contrast_probability=0.5, grey_probability=0.4, cutout_size=5,
    cutout_probability=0.7,
)  # fmt: skip


def images_of(num_images=12, channels=3, height=14, width=11, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (num_images, channels, height, width), dtype=torch.uint8, generator=generator)


def drawn(augmentation, images, seed=0):
    return draw(augmentation, len(images), tuple(images.shape[1:]), torch.Generator().manual_seed(seed))


def standardized(image, mean=MEAN, std=STD):
    """Standardize one image (C, H, W) of pixels in [0, 1] with numpy, in float64."""
    return (image - np.reshape(mean, (-1, 1, 1))) / np.reshape(std, (-1, 1, 1))


def assert_each_image(images, draws, augmentation, reference, mean=MEAN, std=STD):
    """Compare augment with reference(pixels in [0, 1], index of the image) -> standardized image, image by image."""
    found = augment(images, draws, augmentation, mean, std)
    assert found.dtype == torch.float32
    assert found.shape == images.shape
    assert found.is_contiguous(memory_format=torch.channels_last)
    for index in range(len(images)):
        expected = reference(images[index].double().numpy() / 255, index)
        np.testing.assert_allclose(found[index].numpy(), expected, rtol=1e-4, atol=2e-4, err_msg=f"image {index}")


# Each change against a reference for one image


def test_normalize_is_the_formula():
    images = images_of()
    found = normalize(images, MEAN, STD)
    expected = np.stack([standardized(image.double().numpy() / 255) for image in images])
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-5, atol=1e-5)
    assert found.dtype == torch.float32
    assert found.is_contiguous(memory_format=torch.channels_last)


def test_brightness_and_contrast_scale_then_shift_then_clip():
    augmentation = Augmentation(brightness=0.3, contrast=0.4, brightness_contrast_probability=0.6)
    images = images_of()
    draws = drawn(augmentation, images)

    def reference(pixels, index):
        if draws.brightness_contrast[index]:
            pixels = np.clip(pixels * draws.contrast[index].item() + draws.brightness[index].item(), 0, 1)
        return standardized(pixels)

    assert_each_image(images, draws, augmentation, reference)
    assert 0 < draws.brightness_contrast.sum() < len(images)
    assert draws.contrast.min() < 0.9
    assert draws.contrast.max() > 1.1
    assert draws.brightness.min() < 0 < draws.brightness.max()


def test_brightness_and_contrast_of_standardized_pixels_clip_them_to_zero_and_one():
    augmentation = Augmentation(
        brightness=0.3, contrast=0.4, brightness_contrast_probability=0.6, brightness_contrast_of="standardized"
    )
    images = images_of()
    draws = drawn(augmentation, images)

    def reference(pixels, index):
        x = standardized(pixels)
        if not draws.brightness_contrast[index]:
            return x
        return np.clip(x * draws.contrast[index].item() + draws.brightness[index].item(), 0, 1)

    assert_each_image(images, draws, augmentation, reference)
    assert 0 < draws.brightness_contrast.sum() < len(images)


def test_grey_repeats_the_luminance():
    augmentation = Augmentation(grey_probability=0.5)
    images = images_of()
    draws = drawn(augmentation, images)

    def reference(pixels, index):
        if draws.grey[index]:
            red, green, blue = pixels
            pixels = np.stack([0.299 * red + 0.587 * green + 0.114 * blue] * 3)
        return standardized(pixels)

    assert_each_image(images, draws, augmentation, reference)
    assert 0 < draws.grey.sum() < len(images)


@pytest.mark.parametrize(("height", "width"), [(14, 11), (11, 14), (12, 12)])
def test_shift_scale_and_rotation_agree_with_scipy(height, width):
    augmentation = Augmentation(shift=0.2, scale=0.3, rotate_degrees=40, affine_probability=0.7)
    images = images_of(height=height, width=width)
    draws = drawn(augmentation, images)
    centre = np.array([(height - 1) / 2, (width - 1) / 2])

    def reference(pixels, index):
        image = standardized(pixels)
        if not draws.affine[index]:
            return image
        angle, scale = draws.angle[index].item(), draws.scale[index].item()
        # Rows point down, so a counterclockwise turn takes (row, column) offsets to:
        turn = scale * np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
        right, down = draws.shift[index].tolist()
        back = np.linalg.inv(turn)
        offset = centre - back @ (centre + np.array([down * height, right * width]))
        return np.stack(
            [ndimage.affine_transform(c, back, offset, order=1, mode="grid-constant", cval=0.0) for c in image]
        )

    assert_each_image(images, draws, augmentation, reference)
    assert 0 < draws.affine.sum() < len(images)


def forced(draws, **values):
    """Return the draws with fields replaced by one value for all images."""
    changes = {}
    for name, value in values.items():
        old = getattr(draws, name)
        changes[name] = torch.as_tensor(value, dtype=old.dtype).expand_as(old).clone()
    return replace(draws, **changes)


def test_directions_of_shift_and_rotation():
    image = torch.full((1, 1, 9, 9), 128, dtype=torch.uint8)
    image[0, 0, 4, 6] = 255  # to the right of the centre
    augmentation = Augmentation(shift=0.5, rotate_degrees=90, scale=0.5, affine_probability=1)
    still = forced(drawn(augmentation, image), shift=[0.0, 0.0], scale=1.0, angle=0.0)
    mean, std = (128 / 255,), (1.0,)

    def brightest(**values):
        result = augment(image, forced(still, **values), augmentation, mean, std)[0, 0]
        return divmod(int(result.argmax()), 9)

    assert brightest() == (4, 6)
    assert brightest(shift=[1 / 9, 2 / 9]) == (6, 7)  # right by one pixel, down by two
    assert brightest(angle=math.pi / 2) == (2, 4)  # counterclockwise: from the right to the top
    assert brightest(scale=1.5) == (4, 7)
    torch.testing.assert_close(augment(image, still, augmentation, mean, std), normalize(image, mean, std))


@pytest.mark.parametrize("mode", ["reflect", "zero"])
@pytest.mark.parametrize("flip", [0.0, 0.5])
@pytest.mark.parametrize("padding", [1, 4])
def test_crop_and_flip_agree_with_padding_and_slicing(mode, flip, padding):
    augmentation = Augmentation(flip=flip, crop_padding=padding, crop_mode=mode, crop_probability=0.7)
    images = images_of(num_images=30)
    draws = drawn(augmentation, images)
    _, _, H, W = images.shape

    def reference(pixels, index):
        image = standardized(pixels)
        if draws.crop[index]:
            around = ((0, 0), (padding, padding), (padding, padding))
            padded = np.pad(image, around, mode="reflect" if mode == "reflect" else "constant")
            top, left = draws.crop_offset[index].tolist()
            image = padded[:, top : top + H, left : left + W]
        return image[:, :, ::-1] if draws.flip[index] else image

    assert_each_image(images, draws, augmentation, reference)
    assert draws.crop_offset.min() == 0
    assert draws.crop_offset.max() == 2 * padding
    assert bool(draws.flip.any()) == (flip > 0)


@pytest.mark.parametrize("size", [1, 4, 5, 40])
def test_cutout_fills_one_square_with_the_mean(size):
    augmentation = Augmentation(cutout_size=size, cutout_probability=0.8)
    images = images_of(num_images=30)
    draws = drawn(augmentation, images)

    def reference(pixels, index):
        image = standardized(pixels)
        if draws.cutout[index]:
            row, col = (int(value) - size // 2 for value in draws.cutout_centre[index])
            image[:, max(row, 0) : max(row + size, 0), max(col, 0) : max(col + size, 0)] = 0
        return image

    assert_each_image(images, draws, augmentation, reference)


def test_cutout_is_cut_off_at_the_border():
    image = torch.full((1, 1, 10, 10), 255, dtype=torch.uint8)
    augmentation = Augmentation(cutout_size=4, cutout_probability=1)

    def area(row, col):
        draws = forced(drawn(augmentation, image), cutout_centre=[row, col])
        return int((augment(image, draws, augmentation, (0.0,), (1.0,)) == 0).sum())

    assert area(5, 5) == 16
    assert area(0, 5) == 2 * 4
    assert area(0, 0) == 2 * 2
    assert area(9, 9) == 3 * 3


def test_changes_come_in_the_stated_order():
    """All at once is one change after the other, each on the result of the last."""
    images = images_of()
    draws = drawn(EVERYTHING, images)
    nothing = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
    grey = Augmentation(
        brightness=0.2, contrast=0.3, brightness_contrast_probability=0.5, grey_probability=0.4
    )  # fmt: skip
    x = (augment(images, draws, grey, *nothing) - torch.tensor(MEAN).view(1, 3, 1, 1)) / torch.tensor(STD).view(
        1, 3, 1, 1
    )
    expected = x.clone()
    for index in range(len(images)):
        image = x[index].double().numpy()
        if draws.affine[index]:
            angle, scale = draws.angle[index].item(), draws.scale[index].item()
            turn = scale * np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
            centre = (np.array(image.shape[1:]) - 1) / 2
            right, down = draws.shift[index].tolist()
            back = np.linalg.inv(turn)
            offset = centre - back @ (centre + np.array([down * image.shape[1], right * image.shape[2]]))
            image = np.stack([ndimage.affine_transform(c, back, offset, order=1, mode="grid-constant") for c in image])
        if draws.crop[index]:
            top, left = draws.crop_offset[index].tolist()
            padded = np.pad(image, ((0, 0), (3, 3), (3, 3)), mode="reflect")
            image = padded[:, top : top + images.shape[2], left : left + images.shape[3]]
        if draws.flip[index]:
            image = image[:, :, ::-1].copy()
        if draws.cutout[index]:
            row, col = (int(value) - 2 for value in draws.cutout_centre[index])
            image[:, max(row, 0) : max(row + 5, 0), max(col, 0) : max(col + 5, 0)] = 0
        expected[index] = torch.from_numpy(image.copy())
    torch.testing.assert_close(augment(images, draws, EVERYTHING, MEAN, STD), expected, rtol=1e-4, atol=2e-4)


# The draws


def test_probabilities_are_honoured():
    n = 40_000
    draws = draw(EVERYTHING, n, (3, 32, 32), torch.Generator().manual_seed(1))
    for name, probability in {
        "flip": 0.5, "crop": 0.6, "affine": 0.5, "brightness_contrast": 0.5, "grey": 0.4, "cutout": 0.7,
    }.items():  # fmt: skip
        share = getattr(draws, name).double().mean().item()
        assert abs(share - probability) < 5 * math.sqrt(probability * (1 - probability) / n), name


def test_amounts_are_even_over_their_range():
    n = 40_000
    draws = draw(EVERYTHING, n, (3, 12, 10), torch.Generator().manual_seed(2))
    for values, low, high in (
        (draws.contrast, 0.7, 1.3), (draws.brightness, -0.2, 0.2), (draws.scale, 0.8, 1.2),
        (draws.angle, -math.radians(25), math.radians(25)), (draws.shift[:, 0], -0.15, 0.15),
        (draws.shift[:, 1], -0.15, 0.15),
    ):  # fmt: skip
        assert values.min() >= low - 1e-6
        assert values.max() <= high + 1e-6
        assert abs(values.double().mean() - (low + high) / 2) < 5 * (high - low) / math.sqrt(12 * n)
        assert abs(values.double().std() - (high - low) / math.sqrt(12)) < 0.02 * (high - low)
    pairs = draws.crop_offset[:, 0] * 7 + draws.crop_offset[:, 1]  # 7 x 7 offsets of padding 3
    centres = draws.cutout_centre[:, 0] * 10 + draws.cutout_centre[:, 1]
    for index, count in ((pairs, 49), (centres, 120)):
        found = torch.bincount(index, minlength=count).double()
        assert len(found) == count
        assert (found - n / count).abs().max() < 5 * math.sqrt(n / count)


def test_one_seed_draws_the_same_and_another_does_not():
    images = images_of()
    first, again, other = (drawn(EVERYTHING, images, seed) for seed in (7, 7, 8))
    for field in fields(Draws):
        assert torch.equal(getattr(first, field.name), getattr(again, field.name))
    assert torch.equal(augment(images, first, EVERYTHING, MEAN, STD), augment(images, again, EVERYTHING, MEAN, STD))
    assert not torch.equal(augment(images, first, EVERYTHING, MEAN, STD), augment(images, other, EVERYTHING, MEAN, STD))


@pytest.mark.parametrize(
    ("change", "touched"),
    [
        ({"cutout_size": 0, "cutout_probability": 0.0}, {"cutout"}),
        ({"flip": 0.0}, {"flip"}),
        ({"crop_padding": 0}, {"crop_offset"}),
        ({"crop_probability": 0.0}, {"crop"}),
        ({"affine_probability": 0.0}, {"affine"}),
        ({"grey_probability": 0.0}, {"grey"}),
        ({"rotate_degrees": 0.0}, {"angle"}),
        ({"shift": 0.0}, {"shift"}),
        ({"scale": 0.0}, {"scale"}),
        ({"brightness": 0.0}, {"brightness"}),
        ({"contrast": 0.0}, {"contrast"}),
    ],
)
def test_switching_one_change_off_does_not_alter_the_others(change, touched):
    images = images_of(num_images=40)
    before, after = drawn(EVERYTHING, images), drawn(replace(EVERYTHING, **change), images)
    different = {
        field.name
        for field in fields(Draws)
        if not torch.equal(getattr(before, field.name), getattr(after, field.name))
    }
    assert different == touched


def test_changes_are_drawn_independently():
    draws = draw(EVERYTHING, 40_000, (3, 32, 32), torch.Generator().manual_seed(3))
    columns = [getattr(draws, field.name).double().reshape(40_000, -1).T for field in fields(Draws)]
    correlation = torch.corrcoef(torch.cat(columns))
    correlation.fill_diagonal_(0)
    assert correlation.abs().max() < 5 / math.sqrt(40_000)


def test_drawing_leaves_the_global_generator_alone():
    state = torch.get_rng_state()
    drawn(EVERYTHING, images_of())
    assert torch.equal(state, torch.get_rng_state())


# Batches


def test_everything_off_is_normalize():
    images = images_of()
    assert torch.equal(
        augment(images, drawn(Augmentation(), images), Augmentation(), MEAN, STD), normalize(images, MEAN, STD)
    )


def test_an_unchosen_image_is_normalize():
    images = images_of(num_images=40)
    draws = drawn(EVERYTHING, images)
    chosen = draws.brightness_contrast | draws.grey | draws.affine | draws.crop | draws.flip | draws.cutout
    none = forced(draws, **dict.fromkeys(("brightness_contrast", "grey", "affine", "crop", "flip", "cutout"), False))
    assert chosen.any()
    assert torch.equal(augment(images, none, EVERYTHING, MEAN, STD), normalize(images, MEAN, STD))


@pytest.mark.parametrize("mode", ["reflect", "zero"])
def test_a_slice_of_the_batch_is_changed_as_in_the_whole(mode):
    augmentation = replace(EVERYTHING, crop_mode=mode)
    images = images_of(num_images=20)
    draws = drawn(augmentation, images)
    whole = augment(images, draws, augmentation, MEAN, STD)
    for start, stop in ((0, 20), (3, 4), (5, 17), (17, 40)):
        part = augment(images[start:stop], draws.slice(start, stop), augmentation, MEAN, STD)
        assert torch.equal(part, whole[start:stop])


@pytest.mark.parametrize("channels", [1, 2, 4])
def test_other_numbers_of_channels_work_and_are_not_made_grey(channels):
    images, mean, std = images_of(channels=channels), (0.5,) * channels, (0.2,) * channels
    draws = drawn(EVERYTHING, images)
    found = augment(images, draws, EVERYTHING, mean, std)
    assert found.shape == images.shape
    coloured = augment(images, draws, replace(EVERYTHING, grey_probability=0.0), mean, std)
    assert torch.equal(found, coloured)


def test_images_stay_as_they_were():
    images = images_of()
    copy = images.clone()
    augment(images, drawn(EVERYTHING, images), EVERYTHING, MEAN, STD)
    assert torch.equal(images, copy)


def test_memory_format_of_the_input_does_not_matter():
    images = images_of()
    draws = drawn(EVERYTHING, images)
    last = images.contiguous(memory_format=torch.channels_last)
    assert torch.equal(augment(last, draws, EVERYTHING, MEAN, STD), augment(images, draws, EVERYTHING, MEAN, STD))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_makes_the_same_images():
    images = images_of(num_images=40)
    draws = drawn(EVERYTHING, images)
    expected = augment(images, draws, EVERYTHING, MEAN, STD)
    found = augment(images.cuda(), draws.to("cuda"), EVERYTHING, MEAN, STD)
    assert found.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(found.cpu(), expected, rtol=1e-4, atol=1e-4)


def test_errors_name_the_values():
    images = images_of()
    draws = drawn(Augmentation(), images)
    with pytest.raises(DataError, match="12 images came with the draws of 5"):
        augment(images, draws.slice(0, 5), Augmentation(), MEAN, STD)
    with pytest.raises(DataError, match=r"torch\.float32 of shape"):
        augment(images.float(), draws, Augmentation(), MEAN, STD)
    with pytest.raises(DataError, match="3 channels and came with 1 means"):
        normalize(images, (0.5,), (0.2,))
    with pytest.raises(SpecError, match="crop padding 11 cannot be reflected in images of 14x11: at most 10"):
        drawn(Augmentation(crop_padding=11), images)
    drawn(Augmentation(crop_padding=11, crop_mode="zero"), images)
