"""The figures of a network's layers, against autograd by hand, scipy, and networks whose answer is known."""

import math

import pytest
import torch
from scipy.spatial.distance import pdist
from torch import nn
from torch.nn import functional as F

from whichnorm.analyses.diagnostics.diagnose import dead_fraction, diagnose, mean_cosine_distance
from whichnorm.analyses.diagnostics.listener import probe_images
from whichnorm.data.dataset import ImageSet
from whichnorm.errors import ModelError
from whichnorm.models import build_model
from whichnorm.norms import parse_norm

NORMS = ["bn", "ln", "ln-channel", "gn:4", "in", "none"]


def batch(num_images=6, channels=3, size=7, num_classes=4, dtype=torch.float64):
    generator = torch.Generator().manual_seed(1)
    images = torch.randn(num_images, channels, size, size, generator=generator, dtype=dtype)
    return images, torch.arange(num_images) % num_classes


def small_network(norm="bn", activation=nn.ReLU):
    """Two convolutions with norms in float64, every parameter drawn at random."""
    spec = parse_norm(norm)
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(3, 4, 3), spec.build(4), activation(),
        nn.Conv2d(4, 8, 3), spec.build(8), activation(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 4),
    ).double()  # fmt: skip
    with torch.no_grad():
        for p in model.parameters():
            p.copy_(torch.randn_like(p))
    return model


@pytest.mark.parametrize("label_smoothing", [0.0, 0.1])
def test_gradient_norms_are_those_of_autograd_by_hand(label_smoothing):
    """The network written out: the loss is a sum of logarithms, and the statistics are those of the batch."""
    images, labels = batch()
    model = small_network()
    w1, b1, g1, h1, w2, b2, g2, h2, w3, b3 = (p.detach().clone().requires_grad_() for p in model.parameters())

    def standardized(x, weight, bias):
        mean, var = x.mean((0, 2, 3), keepdim=True), x.var((0, 2, 3), correction=0, keepdim=True)
        return (x - mean) / (var + 1e-5).sqrt() * weight[:, None, None] + bias[:, None, None]

    x = standardized(F.conv2d(images, w1, b1), g1, h1).clamp(min=0)
    x = standardized(F.conv2d(x, w2, b2), g2, h2).clamp(min=0)
    log_p = (x.mean((2, 3)) @ w3.T + b3).log_softmax(1)
    target = (1 - label_smoothing) * torch.eye(4, dtype=torch.float64)[labels] + label_smoothing / 4
    loss = -(target * log_p).sum(1).mean()
    layers = {"0": (w1, b1), "1": (g1, h1), "3": (w2, b2), "4": (g2, h2), "8": (w3, b3)}
    by_hand = {
        path: math.sqrt(sum(g.square().sum().item() for g in torch.autograd.grad(loss, ps, retain_graph=True)))
        for path, ps in layers.items()
    }
    found = diagnose(model, images, labels, label_smoothing=label_smoothing).gradient_norm
    assert list(found) == list(by_hand)
    assert found == pytest.approx(by_hand, rel=1e-9)


def test_layers_come_in_the_order_of_the_forward_pass_and_what_the_loss_misses_has_norm_0():
    class Backwards(nn.Module):
        def __init__(self):
            super().__init__()
            self.head, self.conv = nn.Linear(2, 4), nn.Conv2d(3, 2, 3)
            self.unused, self.frozen = nn.Linear(2, 2), nn.Conv2d(2, 2, 1)
            self.frozen.requires_grad_(False)
            self.scale = nn.Parameter(torch.ones(()))

        def forward(self, x):
            return self.head(self.scale * self.frozen(self.conv(x)).mean((2, 3)))

    found = diagnose(Backwards(), *batch(dtype=torch.float32)).gradient_norm
    assert list(found) == ["Backwards", "conv", "head", "unused"]
    assert found["unused"] == 0
    assert min(found["Backwards"], found["conv"], found["head"]) > 0


def test_a_gradient_whose_square_float32_cannot_hold_has_its_norm():
    model = nn.Sequential(nn.Flatten(), nn.Linear(1, 2))
    images, labels = torch.full((4, 1, 1, 1), 1e25), torch.zeros(4, dtype=torch.int64)
    with torch.no_grad():
        model[1].weight.zero_()
        model[1].bias.zero_()
    found = diagnose(model, images, labels).gradient_norm["1"]
    assert found == pytest.approx(1e25 * math.sqrt(0.5), rel=1e-6)  # the gradient is -x/2 and x/2


