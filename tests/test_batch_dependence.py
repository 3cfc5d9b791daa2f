"""Whether predictions depend on the rest of the batch, against cases by hand; and what the section says."""

import networks
import pytest
import torch
from answers import answers_of, dependence_scores, results_of
from synthetic import noise_test
from torch import nn

from whichnorm.analyses.batch_dependence import BatchDependence
from whichnorm.analyses.batch_dependence.measure import batch_dependence
from whichnorm.analyses.network import Subject
from whichnorm.models import build_model
from whichnorm.specs.study import MachineSpec

PER_IMAGE_NORMS = ["ln", "ln-element", "ln-channel", "gn:4", "in", "none"]


def subject_of(network, channels=3):
    return Subject(network.eval(), (0.5,) * channels, (0.25,) * channels, MachineSpec(precision="float32"))


@pytest.mark.parametrize("norm", PER_IMAGE_NORMS)
def test_nothing_changes_if_norms_see_one_image(norm):
    torch.manual_seed(0)
    network = build_model(networks.small, norm, num_classes=4, image_size=12)
    found = batch_dependence(subject_of(network), noise_test(60, 4).images, batch_size=8)
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


def test_the_batch_decides_where_batchnorm_compares_an_image_with_it():
    levels = torch.arange(0, 200, dtype=torch.uint8).view(200, 1, 1, 1).expand(200, 1, 2, 2).contiguous()
    network = Above()
    found = batch_dependence(subject_of(network, channels=1), levels, batch_size=2)
    # The brighter of two is above their mean. An image brighter than a share u of all stays so in 8 draws with u^8, and
    # darker with (1 - u)^8: over all u, 2/9 do not change.
    assert found.changed_in_batch_mode == pytest.approx(7 / 9, abs=0.08)
    assert found.changed_in_evaluation == 0
    assert torch.equal(network.norm.running_mean, torch.zeros(1))
    large = batch_dependence(subject_of(network, channels=1), levels, batch_size=100)
    assert 0 < large.changed_in_batch_mode < found.changed_in_batch_mode


class Leaking(nn.Module):
    def forward(self, x):
        value = x.mean((1, 2, 3))
        return torch.stack([value.mean().expand_as(value), value], dim=1)


def test_a_network_that_leaks_between_images_is_found_in_evaluation_too():
    found = batch_dependence(subject_of(Leaking()), noise_test(100, 2).images, batch_size=4)
    assert found.changed_in_evaluation > 0.3


def test_a_batch_of_one_has_no_rest_in_training_and_is_one_of_two_in_evaluation():
    found = batch_dependence(subject_of(Above(), channels=1), noise_test(30, 2, channels=1).images, batch_size=1)
    assert (found.changed_in_batch_mode, found.changed_in_evaluation, found.batch_size) == (None, 0, 2)


def test_the_rest_varies_also_if_the_training_batch_holds_the_whole_split():
    levels = torch.arange(0, 60, dtype=torch.uint8).view(60, 1, 1, 1).expand(60, 1, 2, 2).contiguous()
    found = batch_dependence(subject_of(Above(), channels=1), levels, batch_size=1000)
    assert found.batch_size == 30
    assert found.changed_in_batch_mode > 0


@pytest.mark.parametrize(("changed", "title"), [
    ({"bn": (0.132, 0.0), "gn:8": (0.0, 0.0)},
     "The rest of the batch changes 13 % of the predictions of BatchNorm in training mode, no other arm's"),
    ({"bn": (0.132, 0.0), "bn+l1:0.001": (0.004, 0.0)},
     "The rest of the batch changes 13 % of the predictions of BatchNorm and 0.4 % of the predictions of "
     "BatchNorm + L1 0.001 in training mode"),
    ({"bn": (0.13, 0.0), "bn:noaffine": (0.2, 0.0), "bn+l1:0.001": (0.1, 0.0), "ln": (0.0, 0.0)},
     "The rest of the batch changes 10 % to 20 % of the predictions of 3 arms in training mode, no other arm's"),
    ({"ln": (0.0, 0.0), "gn:8": (0.0, 0.0)}, "No prediction depends on the rest of the batch"),
    ({"bn": (None, 0.0)}, "In evaluation no prediction depends on the rest of the batch"),
    ({"bn": (0.1, 0.2), "ln": (0.0, 0.0)}, 
     "The rest of the batch changes 20 % of the predictions of BatchNorm even in evaluation"),
])  # fmt: skip
def test_the_title_says_whose_predictions_change(tmp_path, changed, title):
    found = answers_of({arm: [dependence_scores(*modes)] for arm, modes in changed.items()})
    assert BatchDependence().section(found, results_of(tmp_path, arms=list(changed))).title == title


def test_a_leak_is_said_in_a_sentence(tmp_path):
    found = answers_of({"bn": [dependence_scores(0.1, 0.2)], "ln": [dependence_scores(0.0, 0.0)]})
    said = " ".join(BatchDependence().section(found, results_of(tmp_path)).sentences)
    assert "the networks of BatchNorm leak" in said


def test_a_batch_of_one_leaves_a_dash(tmp_path):
    found = answers_of({"bn": [dependence_scores(None, 0.0)]})
    (table,) = BatchDependence().section(found, results_of(tmp_path)).tables
    assert [cell.text for cell in table.rows[0][1:]] == ["–", "0.00 %", "1"]
