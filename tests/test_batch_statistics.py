"""BatchNorm's three kinds of statistics, against torch's own layers and float64 by hand."""

import copy

import networks
import numpy as np
import pytest
import torch
from answers import answers_of, results_of, statistics_scores
from synthetic import noise_test
from torch import nn

from whichnorm.analyses.batch_statistics import BatchStatistics
from whichnorm.analyses.batch_statistics import measure as under_test
from whichnorm.analyses.batch_statistics.measure import (
    Moments,
    batch_statistics,
    pooled,
    precise_statistics,
)
from whichnorm.analyses.network import (
    Subject,
    batch_norm_layers,
    on_batch_statistics,
    wrapped_batches,
)
from whichnorm.data.augment import normalize
from whichnorm.models import build_model
from whichnorm.modes import evaluating
from whichnorm.norms.layers import BatchNorm2d
from whichnorm.specs.study import MachineSpec

MEAN, STD = (0.4, 0.5, 0.6), (0.2, 0.25, 0.3)


def subject_of(network):
    return Subject(network.eval(), MEAN, STD, MachineSpec(precision="float32"))


def one_layer(kind=BatchNorm2d, dropout=0.0):
    """A BatchNorm on the pixels themselves, whose running statistics are not those of the images."""
    torch.manual_seed(0)
    norm = kind(3)
    norm.running_mean.copy_(torch.tensor([0.3, -0.2, 0.1]))
    norm.running_var.copy_(torch.tensor([0.5, 2.0, 1.5]))
    return nn.Sequential(norm, nn.Dropout(dropout), nn.Flatten(), nn.Linear(3 * 12 * 12, 4))


def state(network):
    return {name: value.clone() for name, value in network.state_dict().items()}


def modes(network):
    return [module.training for module in network.modules()]


def moments_by_hand(images):
    """Mean and unbiased variance of every channel in float64, by numpy."""
    x = normalize(images, MEAN, STD).double().numpy()
    return x.mean((0, 2, 3)), x.var((0, 2, 3), ddof=1)


@pytest.mark.parametrize("kind", [BatchNorm2d, nn.BatchNorm2d])
def test_precise_statistics_are_those_of_all_images_in_float64(monkeypatch, kind):
    images = noise_test(70, 4).images
    images[:20] //= 3  # batches differ
    monkeypatch.setattr(under_test, "LARGE_BATCH", 16)
    found = precise_statistics(subject_of(one_layer(kind)), images)["0"]
    mean, var = moments_by_hand(images)
    np.testing.assert_allclose(found.mean, mean, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found.var, var, rtol=1e-5)
    assert found.count == 70 * 12 * 12


