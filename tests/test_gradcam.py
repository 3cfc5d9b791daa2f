"""Grad-CAM: maps against gradients written out by hand and against captum, the default layer, how much maps agree."""

import networks
import numpy as np
import pytest
import torch
from PIL import Image
from scipy import stats as scipy_stats
from torch import nn
from torch.nn import functional as F

from whichnorm.analyses.gradcam.choice import checked_images, choose_images
from whichnorm.analyses.gradcam.layers import check_layer, default_layer
from whichnorm.analyses.gradcam.maps import grad_cam, is_empty, upsample
from whichnorm.data.splits import evenly_spaced
from whichnorm.errors import ModelError, SpecError
from whichnorm.models import NETWORKS, build_model, default_input_shape
from whichnorm.stats import rank_agreement

NORMS = ("bn", "ln", "ln-element", "ln-channel", "gn:2", "in", "none", "bn:noaffine")
C, H, W, NUM_CLASSES = 4, 5, 6, 3
CLASSES = torch.tensor([0, 2, 1])


def head_of_means():
    return [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(C, NUM_CLASSES)]


def head_of_positions():
    return [nn.Flatten(), nn.Linear(C * H * W, NUM_CLASSES)]


def tiny(norm, head=head_of_means, inplace=False):
    """Return conv, norm, ReLU and a head in float64, with statistics and weights that are not at their start."""

    def factory(norm, num_classes, in_channels):
        return nn.Sequential(nn.Conv2d(in_channels, C, 3, padding=1), norm(C), nn.ReLU(inplace=inplace), *head())

    network = build_model(factory, norm, NUM_CLASSES, 2, image_size=(H, W)).double()
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for tensor in network.state_dict().values():
            if tensor.dtype.is_floating_point:
                tensor.copy_(torch.rand(tensor.shape, generator=generator, dtype=torch.float64) - 0.5)
        for name, buffer in network.named_buffers():
            if name.endswith("running_var"):
                buffer.add_(1)
        network[-1].weight[:, ::2].neg_()  # channels speak for and against every class
    return network.eval()


def images(num_images=3, channels=2, size=(H, W)):
    generator = torch.Generator().manual_seed(2)
    return torch.randn(num_images, channels, *size, generator=generator, dtype=torch.float64)


