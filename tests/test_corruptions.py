"""Corruptions, against libraries and cases by hand; and what their section says."""

import io

import numpy as np
import pytest
import torch
from answers import answers_of, corruption_scores_at, results_of
from PIL import Image
from synthetic import digits_test, noise_test
from torch import nn

from whichnorm.analyses.corruptions import Corruptions
from whichnorm.analyses.corruptions.measure import STRENGTHS, CorruptionScores, corrupt, corruption_scores
from whichnorm.analyses.network import Subject
from whichnorm.data.dataset import ImageSet
from whichnorm.errors import DataError, SpecError
from whichnorm.specs.study import MachineSpec

ALL = [(kind, strength) for kind, strengths in STRENGTHS.items() for strength in strengths]


def subject_of(network, channels=3):
    return Subject(network.eval(), (0.5,) * channels, (0.25,) * channels, MachineSpec(precision="float32"))


@pytest.mark.parametrize(("kind", "strength"), ALL)
@pytest.mark.parametrize("shape", [(5, 1, 8, 8), (3, 3, 32, 20), (1, 3, 1, 1), (2, 1, 28, 28)])
def test_a_corruption_gives_images_of_the_same_kind_the_same_every_time(kind, strength, shape):
    images = torch.randint(0, 256, shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    given, random = images.clone(), torch.get_rng_state()
    found = corrupt(images, kind, strength, seed=3)
    assert (found.dtype, found.shape) == (torch.uint8, images.shape)
    assert torch.equal(found, corrupt(images, kind, strength, seed=3))
    assert torch.equal(images, given)
    assert torch.equal(torch.get_rng_state(), random)
    assert len(corrupt(images[:0], kind, strength)) == 0


@pytest.mark.parametrize("kind", STRENGTHS)
@pytest.mark.parametrize("images", [digits_test(60).images, noise_test(30, 4, side=32).images // 2 + 40])
def test_a_greater_strength_changes_more(kind, images):
    changes = [float((corrupt(images, kind, s).float() - images.float()).abs().mean()) for s in STRENGTHS[kind]]
    assert 0 < changes[0] < changes[1] < changes[2]


def test_noise_differs_between_seeds_and_has_the_deviation_it_says():
    grey = torch.full((20, 3, 32, 32), 128, dtype=torch.uint8)
    found = corrupt(grey, "noise", 0.08, seed=0)
    assert found.double().std() == pytest.approx(0.08 * 255, rel=0.02)
    assert found.double().mean() == pytest.approx(128, abs=0.5)
    assert not torch.equal(found, corrupt(grey, "noise", 0.08, seed=1))


def test_contrast_and_brightness_are_those_by_hand():
    image = torch.tensor([0, 100, 200, 100], dtype=torch.uint8).view(1, 1, 2, 2)
    assert corrupt(image, "contrast", 0.4).flatten().tolist() == [60, 100, 140, 100]
    assert corrupt(image, "brightness", 0.2).flatten().tolist() == [51, 151, 251, 151]
    assert corrupt(image, "brightness", 0.4).max() == 255


def test_blur_is_scipys_with_repeated_edges():
    from scipy.ndimage import gaussian_filter

    images = noise_test(2, 2, side=16).images
    sigma = 0.2 * 4
    for image, found in zip(images, corrupt(images, "blur", 0.2), strict=True):
        expected = gaussian_filter(image.double().numpy(), (0, sigma, sigma), mode="nearest", radius=(0, 3, 3))
        np.testing.assert_allclose(found, expected, atol=0.51)


def test_a_constant_image_stays_under_blur_contrast_and_jpeg():
    image = torch.full((1, 3, 9, 9), 77, dtype=torch.uint8)
    for kind in ("blur", "contrast", "JPEG"):
        assert (corrupt(image, kind, STRENGTHS[kind][1]).int() - 77).abs().max() <= 1, kind


def test_jpeg_is_pillows():
    image = noise_test(1, 1, side=24).images
    file = io.BytesIO()
    Image.fromarray(image[0].permute(1, 2, 0).numpy()).save(file, "JPEG", quality=20)
    expected = np.asarray(Image.open(file)).transpose(2, 0, 1)
    np.testing.assert_array_equal(corrupt(image, "JPEG", 20)[0], expected)


@pytest.mark.parametrize("images", [torch.zeros(2, 4, 8, 8, dtype=torch.uint8), torch.zeros(2, 3, 8, 8),
                                    torch.zeros(3, 8, 8, dtype=torch.uint8)])  # fmt: skip
def test_other_images_are_refused_in_one_line(images):
    with pytest.raises(DataError, match="expected uint8 images") as error:
        corrupt(images, "noise", 0.1)
    assert "\n" not in str(error.value)


class Threshold(nn.Module):
    """Says class 1 for images whose mean is above the data set's."""

    def forward(self, x):
        mean = x.mean((1, 2, 3))
        return torch.stack([-mean, mean], dim=1)


def test_accuracy_under_brightness_is_that_by_hand():
    pixels = torch.tensor([20, 90, 110, 240], dtype=torch.uint8).view(4, 1, 1, 1).expand(4, 1, 8, 8)
    test = ImageSet(pixels.contiguous(), torch.tensor([0, 0, 0, 1]))
    found = corruption_scores(subject_of(Threshold(), channels=1), test)
    assert found.clean_accuracy == 1
    assert found.accuracies["brightness"] == (0.75, 0.5, 0.5)  # 26, 51 and 77 brighter; the middle is 127.5
    assert found.accuracies["contrast"] == (1, 1, 1)
    assert list(found.accuracies) == list(STRENGTHS)


def test_at_most_so_many_images_spread_over_a_sorted_split_are_scored():
    test = noise_test(100, 1, side=8)
    labels = torch.arange(100) // 50
    found = corruption_scores(subject_of(Threshold()), ImageSet(test.images, labels), limit=10)
    assert found.num_images == 10
    places = torch.arange(0, 100, 10)
    above = test.images[places].double().mean((1, 2, 3)) > 127.5
    assert found.clean_accuracy == pytest.approx(float((above == (places >= 50)).double().mean()))


def section_of(folder, arms):
    return Corruptions().section(answers_of(arms), results_of(folder, arms=list(arms)))


def test_the_title_names_the_two_arms_furthest_apart_and_where(tmp_path):
    arms = {
        "bn": [corruption_scores_at(contrast=0.265), corruption_scores_at(contrast=0.255)],
        "ln": [corruption_scores_at(contrast=0.709)] * 2,
        "gn:8": [corruption_scores_at(contrast=0.751)] * 2,
    }
    assert (
        section_of(tmp_path, arms).title == "At contrast 0.2 BatchNorm falls to 26 %, GroupNorm, 8 groups, keeps 75 %"
    )


def test_arms_whose_seeds_overlap_or_differ_by_a_few_images_are_not_set_against_each_other(tmp_path):
    overlapping = {
        "bn": [corruption_scores_at(noise=0.2), corruption_scores_at(noise=0.6)],
        "ln": [corruption_scores_at(noise=0.5), corruption_scores_at(noise=0.7)],
    }
    close = {"bn": [corruption_scores_at(noise=0.200)], "ln": [corruption_scores_at(noise=0.215)]}
    assert section_of(tmp_path, overlapping).title == (
        "No clear difference between the arms: at noise 0.08 they fall to between 40 % and 60 %"
    )
    assert section_of(tmp_path, close).title.startswith("No clear difference between the arms: at noise 0.08")


def test_one_arm_is_set_against_itself(tmp_path):
    assert (
        section_of(tmp_path, {"bn": [corruption_scores_at(blur=0.3)]}).title
        == "At blur 0.2 BatchNorm falls from 90 % to 30 %"
    )


def test_the_tables_have_the_mean_over_seeds_at_every_strength(tmp_path):
    arms = {"bn": [corruption_scores_at(noise=0.2), corruption_scores_at(noise=0.4)], "ln": [corruption_scores_at()]}
    section = section_of(tmp_path, arms)
    (strongest,), (every,) = section.tables, section.folded[0].tables
    assert strongest.headings[:3] == ("Arm", "Clean", "Noise 0.08")
    assert (strongest.rows[0][2].text, strongest.rows[0][2].note) == ("30.00 %", "SD 14.14")
    assert len(every.rows) == 2 * len(STRENGTHS)
    assert [cell.text for cell in every.rows[0][1:]] == ["noise", "90.00 %", "80.00 %", "70.00 %", "30.00 %", "2"]


@pytest.mark.parametrize("accuracies", [
    {}, dict.fromkeys(("noise", "fog"), (0.5, 0.5, 0.5)), dict.fromkeys(STRENGTHS, (0.5, 0.5)),
    dict.fromkeys(STRENGTHS, (0.5, 0.5, 1.5)),
])  # fmt: skip
def test_scores_of_other_corruptions_or_out_of_range_are_refused(accuracies):
    with pytest.raises(SpecError, match="expected"):
        CorruptionScores(num_images=10, clean_accuracy=0.5, accuracies=accuracies)