def test_precise_statistics_of_a_deep_network_in_one_batch_are_those_of_training_on_it():
    torch.manual_seed(0)
    network, images = build_model(networks.small, "bn", num_classes=4, image_size=12), noise_test(50, 4).images
    found = precise_statistics(subject_of(network), images)
    trained = copy.deepcopy(network).train()
    for layer in batch_norm_layers(trained).values():
        layer.momentum = 1.0
    with torch.no_grad():
        trained(normalize(images, MEAN, STD))
    assert list(found) == list(batch_norm_layers(trained))
    for path, layer in batch_norm_layers(trained).items():
        torch.testing.assert_close(found[path].mean.float(), layer.running_mean, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(found[path].var.float(), layer.running_var, rtol=1e-4, atol=1e-5)


def test_moments_of_uneven_parts_pool_to_those_of_the_whole():
    x = torch.randn(3, 100, dtype=torch.float64) * torch.tensor([[1.0], [10.0], [0.1]]) + 1000
    parts = [Moments(p.mean(1), p.var(1), p.shape[1]) for p in x.split([1 + 1, 40, 58], dim=1)]
    whole = pooled(parts)
    torch.testing.assert_close(whole.mean, x.mean(1))
    torch.testing.assert_close(whole.var, x.var(1))
    assert whole.count == 100


@pytest.mark.parametrize("kind", [BatchNorm2d, nn.BatchNorm2d])
def test_batch_accuracy_is_that_of_torchs_own_layer_in_training_mode_without_dropout(kind):
    network, test = one_layer(kind, dropout=0.9), noise_test(48, 4)
    found = batch_statistics(subject_of(network), test.images, test, batch_size=16)
    reference = one_layer(nn.BatchNorm2d)
    reference.load_state_dict(network.state_dict())
    reference[0].train()
    order = under_test._fixed_order(48)
    right, gaps, log_vars = 0, [], []
    for places in order.split(16):
        with torch.no_grad():
            right += int((reference(normalize(test.images[places], MEAN, STD)).argmax(1) == test.labels[places]).sum())
        mean, var = moments_by_hand(test.images[places])
        eps, running_mean, running_var = 1e-5, network[0].running_mean.numpy(), network[0].running_var.numpy()
        gaps.append((mean - running_mean) / np.sqrt(running_var + eps))
        log_vars.append(np.log((var + eps) / (running_var + eps)))
    assert found.batch_accuracy == right / 48
    (layer,) = found.layers
    assert layer.batch_mean == pytest.approx(np.sqrt(np.square(gaps).mean()), rel=1e-4)
    assert layer.batch_log_var == pytest.approx(np.sqrt(np.square(log_vars).mean()), rel=1e-4)
    mean, var = moments_by_hand(test.images)
    assert layer.precise_mean == pytest.approx(
        np.sqrt(np.square((mean - running_mean) / np.sqrt(running_var + eps)).mean()), rel=1e-4
    )
    assert layer.precise_log_var == pytest.approx(
        np.sqrt(np.square(np.log((var + eps) / (running_var + eps))).mean()), rel=1e-4
    )


def test_running_and_precise_accuracy_are_those_with_the_one_and_the_other_in_the_buffers():
    network, test = one_layer(), noise_test(60, 4)
    train = noise_test(90, 4).images // 2
    found = batch_statistics(subject_of(network), train, test, batch_size=10)
    pixels = normalize(test.images, MEAN, STD)
    with torch.no_grad():
        running = (network(pixels).argmax(1) == test.labels).double().mean()
        mean, var = moments_by_hand(train)
        network[0].running_mean.copy_(torch.from_numpy(mean))
        network[0].running_var.copy_(torch.from_numpy(var))
        precise = (network(pixels).argmax(1) == test.labels).double().mean()
    assert (found.running_accuracy, found.precise_accuracy) == (float(running), float(precise))
    assert (found.num_train_images, found.num_test_images) == (90, 60)


def test_spoiled_running_statistics_cost_what_precise_ones_give_back():
    """Labels are what the network says with the right statistics, so these score 1 and spoiled ones do not."""
    network, images = one_layer(), noise_test(80, 4).images
    mean, var = moments_by_hand(images)
    network[0].running_mean.copy_(torch.from_numpy(mean))
    network[0].running_var.copy_(torch.from_numpy(var))
    test = noise_test(80, 4)
    test.labels.copy_(subject_of(network).logits_in_parts(images).argmax(1))
    network[0].running_mean.add_(2.0)
    found = batch_statistics(subject_of(network), images, test, batch_size=8)
    assert found.precise_accuracy > 0.98
    assert found.running_accuracy < 0.8


@pytest.mark.parametrize("momentum", [0.1, None])
def test_nothing_of_the_network_and_of_the_callers_random_state_changes(momentum):
    network, test = one_layer(nn.BatchNorm2d, dropout=0.5), noise_test(20, 4)
    network.train()
    network[2].eval()  # modes that are not all alike
    network[0].momentum = momentum
    subject = Subject(network, MEAN, STD, MachineSpec())
    before, were, random = state(network), modes(network), torch.get_rng_state()
    batch_statistics(subject, test.images, test, batch_size=4)
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name]), name
    assert modes(network) == were
    assert network[0].momentum == momentum
    assert torch.equal(torch.get_rng_state(), random)
    assert not any(module._forward_hooks for module in network.modules())


def test_a_network_that_fails_is_given_back_as_it_was_too():
    network, test = one_layer(nn.BatchNorm2d), noise_test(8, 4, side=10)  # the linear layer needs sides of 12
    before = state(network)
    with pytest.raises(RuntimeError):
        batch_statistics(subject_of(network), test.images, test, batch_size=4)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert network[0].momentum == 0.1
    assert not network[0].training


def test_without_batchnorm_there_is_nothing_to_ask():
    network = build_model(networks.small, "gn:4", num_classes=4, image_size=12)
    test = noise_test(8, 4)
    assert batch_statistics(subject_of(network), test.images, test, batch_size=4) is None