def activations(network, norm, x):
    """Return what the ReLU gives, in NumPy: a convolution by loops, and the norm by its formula."""
    conv, layer = network[0], network[1]
    weight, padded = conv.weight.detach().numpy(), np.pad(x.numpy(), ((0, 0), (0, 0), (1, 1), (1, 1)))
    y = np.zeros((len(x), C, H, W)) + conv.bias.detach().numpy()[:, None, None]
    for i in range(3):
        for j in range(3):
            y += np.einsum("kc,nchw->nkhw", weight[:, :, i, j], padded[:, :, i : i + H, j : j + W])
    if norm == "none":
        return np.maximum(y, 0)
    if norm.startswith("bn"):
        mean, var = (b.numpy()[:, None, None] for b in (layer.running_mean, layer.running_var))
    else:
        grouped = {"ln": (1, 2, 3), "ln-element": (1, 2, 3), "ln-channel": (1,), "in": (2, 3)}
        parts = y.reshape(len(x), 2, C // 2, H, W) if norm == "gn:2" else y
        axes = (2, 3, 4) if norm == "gn:2" else grouped[norm]
        mean, var = parts.mean(axes, keepdims=True), parts.var(axes, keepdims=True)
        y = parts
    y = ((y - mean) / np.sqrt(var + 1e-5)).reshape(len(x), C, H, W)
    if layer.weight is not None:
        shape = (C, H, W) if norm == "ln-element" else (C, 1, 1)
        y = y * layer.weight.detach().numpy().reshape(shape) + layer.bias.detach().numpy().reshape(shape)
    return np.maximum(y, 0)


@pytest.mark.parametrize("inplace", [False, True])
@pytest.mark.parametrize("norm", NORMS)
def test_a_map_under_a_pooled_head_is_the_closed_form(norm, inplace):
    """The logit is sum_k w_k mean(A_k), so the gradient is w_k / (h w) everywhere."""
    network, x = tiny(norm, inplace=inplace), images()
    weight = network[-1].weight.detach().numpy()[CLASSES]
    expected = np.maximum(np.einsum("nk,nkhw->nhw", weight / (H * W), activations(network, norm, x)), 0)
    assert (expected > 0).any()
    assert (expected == 0).any()
    np.testing.assert_allclose(grad_cam(network, "2", x, CLASSES), expected, rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("norm", NORMS)
def test_a_map_under_a_head_with_a_weight_per_position_is_the_closed_form(norm):
    """The gradient is the weight of each position, so a channel counts with its mean weight."""
    network, x = tiny(norm, head_of_positions), images()
    weight = network[-1].weight.detach().numpy().reshape(NUM_CLASSES, C, H, W).mean((2, 3))[CLASSES]
    expected = np.maximum(np.einsum("nk,nkhw->nhw", weight, activations(network, norm, x)), 0)
    np.testing.assert_allclose(grad_cam(network, "2", x, CLASSES), expected, rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("inplace", [False, True])
@pytest.mark.parametrize("norm", NORMS)
def test_the_gradient_through_a_norm_agrees_with_finite_differences(norm, inplace):
    network, x = tiny(norm, inplace=inplace), images(1)
    with torch.no_grad():
        feature, step = network[0](x), 1e-6
        basis = step * torch.eye(C * H * W, dtype=torch.float64).view(-1, C, H, W)
        logits = [torch.cat([network[1:](feature + s * one[None])[:, 2] for one in basis]) for s in (1, -1)]
    gradient = ((logits[0] - logits[1]) / (2 * step)).view(C, H, W).numpy()
    expected = np.maximum(np.einsum("k,khw->hw", gradient.mean((1, 2)), feature[0].numpy()), 0)
    found = grad_cam(network, "0", x, torch.tensor([2]))[0]
    np.testing.assert_allclose(found, expected, atol=1e-7 * max(1, np.abs(feature.numpy()).max()))


def test_the_layer_before_an_inplace_relu_keeps_its_own_values():
    x = images()
    separate, inplace = tiny("gn:2"), tiny("gn:2", inplace=True)
    for layer in ("0", "1", "2"):
        np.testing.assert_array_equal(grad_cam(separate, layer, x, CLASSES), grad_cam(inplace, layer, x, CLASSES))


def test_a_map_against_which_everything_speaks_is_empty_and_only_that():
    network, x = tiny("ln"), images()
    with torch.no_grad():
        network[-1].weight[0] = -1
        network[-1].weight[1] = 1
    maps = grad_cam(network, "2", x, torch.tensor([0, 1, 0]))
    assert is_empty(maps).tolist() == [True, False, True]
    assert not maps[0].any()


def test_many_images_give_the_maps_that_each_gives_alone():
    network, x = tiny("bn"), images(101)
    classes = torch.arange(101) % NUM_CLASSES
    alone = [grad_cam(network, "2", x[k : k + 1], classes[k : k + 1])[0] for k in (0, 50, 51, 100)]
    np.testing.assert_allclose(grad_cam(network, "2", x, classes)[[0, 50, 51, 100]], alone, rtol=1e-12)


def test_upsampling_is_bilinear_as_pillow_has_it():
    maps = np.random.default_rng(0).random((2, 4, 3))
    for size in ((32, 32), (7, 11), (4, 3)):
        expected = [Image.fromarray(m.astype(np.float32)).resize(size[::-1], Image.Resampling.BILINEAR) for m in maps]
        np.testing.assert_allclose(upsample(maps, size), np.stack(expected), atol=1e-6)


def test_the_network_is_left_as_it_was():
    network = build_model("session08", "bn").train()
    network.block1.eval()
    network.head[1].weight.grad = torch.ones_like(network.head[1].weight)
    network.block2[0].conv.weight.requires_grad_(False)
    state = {key: value.clone() for key, value in network.state_dict().items()}
    modes = [module.training for module in network.modules()]
    x, random_state = torch.randn(2, 3, 32, 32), torch.get_rng_state()
    grad_cam(network, default_layer(network, x), x, torch.tensor([1, 2]))
    assert torch.equal(torch.get_rng_state(), random_state)
    assert [module.training for module in network.modules()] == modes
    assert [name for name, p in network.named_parameters() if p.grad is not None] == ["head.1.weight"]
    assert torch.equal(network.head[1].weight.grad, torch.ones_like(network.head[1].weight))
    assert [name for name, p in network.named_parameters() if not p.requires_grad] == ["block2.0.conv.weight"]
    assert all(torch.equal(value, state[key]) for key, value in network.state_dict().items())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in network.modules())
    assert not x.requires_grad


def test_the_callers_autocast_and_no_grad_do_not_reach_the_maps():
    network, x = build_model("digits_net", "gn:8", in_channels=1), torch.randn(4, 1, 8, 8)
    classes = torch.arange(4)
    expected = grad_cam(network, "block4", x, classes)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        np.testing.assert_array_equal(grad_cam(network, "block4", x, classes), expected)


LAST_BLOCKS = {
    "digits_net": ("block4", (4, 4)),
    "mnist_s6": ("30", (5, 5)),
    "session08": ("block3", (8, 8)),
    "wynet": ("block3", (8, 8)),
    "residual8": ("block3", (8, 8)),
    "grouped_cifar": ("block7", (6, 6)),
    "lcifar": ("block7", (6, 6)),
}


@pytest.mark.parametrize("norm", ["bn", "ln", "none"])
@pytest.mark.parametrize("name", NETWORKS)
def test_the_default_layer_is_the_end_of_the_last_block(name, norm):
    channels, *size = default_input_shape(name)
    network, x = build_model(name, norm, in_channels=channels), torch.randn(2, channels, *size)
    layer, shape = LAST_BLOCKS[name]
    assert default_layer(network, x) == layer
    assert grad_cam(network, layer, x, torch.tensor([0, 1])).shape[1:] == shape


def sequential(*layers):
    return nn.Sequential(nn.Conv2d(2, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), *layers)


class Shared(nn.Module):
    """One ReLU serves the convolution and the head."""

    def __init__(self):
        super().__init__()
        self.conv, self.relu = nn.Conv2d(2, 4, 3), nn.ReLU()
        self.hidden, self.out = nn.Linear(4, 4), nn.Linear(4, 3)

    def forward(self, x):
        return self.out(self.relu(self.hidden(self.relu(self.conv(x)).mean((2, 3)))))


FOUND = {
    "pooled to one position": (lambda: sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3)), "2"),
    "pooled to several": (lambda: sequential(nn.MaxPool2d(2), nn.Dropout(0.5), nn.Flatten(), nn.Linear(64, 3)), "2"),
    "pooled, then a convolution": (
        lambda: sequential(nn.AvgPool2d(2), nn.Conv2d(4, 4, 3), nn.Flatten(), nn.Linear(16, 3)),
        "4",
    ),
    "flattened": (lambda: sequential(nn.Flatten(), nn.Linear(256, 3)), "2"),
    "a block in a block": (
        lambda: nn.Sequential(sequential(nn.Sequential(nn.ReLU())), nn.Flatten(), nn.Linear(256, 3)),
        "0",
    ),
    "a layer that the head uses again": (Shared, "conv"),
    "functions after modules": (lambda: networks.dense(nn.BatchNorm2d, 3, 2), "norm"),
    "residual blocks": (lambda: networks.deep(nn.BatchNorm2d, 3, 2), "blocks.19"),
}