class Apply(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


RELUS = {
    "nn.ReLU": nn.ReLU,
    "nn.ReLU in place": lambda: nn.ReLU(inplace=True),
    "nn.ReLU6": nn.ReLU6,
    "F.relu": lambda: Apply(F.relu),
    "F.relu in place": lambda: Apply(lambda x: F.relu(x, inplace=True)),
    "F.relu6": lambda: Apply(F.relu6),
    "torch.relu": lambda: Apply(torch.relu),
    "torch.relu_": lambda: Apply(torch.relu_),
    "x.relu": lambda: Apply(lambda x: x.relu()),
    "x.relu_": lambda: Apply(lambda x: x.relu_()),
}


@pytest.mark.parametrize("relu", RELUS)
def test_a_dead_channel_is_counted_whichever_way_the_relu_is_written(relu):
    model = nn.Sequential(nn.Conv2d(3, 4, 3), RELUS[relu](), nn.Flatten(), nn.Linear(4 * 25, 4)).double()
    with torch.no_grad():
        model[0].bias.copy_(torch.tensor([0, -100, 0, 100]))
    found = diagnose(model, *batch()).dead_relu
    assert found == {next(iter(found)): 0.25}
    assert next(iter(found)).partition(".")[0] == "1"


def test_a_channel_that_one_image_lights_at_one_position_is_not_dead():
    x = torch.zeros(3, 5, 4, 4)
    x[:, 0] = 1
    x[2, 3, 1, 1] = 1e-30
    assert dead_fraction(x) == 3 / 5
    assert dead_fraction(x[:, :, 0, 0]) == 4 / 5
    x[0, 0, 0, 0] = math.nan
    assert dead_fraction(x).isnan()


def test_a_relu_that_runs_twice_is_there_twice_and_other_activations_are_not():
    relu = nn.ReLU()
    model = nn.Sequential(nn.Conv2d(3, 4, 3), relu, nn.Conv2d(4, 4, 1), relu, nn.GELU(), nn.Hardtanh(),
                          nn.Flatten(), nn.Linear(100, 4))  # fmt: skip
    assert list(diagnose(model, *batch(dtype=torch.float32)).dead_relu) == ["1", "1:2"]


@pytest.mark.parametrize("norm", NORMS)
def test_cosine_distances_are_those_of_scipy(norm):
    model, (images, labels) = small_network(norm), batch()
    seen = {}
    watched = [0, 3] if norm == "none" else [1, 4]
    handles = [
        model[k].register_forward_hook(lambda m, args, out, k=k: seen.__setitem__(str(k), out.detach().flatten(1)))
        for k in watched
    ]
    model(images)
    for handle in handles:
        handle.remove()
    expected = {path: pdist(rows.numpy(), "cosine").mean() for path, rows in seen.items()}
    found = diagnose(model, images, labels).cosine_distance
    assert list(found) == list(expected)
    assert found == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("norm", NORMS)
def test_identical_images_have_distance_0(norm):
    images, labels = batch()
    found = diagnose(small_network(norm), images[:1].expand(6, -1, -1, -1), labels)
    assert found.cosine_distance == pytest.approx(dict.fromkeys(found.cosine_distance, 0.0), abs=1e-12)
    assert len(found.cosine_distance) == 2


@pytest.mark.parametrize("angle", [1e-3, 1e-5])
def test_a_small_distance_keeps_its_digits_in_float32(angle):
    """1 - cos in float32 would be 0 below an angle of 3e-4."""
    rows = torch.tensor([[1.0, 0.0], [math.cos(angle), math.sin(angle)]])
    assert mean_cosine_distance(rows).item() == pytest.approx(2 * math.sin(angle / 2) ** 2, rel=1e-3)


def test_distances_at_the_ends_of_the_range():
    x = torch.tensor([[1.0, 0.0], [0.0, 2.0]])
    assert mean_cosine_distance(x).item() == pytest.approx(1)
    assert mean_cosine_distance(torch.stack([x[0], -x[0]])).item() == pytest.approx(2)
    assert mean_cosine_distance(1e30 * x).item() == pytest.approx(1)
    assert mean_cosine_distance(1e-30 * x).item() == pytest.approx(1)
    assert mean_cosine_distance(torch.cat([x, torch.zeros(3, 2)])).item() == pytest.approx(1)
    for undefined in (torch.zeros(4, 2), x[:1], torch.tensor([[math.nan, 1.0], [1.0, 1.0]]), x / 0):
        assert mean_cosine_distance(undefined).isnan()


@pytest.mark.parametrize("training", [True, False])
def test_nothing_of_the_network_or_the_caller_changes(training):
    model, (images, labels) = small_network(activation=lambda: nn.Sequential(nn.ReLU(), nn.Dropout(0.5))), batch()
    model(images).sum().backward()
    model.train(training)
    model[1].eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    gradients = [p.grad.clone() for p in model.parameters()]
    modes = [module.training for module in model.modules()]
    random = torch.get_rng_state()
    with torch.no_grad():
        diagnose(model, images, labels)
    assert torch.equal(torch.get_rng_state(), random)
    assert [module.training for module in model.modules()] == modes
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(torch.equal(p.grad, g) for p, g in zip(model.parameters(), gradients, strict=True))
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())