def test_a_layer_without_running_statistics_is_not_one_of_them():
    network = nn.Sequential(nn.BatchNorm2d(3, track_running_stats=False), nn.Flatten(), nn.Linear(432, 4))
    assert batch_norm_layers(network) == {}
    test = noise_test(8, 4)
    assert batch_statistics(subject_of(network), test.images, test, batch_size=4) is None


def test_a_batch_of_one_has_no_batch_statistics_but_precise_ones():
    test = noise_test(8, 4)
    found = batch_statistics(subject_of(one_layer()), test.images, test, batch_size=1)
    assert (found.batch_size, found.batch_accuracy) == (None, None)
    assert (found.layers[0].batch_mean, found.layers[0].batch_log_var) == (None, None)
    assert found.layers[0].precise_mean > 0


def test_a_batch_larger_than_the_test_split_is_the_split():
    test = noise_test(8, 4)
    assert batch_statistics(subject_of(one_layer()), test.images, test, batch_size=100).batch_size == 8


def test_every_image_is_new_once_and_every_batch_is_full():
    order = torch.randperm(10)
    batches = list(wrapped_batches(order, 4))
    assert [len(places) for places, _ in batches] == [4, 4, 4]
    assert sorted(torch.cat([places[:new] for places, new in batches]).tolist()) == list(range(10))
    assert len(set(batches[2][0].tolist())) == 4  # nothing beside itself


def test_only_norm_layers_train_in_batch_mode():
    network = build_model(networks.small, "bn", num_classes=4, image_size=12).train()
    with on_batch_statistics(network):
        training = {type(module) for module in network.modules() if module.training}
        assert training == {BatchNorm2d}
    assert network.training
    with evaluating(network):
        assert not any(modes(network))
    assert all(modes(network))


def section_of(folder, arms):
    return BatchStatistics().section(answers_of(arms), results_of(folder, arms=list(arms)))


@pytest.mark.parametrize(("precise", "title"), [
    (0.932, "Poor running statistics cost BatchNorm 3.20 points"),
    (0.9007, "Running statistics cost BatchNorm next to nothing: precise ones change its accuracy by 0.07 points"),
    (0.88, "BatchNorm is 2.00 points more accurate with its running statistics than with precise ones"),
])  # fmt: skip
def test_the_title_says_what_running_statistics_cost(tmp_path, precise, title):
    assert section_of(tmp_path, {"bn": [statistics_scores(running=0.9, precise=precise)]}).title == title


def test_of_several_arms_the_title_names_the_one_that_loses_most(tmp_path):
    arms = {"bn": [statistics_scores(0.9, 0.91)], "bn+l1:0.001": [statistics_scores(0.8, 0.85)]}
    assert section_of(tmp_path, arms).title == "Poor running statistics cost BatchNorm + L1 0.001 5.00 points"


def test_arms_without_batchnorm_have_no_row_and_alone_no_section(tmp_path):
    (table,) = section_of(tmp_path, {"bn": [statistics_scores()], "ln": [None]}).tables
    assert len(table.rows) == 1
    assert section_of(tmp_path, {"ln": [None], "gn:8": [None]}) is None


def test_layers_are_matched_by_path_also_where_seeds_have_different_ones(tmp_path):
    arms = {"bn": [statistics_scores(num_layers=2), statistics_scores(num_layers=3)]}
    section = section_of(tmp_path, arms)
    (table,) = section.folded[0].tables
    assert [(row[0].text, row[-1].text) for row in table.rows] == [
        ("block0.norm", "2"), ("block1.norm", "2"), ("block2.norm", "1"),
    ]  # fmt: skip
    assert "layer_gaps" in {picture.name for picture in section.pictures}


def test_without_batch_statistics_their_cells_are_dashes_and_no_marker_is_drawn(tmp_path):
    section = section_of(tmp_path, {"bn": [statistics_scores(batch=None)]})
    assert section.tables[0].rows[0][3].text == "–"
    assert [cell.text for cell in section.folded[0].tables[0].rows[0][2:]] == ["–", "0.000", "–", "0.050", "1"]
    assert "undefined at a batch of one" in section.pictures[0].method


def test_the_alternative_text_of_many_layers_says_that_it_is_cut(tmp_path):
    section = section_of(tmp_path, {"bn": [statistics_scores(num_layers=40)]})
    assert "The first 12 of 40 rows" in section.pictures[1].alt
    assert section.pictures[1].alt.count("block") == 12