@pytest.mark.parametrize("case", FOUND)
def test_the_default_layer_is_found_by_shape_where_the_head_begins(case):
    make, expected = FOUND[case]
    assert default_layer(make(), torch.randn(2, 2, 8, 8)) == expected


def test_a_network_without_a_map_has_no_default_layer():
    flat = nn.Sequential(nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(128, 3))
    with pytest.raises(ModelError, match="no convolution"):
        default_layer(flat, torch.randn(2, 2, 8, 8))
    whole = nn.Sequential(nn.Conv2d(2, 4, 8), nn.ReLU(), nn.Flatten(), nn.Linear(4, 3))
    with pytest.raises(ModelError, match="one position"):
        default_layer(whole, torch.randn(2, 2, 8, 8))


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        ("blok3", "'blok3' is not in the network (did you mean 'block3'?); the last with maps are block3.2.conv,"),
        ("", "'' is not in the network"),
        ("head", "returns (2, 10) for 2 images, expected (N, C, H, W)"),
        ("head.1", "one position"),
    ],
)
def test_a_layer_without_a_map_is_one_line_that_offers_others(layer, words):
    network, x = build_model("session08"), torch.randn(2, 3, 32, 32)
    for use in (lambda: check_layer(network, layer, x), lambda: grad_cam(network, layer, x, torch.tensor([0, 1]))):
        with pytest.raises(ModelError) as caught:
            use()
        assert words in str(caught.value)
        assert "block3" in str(caught.value)
        assert "\n" not in str(caught.value)


def test_a_part_that_never_runs_by_itself_is_refused():
    network = networks.deep(nn.BatchNorm2d, 3, 2)
    with pytest.raises(ModelError, match="never runs"):
        grad_cam(network, "blocks", torch.randn(2, 2, 8, 8), torch.tensor([0, 1]))