def test_the_figures_depend_on_neither_mode_nor_random_state_nor_dropout_layers():
    images, labels = batch()
    plain = diagnose(small_network(), images, labels)
    model = small_network(activation=lambda: nn.Sequential(nn.ReLU(), nn.Dropout(0.5)))
    torch.manual_seed(7)
    assert list(diagnose(model.eval(), images, labels).gradient_norm.values()) == list(plain.gradient_norm.values())
    functional = small_network(activation=lambda: Apply(lambda x: F.dropout(x, 0.5)))
    once = diagnose(functional, images, labels)
    torch.manual_seed(8)
    assert diagnose(functional, images, labels) == once


class Refuses(nn.Module):
    def __deepcopy__(self, memo):
        raise RuntimeError("cannot be\ncopied")


class Fails(nn.Module):
    def forward(self, x):
        raise ValueError("only\nsquare images")


@pytest.mark.parametrize(
    ("model", "words"),
    [(Fails(), "ValueError: only square images"), (Refuses(), "RuntimeError: cannot be copied"),
     (nn.Linear(99, 4), "RuntimeError"), (nn.Sequential(nn.Flatten(), nn.ReLU()), "RuntimeError: element 0")],
)  # fmt: skip
def test_a_network_that_cannot_be_measured_is_one_line(model, words):
    with pytest.raises(ModelError) as caught:
        diagnose(model, *batch(num_classes=2))
    assert "6 images of 3x7x7" in str(caught.value)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_is_not_finite_is_none():
    model = small_network()
    with torch.no_grad():
        model[3].weight[0, 0, 0, 0] = math.nan
    found = diagnose(model, *batch())
    assert set(found.gradient_norm.values()) == {None}
    assert found.cosine_distance["1"] > 0
    assert found.cosine_distance["4"] is None
    assert found.dead_relu["5"] is None


@pytest.mark.parametrize("name", ["digits_net", "session08", "residual8"])
@pytest.mark.parametrize("norm", ["bn", "ln-element", "none"])
def test_the_networks_of_the_package_have_figures_for_every_layer(name, norm):
    channels = 1 if name == "digits_net" else 3
    size = 8 if name == "digits_net" else 32
    model = build_model(name, parse_norm(norm), num_classes=4, in_channels=channels, image_size=(size, size))
    found = diagnose(model, *batch(4, channels, size, dtype=torch.float32))
    weighted = {path for path, module in model.named_modules() if list(module.parameters(recurse=False))}
    assert set(found.gradient_norm) == weighted
    assert all(value > 0 for value in found.gradient_norm.values())
    assert all(0 <= share <= 1 for share in found.dead_relu.values())
    assert all(0 < distance <= 2 for distance in found.cosine_distance.values())
    assert found.dead_relu
    assert found.cosine_distance


@pytest.mark.parametrize(("batch_size", "expected"), [(1, 2), (2, 2), (64, 64), (128, 128), (512, 128)])
def test_the_batch_is_of_2_to_128_images_and_of_all_classes_of_a_sorted_set(batch_size, expected):
    train = ImageSet(torch.arange(600).reshape(-1, 1, 1, 1).to(torch.uint8), torch.arange(600) // 300)
    found = probe_images(train, batch_size)
    assert len(found) == expected
    assert set(found.labels.tolist()) == {0, 1}
    assert len(probe_images(train.subset(torch.arange(3)), 64)) == 3
