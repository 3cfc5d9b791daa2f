"""Calibration, corruptions and companions, against loops and cases by hand."""

import io

import networks
import numpy as np
import pytest
import torch
from PIL import Image
from synthetic import digits_test, noise_test
from torch import nn

from whichnorm.analyses.batch_dependence.measure import companions
from whichnorm.analyses.calibration.measure import calibration
from whichnorm.analyses.corruptions.measure import STRENGTHS, corrupt, corruption_scores
from whichnorm.analyses.network import Subject
from whichnorm.data.dataset import ImageSet
from whichnorm.errors import DataError
from whichnorm.models import build_model
from whichnorm.specs.study import MachineSpec

PER_IMAGE_NORMS = ["ln", "ln-element", "ln-channel", "gn:4", "in", "none"]
ALL = [(kind, strength) for kind, strengths in STRENGTHS.items() for strength in strengths]


def subject_of(network, channels=3):
    return Subject(network.eval(), (0.5,) * channels, (0.25,) * channels, MachineSpec(precision="float32"))


def naive_error(confidences, right, num_bins=15):
    """Guo et al., equation 3, bin by bin."""
    total = 0.0
    for k in range(num_bins):
        inside = [i for i, c in enumerate(confidences) if k / num_bins < c <= (k + 1) / num_bins]
        if inside:
            accuracy = sum(right[i] for i in inside) / len(inside)
            confidence = sum(confidences[i] for i in inside) / len(inside)
            total += len(inside) / len(confidences) * abs(accuracy - confidence)
    return total


def logits_of(confidences, num_classes=2):
    """Logits whose softmax has these confidences for class 0."""
    p = torch.tensor(confidences, dtype=torch.float64)
    rest = ((1 - p) / (num_classes - 1)).log()
    return torch.stack([p.log(), *[rest] * (num_classes - 1)], dim=1)


def test_the_calibration_error_is_that_of_a_naive_loop():
    generator = torch.Generator().manual_seed(0)
    logits = 3 * torch.randn(500, 6, generator=generator)
    labels = torch.randint(0, 6, (500,), generator=generator)
    probabilities = logits.double().softmax(1).numpy()
    confidences, right = probabilities.max(1), probabilities.argmax(1) == labels.numpy()
    found = calibration(logits, labels)
    assert found.expected_error == pytest.approx(naive_error(confidences.tolist(), right.tolist()), abs=1e-12)
    assert found.overconfidence == pytest.approx(confidences.mean() - right.mean(), abs=1e-12)
    assert (found.num_images, found.num_bins) == (500, 15)


def test_a_network_that_promises_what_it_keeps_has_no_error():
    found = calibration(logits_of([0.75] * 4), torch.tensor([0, 0, 0, 1]))
    assert found.expected_error == pytest.approx(0)
    assert found.overconfidence == pytest.approx(0)


def test_overconfidence_is_positive_and_underconfidence_negative():
    over = calibration(logits_of([0.9, 0.9]), torch.tensor([0, 1]))
    assert (over.expected_error, over.overconfidence) == (pytest.approx(0.4), pytest.approx(0.4))
    under = calibration(logits_of([0.6, 0.6]), torch.tensor([0, 0]))
    assert (under.expected_error, under.overconfidence) == (pytest.approx(0.4), pytest.approx(-0.4))


def test_errors_of_two_bins_do_not_cancel_while_their_signed_mean_does():
    found = calibration(logits_of([0.9, 0.9, 0.6, 0.6]), torch.tensor([0, 1, 0, 0]))
    assert found.expected_error == pytest.approx(0.4)
    assert found.overconfidence == pytest.approx(0)


def test_certainty_falls_into_the_last_bin_and_infinite_logits_into_the_first():
    found = calibration(torch.tensor([[1000.0, 0.0], [float("inf"), 0.0]]), torch.tensor([0, 1]))
    assert found.expected_error == pytest.approx(0)


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


@pytest.mark.parametrize("norm", PER_IMAGE_NORMS)
def test_company_changes_nothing_where_norms_see_one_image(norm):
    torch.manual_seed(0)
    network = build_model(networks.small, norm, num_classes=4, image_size=12)
    found = companions(subject_of(network), noise_test(60, 4).images, batch_size=8)
    assert (found.changed_in_batch_mode, found.changed_in_evaluation) == (0, 0)
    assert (found.batch_size, found.num_images, found.num_draws) == (8, 60, 8)


class Above(nn.Module):
    """Says class 1 where the normalized pixel is above 0: for BatchNorm, above the batch's mean."""

    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm2d(1)

    def forward(self, x):
        value = self.norm(x).mean((1, 2, 3))
        return torch.stack([-value, value], dim=1)


def test_company_decides_where_batchnorm_compares_an_image_with_its_batch():
    levels = torch.arange(0, 200, dtype=torch.uint8).view(200, 1, 1, 1).expand(200, 1, 2, 2).contiguous()
    network = Above()
    found = companions(subject_of(network, channels=1), levels, batch_size=2)
    # The brighter of two is above their mean. An image brighter than a share u of all stays so in 8 draws with u^8, and
    # darker with (1 - u)^8: over all u, 2/9 do not change.
    assert found.changed_in_batch_mode == pytest.approx(7 / 9, abs=0.08)
    assert found.changed_in_evaluation == 0
    assert torch.equal(network.norm.running_mean, torch.zeros(1))
    large = companions(subject_of(network, channels=1), levels, batch_size=100)
    assert 0 < large.changed_in_batch_mode < found.changed_in_batch_mode


class Leaking(nn.Module):
    def forward(self, x):
        value = x.mean((1, 2, 3))
        return torch.stack([value.mean().expand_as(value), value], dim=1)


def test_a_network_that_leaks_between_images_is_found_in_evaluation_too():
    found = companions(subject_of(Leaking()), noise_test(100, 2).images, batch_size=4)
    assert found.changed_in_evaluation > 0.3


def test_a_batch_of_one_has_no_company_in_training_and_two_in_evaluation():
    found = companions(subject_of(Above(), channels=1), noise_test(30, 2, channels=1).images, batch_size=1)
    assert (found.changed_in_batch_mode, found.changed_in_evaluation, found.batch_size) == (None, 0, 2)


def test_company_varies_also_where_the_training_batch_holds_the_whole_split():
    levels = torch.arange(0, 60, dtype=torch.uint8).view(60, 1, 1, 1).expand(60, 1, 2, 2).contiguous()
    found = companions(subject_of(Above(), channels=1), levels, batch_size=1000)
    assert found.batch_size == 30
    assert found.changed_in_batch_mode > 0