class Cut(nn.Module):
    """Its logits come from its convolution by way of NumPy, where no gradient follows."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(2, 3, 3)

    def forward(self, x):
        return torch.from_numpy(self.conv(x).detach().numpy()).mean((2, 3))


def test_a_network_that_autograd_cannot_follow_is_one_line():
    with pytest.raises(ModelError, match="no gradient of the logits by layer 'conv'") as caught:
        grad_cam(Cut(), "conv", torch.randn(2, 2, 8, 8), torch.tensor([0, 1]))
    assert "\n" not in str(caught.value)


def test_maps_that_are_not_finite_are_refused():
    network = tiny("none")
    with torch.no_grad():
        network[0].weight.fill_(torch.inf)
    with pytest.raises(ModelError, match="not finite"):
        grad_cam(network, "0", images(), CLASSES)


def captums_maps(network, layer, x, classes):
    """Return the maps of captum, which another team wrote."""
    attr = pytest.importorskip("captum.attr")
    cam = attr.LayerGradCam(network.eval(), network.get_submodule(layer))
    maps = cam.attribute(x, target=classes, relu_attributions=True).detach()
    return maps[:, 0].double().numpy()


def assert_captum_agrees(network, layer, x, classes):
    expected = captums_maps(network, layer, x, classes)
    assert expected.any()
    np.testing.assert_allclose(grad_cam(network, layer, x, classes), expected, rtol=1e-4, atol=1e-6 * expected.max())


@pytest.mark.parametrize("norm", ["bn", "ln", "none"])
@pytest.mark.parametrize("name", NETWORKS)
def test_the_maps_of_the_packages_networks_are_those_of_captum(name, norm):
    torch.manual_seed(0)
    channels, *size = default_input_shape(name)
    network, x = build_model(name, norm, in_channels=channels), torch.randn(10, channels, *size)
    first = next(path for path, module in network.named_modules() if isinstance(module, nn.Conv2d))
    for layer in (first, default_layer(network, x)):
        assert_captum_agrees(network, layer, x, torch.arange(10))


class Repeated(nn.Module):
    """Its body runs three times, and its ReLU works on the spot."""

    def __init__(self, norm):
        super().__init__()
        self.stem = nn.Conv2d(2, 4, 3, padding=1)
        self.body = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), norm(4), nn.ReLU(inplace=True))
        self.out = nn.Linear(4, 3)

    def forward(self, x):
        x = self.stem(x)
        for _ in range(3):
            x = x + self.body(x)
        return self.out(x.mean((2, 3)))


class Pair(nn.Module):
    """Returns its map with a second value, as recurrent layers and attention do."""

    def __init__(self, norm):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(2, 4, 3, padding=1), norm(4)

    def forward(self, x):
        x = self.norm(self.conv(x))
        return F.relu_(x), x.mean()


class Tupled(nn.Module):
    def __init__(self, norm):
        super().__init__()
        self.pair, self.out = Pair(norm), nn.Linear(4, 3)

    def forward(self, x):
        x, mean = self.pair(x)
        return self.out(x.mean((2, 3)) + mean)


UNUSUAL = {
    "in place, with shortcuts": (lambda: networks.deep(nn.BatchNorm2d, 3, 2), ("norm", "blocks.3", "blocks.3.norm2")),
    "branches and gates": (lambda: networks.dense(nn.BatchNorm2d, 3, 2), ("a", "b", "norm")),
    "a body that runs three times": (lambda: Repeated(nn.BatchNorm2d), ("stem", "body", "body.0", "body.1")),
    "a part that returns a tuple": (lambda: Tupled(nn.BatchNorm2d), ("pair.conv", "pair.norm")),
}


@pytest.mark.parametrize("case", UNUSUAL)
def test_the_maps_of_unusual_networks_are_those_of_captum(case):
    torch.manual_seed(0)
    make, layers = UNUSUAL[case]
    network, x = make(), torch.randn(4, 2, 8, 8)
    for layer in layers:
        assert_captum_agrees(network, layer, x, torch.tensor([0, 1, 2, 0]))


def test_a_layer_that_returns_a_tuple_is_refused():
    with pytest.raises(ModelError, match=r"'pair' returns tuple for 2 images, expected \(N, C, H, W\)"):
        grad_cam(Tupled(nn.BatchNorm2d), "pair", torch.randn(2, 2, 8, 8), torch.tensor([0, 1]))


def test_a_network_whose_weights_are_frozen_has_the_same_maps():
    network, x = tiny("bn"), images()
    expected = grad_cam(network, "0", x, CLASSES)
    np.testing.assert_array_equal(grad_cam(network.requires_grad_(False), "0", x, CLASSES), expected)


def test_the_agreement_is_spearmans_correlation_as_scipy_has_it():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 12, 5, 4))
    b = np.maximum(b + a, 0)  # with ties at zero, as maps have
    a = np.maximum(a, 0)
    a[3], b[7] = 0, 2.5  # an empty and a constant map
    kept = [k for k in range(12) if k not in (3, 7)]
    found = rank_agreement(a, b)
    expected = [scipy_stats.spearmanr(a[k].ravel(), b[k].ravel()).statistic for k in kept]
    assert found.mean == pytest.approx(np.mean(expected))
    assert found.std == pytest.approx(np.std(expected, ddof=1))
    assert (found.n, found.left_out) == (10, 2)
    others = [kept[(k - 5) % 10] for k in range(10)]
    wrong = [scipy_stats.spearmanr(a[k].ravel(), b[j].ravel()).statistic for k, j in zip(kept, others, strict=True)]
    assert found.mismatched == pytest.approx(np.mean(wrong))


def test_equal_maps_agree_at_one_whatever_their_scale_and_opposite_ones_at_minus_one():
    a = np.random.default_rng(0).random((6, 4, 4))
    for b, expected in ((a, 1), (a**3 * 1e-8, 1), (-a, -1)):
        found = rank_agreement(a, b)
        assert found.mean == pytest.approx(expected)
        assert found.std == pytest.approx(0, abs=1e-12)
        assert abs(found.mismatched) < 0.5


def test_an_agreement_over_too_few_maps_has_no_number():
    a = np.random.default_rng(0).random((2, 4, 4))
    none = rank_agreement(np.zeros_like(a), a)
    assert (none.mean, none.std, none.n, none.left_out, none.mismatched) == (None, None, 0, 2, None)
    one = rank_agreement(a[:1], a[:1])
    assert one.mean == pytest.approx(1)
    assert (one.std, one.n, one.mismatched) == (None, 1, None)
    with pytest.raises(ValueError, match="equal shapes"):
        rank_agreement(a, a[:, :2])


LABELS = [0, 0, 0, 1, 1, 1, 2, 2, 2, 2]
PREDICTIONS = [
    [0, 0, 0, 1, 1, 0, 2, 0, 2, 0],  # 2, 4, 8 are right in one arm only; 5, 7, 9 in none
    [0, 0, 1, 1, 0, 2, 2, 1, 0, 1],
]


def test_images_are_right_in_every_arm_or_contested_with_classes_in_turn():
    assert choose_images(PREDICTIONS, LABELS) == [0, 3, 6, 2, 4, 8]
    assert choose_images(PREDICTIONS, LABELS, limit=2) == [0, 2]


def test_images_that_every_arm_misses_stand_in_if_arms_agree():
    assert choose_images(PREDICTIONS[:1] * 2, LABELS) == [0, 3, 6, 5, 7, 9]
    assert choose_images(PREDICTIONS[:1], LABELS) == [0, 3, 6, 5, 7, 9]


def test_one_kind_of_image_fills_the_places_that_the_other_leaves():
    assert choose_images([LABELS, LABELS], LABELS) == [0, 3, 6, 1, 4, 7]
    wrong = [[9] * len(LABELS)]
    assert choose_images(wrong, LABELS) == [0, 3, 6, 1, 4, 7]
    assert choose_images([LABELS], LABELS, limit=20) == [0, 3, 6, 1, 4, 7, 2, 5, 8, 9]


def test_named_images_are_checked():
    assert checked_images([3, 0], 4) == [3, 0]
    for indices, words in (([4], "no test image 4"), ([-1], "no test image -1"), ([1, 1], "twice"), ([], "0 images"),
                           (list(range(25)), "25 images")):  # fmt: skip
        with pytest.raises(SpecError, match=words):
            checked_images(indices, 4 if len(indices) < 25 else 100)


@pytest.mark.parametrize("total", [1, 7, 199, 200, 201, 10_000])
def test_the_sample_is_spread_over_the_whole_split(total):
    indices = evenly_spaced(total, 200)
    assert len(indices) == min(total, 200) == len(set(indices))
    gaps = np.diff([*indices, total])
    assert indices[0] == 0
    assert gaps.max() - gaps.min() <= 1
