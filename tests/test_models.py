import json
import sys
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from whichnorm.errors import ModelError, SpecError
from whichnorm.models import NETWORKS, Dropout, build_model, load_factory
from whichnorm.norms import norm_parameter_names, parse_norm

PUBLISHED = json.loads((Path(__file__).parent / "published" / "layer_tables.json").read_text())
ARMS = [
    ("session08", "bn", "bn"), ("session08", "ln", "ln"), ("session08", "gn", "gn:8"),
    ("wynet", "bn", "bn"), ("wynet", "ln", "ln"), ("wynet", "gn", "gn:2"),
    ("mnist_s6", "bn", "bn"), ("mnist_s6", "ln", "ln-element:noaffine"), ("mnist_s6", "gn", "gn:4"),
    ("residual8", "gn", "gn:4"),
]  # fmt: skip
NORMS = ["bn", "ln", "ln-element", "ln-channel", "gn:2", "gn:4", "gn:c4", "in", "none", "bn:noaffine"]
IN_CHANNELS = {"mnist_s6": 1, "digits_net": 1}


def build(name, norm="bn", **options):
    torch.manual_seed(0)
    return build_model(name, norm, in_channels=IN_CHANNELS.get(name, 3), **options)


def images_for(name, num_images=2):
    side = NETWORKS[name].image_size
    return torch.randn(num_images, IN_CHANNELS.get(name, 3), side, side)


def count(model):
    return sum(parameter.numel() for parameter in model.parameters())


def rows_of(model, images):
    """List [type, output shape, parameters] of every layer without children, in the order of the forward pass."""
    rows, handles = [], []

    def note(layer, _, output):
        parameters = sum(p.numel() for p in layer.parameters())
        rows.append([type(layer).__name__, list(output.shape[1:]), parameters])

    for layer in model.modules():
        if not list(layer.children()):
            handles.append(layer.register_forward_hook(note))
    with torch.no_grad():
        model.eval()(images)
    for handle in handles:
        handle.remove()
    return rows


def without(rows, *types):
    return [row for row in rows if row[0] not in types]


@pytest.mark.parametrize(("name", "table", "norm"), ARMS)
def test_convolutions_norms_and_pools_are_those_published(name, table, norm):
    minor = ("ReLU", "Dropout", "Flatten")
    found = without(rows_of(build(name, norm), images_for(name)), *minor)
    assert found == without(PUBLISHED[name][table], *minor)


@pytest.mark.parametrize(("name", "table", "norm"), [arm for arm in ARMS if arm[0] in ("session08", "residual8")])
def test_activations_and_dropouts_stand_where_published(name, table, norm):
    assert without(rows_of(build(name, norm), images_for(name)), "Flatten") == PUBLISHED[name][table]


@pytest.mark.parametrize(("table", "norm"), [("bn", "bn"), ("ln", "ln-element:noaffine")])
def test_mnist_s6_drops_before_relu(table, norm):
    assert without(rows_of(build("mnist_s6", norm), images_for("mnist_s6")), "Flatten") == PUBLISHED["mnist_s6"][table]


@pytest.mark.parametrize(
    ("name", "norm", "total"),
    [
        ("session08", "bn", 34_872), ("session08", "ln", 34_872), ("session08", "gn:8", 34_872),
        ("wynet", "bn", 33_126), ("wynet", "ln", 33_126), ("wynet", "gn:2", 33_126),
        ("mnist_s6", "bn", 8_008), ("mnist_s6", "gn:4", 8_008), ("mnist_s6", "ln-element:noaffine", 7_784),
        ("residual8", "gn:4", 40_394), ("residual8", "bn", 40_394),
        ("grouped_cifar", "bn", 5_882), ("lcifar", "ln", 73_770),
        ("digits_net", "gn:8", 11_498),
    ],
)  # fmt: skip
def test_number_of_parameters_is_the_published_one(name, norm, total):
    assert count(build(name, norm)) == total


def test_cifar_pair_shrinks_images_as_published():
    for name, width in (("grouped_cifar", 8), ("lcifar", 16)):
        shapes = [shape for kind, shape, _ in rows_of(build(name), images_for(name)) if "Pool" in kind]
        assert shapes == [[width, 16, 16], [width, 8, 8], [2 * width, 1, 1]]
        convs = [shape[1:] for kind, shape, _ in rows_of(build(name), images_for(name)) if kind == "Conv2d"]
        assert convs == [[32, 32]] * 3 + [[16, 16]] * 3 + [[6, 6]] * 4
    groups = [layer.groups for layer in build("grouped_cifar").modules() if isinstance(layer, nn.Conv2d)]
    assert groups == [1, 16, 1] * 3 + [1]
    assert all(layer.groups == 1 for layer in build("lcifar").modules() if isinstance(layer, nn.Conv2d))


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_trains_with_every_norm(name, norm):
    model, images = build(name, norm, num_classes=7).train(), images_for(name, num_images=4)
    logits = model(images)
    assert logits.shape == (4, 7)
    F.cross_entropy(logits, torch.arange(4)).backward()
    assert logits.isfinite().all()
    for path, parameter in model.named_parameters():
        assert parameter.grad is not None, path
        assert parameter.grad.isfinite().all(), path
    for path, layer in model.named_modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            assert layer.weight.grad.abs().max() > 0, path


@pytest.mark.parametrize("name", NETWORKS)
def test_classes_and_channels_are_free(name):
    side = NETWORKS[name].image_size
    for num_classes, in_channels in ((3, 1), (100, 4)):
        model = build_model(name, "gn:4", num_classes, in_channels)
        assert model(torch.randn(2, in_channels, side, side)).shape == (2, num_classes)


@pytest.mark.parametrize("name", NETWORKS)
def test_image_sizes_are_free_and_need_not_be_square(name):
    model = build_model(name, "ln-element", in_channels=3, image_size=(40, 28))
    assert model(torch.randn(2, 3, 40, 28)).shape == (2, 10)


@pytest.mark.parametrize("name", NETWORKS)
def test_one_seed_gives_every_norm_the_same_weights(name):
    def weights(norm):
        model = build(name, norm)
        norms = norm_parameter_names(model)
        return {path: p.detach() for path, p in model.named_parameters() if path not in norms}

    reference = weights("bn")
    for norm in ("ln", "ln-element", "ln-channel", "gn:4", "in", "none"):
        torch.testing.assert_close(weights(norm), reference, rtol=0, atol=0)


def test_dry_forward_leaves_no_trace():
    torch.manual_seed(3)
    NETWORKS["session08"].factory(nn.BatchNorm2d, 10, 3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    model = build_model("session08", "bn")
    torch.testing.assert_close(torch.rand(4), expected, rtol=0, atol=0)
    assert all(layer.training for layer in model.modules())
    for name, buffer in model.named_buffers():
        assert torch.equal(buffer, torch.ones_like(buffer) if "running_var" in name else torch.zeros_like(buffer)), name


@pytest.mark.parametrize(
    ("name", "rate"),
    [
        ("session08", 0.05), ("residual8", 0.02), ("wynet", 0.0), ("mnist_s6", 0.05), ("grouped_cifar", 0.0),
        ("lcifar", 0.0), ("digits_net", 0.0),
    ],
)  # fmt: skip
def test_dropout_has_the_published_rate_or_the_one_asked_for(name, rate):
    for given, expected in ((None, rate), (0.3, 0.3), (0.0, 0.0)):
        rates = {layer.p for layer in build(name, dropout=given).modules() if isinstance(layer, nn.Dropout)}
        assert rates == {expected}


# WyNet's and session08's options


@pytest.mark.parametrize("convolution", ["plain", "depthwise", "separable"])
@pytest.mark.parametrize("options", [{}, {"dilation": True}, {"skip_1x1": False}, {"blocks_per_layer": 2}])
def test_wynet_options_keep_the_block_shapes(convolution, options):
    model = build("wynet", "gn:2", convolution=convolution, **options).train()
    shapes = [shape for kind, shape, _ in rows_of(model, images_for("wynet")) if "Pool" in kind]
    assert shapes == [[8, 16, 16], [16, 8, 8], [32, 1, 1]]
    model(images_for("wynet")).sum().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


def test_wynet_convolution_kinds_have_the_groups_they_are_named_for():
    def groups(convolution):
        layers = build("wynet", convolution=convolution).modules()
        return [layer.groups for layer in layers if isinstance(layer, nn.Conv2d) and layer.kernel_size == (3, 3)]

    assert groups("plain") == [1] * 6
    assert groups("depthwise") == [1, 4, 8, 16, 16, 32]  # 3 and 4 channels have no common divisor
    assert groups("separable") == [3, 4, 8, 16, 16, 32]
    assert count(build("wynet", convolution="separable")) < count(build("wynet")) / 3


def test_wynet_dilation_is_a_quarter_of_the_current_image():
    layers = build("wynet", dilation=True).modules()
    assert [layer.dilation for layer in layers if isinstance(layer, nn.Conv2d) and layer.kernel_size == (3, 3)] == [
        (1, 1), (1, 1), (4, 4), (1, 1), (2, 2), (1, 1),
    ]  # fmt: skip
    wide = build_model("wynet", image_size=(64, 32), dilation=True)
    assert (8, 4) in [layer.dilation for layer in wide.modules() if isinstance(layer, nn.Conv2d)]
    assert count(wide) == 33_126


def test_wynet_adds_the_first_projection_that_was_published_dead():
    model = build("wynet")
    F.cross_entropy(model(images_for("wynet", 8)), torch.arange(8)).backward()
    dead = [path for path, parameter in model.named_parameters() if parameter.grad.abs().max() == 0]
    assert dead == []
    projections = 3 * 8 + 8 * 16 + 16 * 32
    assert count(model) - count(build("wynet", skip_1x1=False)) == projections


def test_wynet_width_and_depth_follow_their_options():
    assert count(build("wynet", base_channels=8)) > 3.5 * 33_126
    units = [1 for layer in build("wynet", blocks_per_layer=3).modules() if type(layer).__name__ == "ResidualUnit"]
    assert len(units) == 9


def test_add_skip_adds_two_projections_and_changes_the_output():
    plain, skipping = build("session08").eval(), build("session08", add_skip=True).eval()
    assert count(skipping) - count(plain) == 2 * 16 * 24
    extra = set(skipping.state_dict()) - set(plain.state_dict())
    assert extra == {"block2.0.skip.weight", "block3.0.skip.weight"}
    plain.load_state_dict({key: value for key, value in skipping.state_dict().items() if key not in extra})
    images = images_for("session08")
    assert not torch.allclose(plain(images), skipping(images))
    with torch.no_grad():  # without the projections only the layers of equal width still add their input
        for key in extra:
            skipping.get_parameter(key).zero_()
    assert not torch.allclose(plain(images), skipping(images))
    first = nn.ModuleList([plain.block2[0], skipping.block2[0]])
    x = torch.randn(2, 16, 16, 16)
    torch.testing.assert_close(first[0](x), first[1](x))
    later, y = skipping.block2[1], torch.randn(2, 24, 16, 16)
    torch.testing.assert_close(later(y), F.relu(later.norm(later.conv(y)) + y))


# Errors


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        ({"name": "wynt"}, ["unknown network 'wynt'", "did you mean 'wynet'?", "lcifar", "package.module:factory"]),
        ({"name": "no_such_module:make"}, ["no module 'no_such_module'"]),
        ({"name": "whichnorm.models.nothing:make"}, ["no module 'whichnorm.models.nothing'"]),
        ({"name": "whichnorm.models.wynet:wynett"}, ["has no 'wynett'", "did you mean 'wynet'?"]),
        ({"name": "whichnorm.models:NETWORKS"}, ["is a dict", "factory(norm, num_classes, in_channels)"]),
        ({"name": "wynet:"}, ["package.module:factory"]),
        ({"name": "wynet", "basechannels": 8}, ["no option 'basechannels'", "'base_channels'?", "skip_1x1"]),
        ({"name": "residual8", "depth": 8}, ["no option 'depth'", "it has none"]),
        ({"name": "wynet", "dilation": "yes"}, ["'dilation'", "'yes' (str)", "True or False"]),
        ({"name": "wynet", "base_channels": True}, ["'base_channels'", "(bool)", "a whole number"]),
        ({"name": "wynet", "base_channels": 4.0}, ["'base_channels'", "(float)"]),
        ({"name": "wynet", "base_channels": 0}, ["base_channels", "is 0", "1 or more"]),
        ({"name": "wynet", "convolution": "ghost"}, ["'ghost'", "'plain' or 'depthwise' or 'separable'"]),
        ({"name": "lcifar", "multiplier": -1}, ["multiplier", "-1"]),
        ({"name": "wynet", "dropout": 1.5}, ["dropout", "1.5", "[0, 1)"]),
        ({"name": "wynet", "num_classes": 0}, ["num_classes", "is 0"]),
        ({"name": "wynet", "image_size": 0}, ["image size 0"]),
        ({"name": "wynet", "image_size": 2}, ["2x2", "at least 4x4"]),
        ({"name": "mnist_s6", "image_size": 16}, ["16x16", "at least 20x20"]),
        ({"name": "lcifar", "image_size": (32, 8)}, ["32x8", "at least 12x12"]),
        ({"name": "session08", "image_size": 2}, ["fails on images of 3x2x2", "RuntimeError"]),
    ],
)  # fmt: skip
def test_an_error_says_what_and_what_was_expected(arguments, parts):
    with pytest.raises(ModelError) as caught:
        build_model(**arguments)
    message = str(caught.value)
    assert "\n" not in message
    for part in parts:
        assert part in message


def test_norm_that_does_not_fit_raises_its_own_error():
    with pytest.raises(SpecError, match="16 channels do not split into 3 groups"):
        build_model("residual8", "gn:3")


# Networks of the user's own

OWN = """
import torch
from torch import nn

def make(norm, num_classes, in_channels, *, dropout: float = 0.5, width: int = 4, mode: "Unknown" = None):
    return nn.Sequential(nn.Conv2d(in_channels, width, 3), norm(num_channels=width), nn.Dropout(dropout),
                         nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, num_classes))

def plain(norm, num_classes, in_channels):
    return make(norm, num_classes, in_channels)

def sized(norm, num_classes, in_channels, image_size=12):
    return nn.Sequential(norm(in_channels), nn.Flatten(), nn.Linear(in_channels * image_size**2, num_classes))

def evaluating(norm, num_classes, in_channels):
    model = make(norm, num_classes, in_channels)
    model[1].eval()
    return model

class Noise(nn.Module):
    def forward(self, x):
        return x + torch.randn_like(x)

def noisy(norm, num_classes, in_channels):
    return nn.Sequential(Noise(), make(norm, num_classes, in_channels))

def anything(norm, num_classes, in_channels, **options):
    return make(norm, num_classes, in_channels, **options)

def two(norm, num_classes):
    return None

def nothing(norm, num_classes, in_channels):
    pass

def broken(norm, num_classes, in_channels):
    raise KeyError("first line\\nsecond line")

def spatial(norm, num_classes, in_channels):
    return nn.Conv2d(in_channels, num_classes, 1)

def tupled(norm, num_classes, in_channels):
    class Both(nn.Module):
        def forward(self, x):
            return x, x
    return Both()

def unused(norm, num_classes, in_channels):
    model = make(norm, num_classes, in_channels)
    class Wrap(nn.Module):
        def __init__(self):
            super().__init__()
            self.used, self.spare = model, norm(3)
        def forward(self, x):
            return self.used(x)
    return Wrap()
"""


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A folder that is the working directory and holds the package own_networks_of_the_test, not on sys.path."""
    package = tmp_path / "own_networks_of_the_test"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "nets.py").write_text(OWN)
    (package / "needy.py").write_text("import a_module_that_is_not_there\n")
    (package / "wrong.py").write_text("1 / 0\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [folder for folder in sys.path if folder not in ("", str(tmp_path))])
    path_before = list(sys.path)
    yield "own_networks_of_the_test.nets:"
    assert sys.path == path_before
    for module in [module for module in sys.modules if module.startswith("own_networks_of_the_test")]:
        del sys.modules[module]


def test_own_factory_is_found_in_the_working_directory(own):
    model = build_model(own + "make", "gn:2", 5, 1)
    assert [type(layer).__name__ for layer in model][1] == "GroupNorm"
    assert model[2].p == 0.5
    assert load_factory(own + "make") is sys.modules["own_networks_of_the_test.nets"].make


def test_own_factory_gets_the_options_of_its_signature(own):
    model = build_model(own + "make", "bn", dropout=0.1, width=8, mode=object())
    assert model[0].out_channels == 8
    assert model[2].p == 0.1
    assert build_model(own + "plain", "bn")[2].p == 0.5
    assert build_model(own + "anything", "bn", dropout=0.2, width=6)[0].out_channels == 6
    assert build_model(own + "sized", "ln-element")[2].in_features == 3 * 12**2
    assert build_model(own + "sized", "ln-element", image_size=6)[2].in_features == 3 * 6**2


def test_random_numbers_of_the_dry_forward_are_given_back(own):
    torch.manual_seed(4)
    load_factory(own + "noisy")(parse_norm("bn"), 10, 3)
    expected = torch.rand(4)
    torch.manual_seed(4)
    build_model(own + "noisy", "bn")
    torch.testing.assert_close(torch.rand(4), expected, rtol=0, atol=0)


def test_modes_set_by_a_factory_stay(own):
    model = build_model(own + "evaluating", "bn")
    assert [layer.training for layer in model] == [True, False, True, True, True, True]


@pytest.mark.parametrize(
    ("attribute", "arguments", "parts"),
    [
        ("mak", {}, ["has no 'mak'", "did you mean 'make'?"]),
        ("make", {"widht": 3}, ["no option 'widht'", "did you mean 'width'?"]),
        ("plain", {"dropout": 0.1}, ["no keyword 'dropout'", "0.1"]),
        ("two", {}, ["TypeError", "factory(norm, num_classes, in_channels)"]),
        ("nothing", {}, ["returned a NoneType", "torch.nn.Module"]),
        ("broken", {}, ["KeyError", "first line", "second line", "factory(norm, num_classes, in_channels)"]),
        ("spatial", {}, ["(2, 10, 32, 32)", "3x32x32", "expected (2, 10)"]),
        ("tupled", {}, ["tuple", "expected (2, 10)"]),
        ("sized", {"image_size": (6, 4)}, ["TypeError"]),
        ("unused", {"norm": "ln-element"}, ["'spare.weight'", "never uses"]),
    ],
)
def test_an_error_in_an_own_factory_is_told(own, attribute, arguments, parts):
    with pytest.raises(ModelError) as caught:
        build_model(own + attribute, **arguments)
    message = str(caught.value)
    assert "\n" not in message
    for part in parts:
        assert part in message


def test_a_module_that_cannot_be_imported_says_why(own):
    with pytest.raises(ModelError, match="needs 'a_module_that_is_not_there'"):
        load_factory("own_networks_of_the_test.needy:make")
    with pytest.raises(ModelError, match="failed with ZeroDivisionError: division by zero"):
        load_factory("own_networks_of_the_test.wrong:make")


def test_own_factory_passes_a_misfit_of_its_norm_on(own):
    with pytest.raises(SpecError, match="do not split"):
        build_model(own + "make", "gn:3")


# Dropout


@pytest.mark.parametrize("rate", [0.05, 0.3, 0.5, 0.9])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_dropout_drops_at_its_rate_and_keeps_the_expectation(rate, dtype):
    torch.manual_seed(0)
    y = Dropout(rate)(torch.ones(1000, 1000, dtype=dtype))
    assert y.dtype == dtype
    sigma = (rate * (1 - rate) / y.numel()) ** 0.5
    assert abs((y == 0).double().mean().item() - rate) < 5 * sigma
    exact = 65536 / (65536 - round(rate * 65536))
    assert y.unique().tolist() == [0, torch.tensor(exact).to(dtype).item()]


def test_dropout_drops_every_fourth_element_no_more_often_than_the_others():
    """A 64-bit number decides about four elements; its sign bit must be random too."""
    torch.manual_seed(0)
    dropped = (Dropout(0.3)(torch.ones(400_000)) == 0).double().view(-1, 4)
    sigma = (0.3 * 0.7 / len(dropped)) ** 0.5
    assert (dropped.mean(dim=0) - 0.3).abs().max() < 5 * sigma
    correlation = torch.corrcoef(dropped.T) - torch.eye(4)
    assert correlation.abs().max() < 5 / len(dropped) ** 0.5


def test_dropout_factor_is_not_rounded_in_bfloat16():
    """With a factor rounded to 8 bits the mean would be 0.2% too large."""
    torch.manual_seed(0)
    x = (1 + torch.rand(2_000_000)).bfloat16()
    y = Dropout(0.05)(x).double()
    kept = y != 0
    assert abs(y[kept].mean() / x.double()[kept].mean() / (65536 / (65536 - 3277)) - 1) < 1e-4


def test_dropout_draws_from_the_global_generator():
    layer, x = Dropout(0.4), torch.ones(7, 11)
    torch.manual_seed(5)
    first, second = layer(x), layer(x)
    torch.manual_seed(5)
    assert torch.equal(layer(x), first)
    assert not torch.equal(first, second)
    both = (Dropout(0.3)(torch.ones(10**6)) == 0) & (Dropout(0.3)(torch.ones(10**6)) == 0)
    assert abs(both.double().mean() - 0.09) < 5 * (0.09 * 0.91 / 10**6) ** 0.5


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_dropout_keeps_the_memory_format(memory_format):
    x = torch.ones(64, 24, 9, 5).contiguous(memory_format=memory_format)
    torch.manual_seed(1)
    y = Dropout(0.25)(x)
    assert y.stride() == x.stride()
    assert abs((y == 0).double().mean() - 0.25) < 5 * (0.25 * 0.75 / y.numel()) ** 0.5
    per_channel = (y == 0).double().mean(dim=(0, 2, 3))
    assert (per_channel - 0.25).abs().max() < 5 * (0.25 * 0.75 / (64 * 45)) ** 0.5


def test_dropout_takes_views_and_empty_tensors():
    x = torch.ones(6, 8, 10)[:, ::2, 1:].transpose(0, 2)
    assert Dropout(0.5)(x).shape == x.shape
    assert Dropout(0.5)(torch.ones(0, 3)).shape == (0, 3)


def test_dropout_passes_the_gradient_of_kept_elements_only():
    x = torch.randn(50, 50, requires_grad=True)
    y = Dropout(0.3)(x)
    y.sum().backward()
    factor = 65536 / (65536 - round(0.3 * 65536))
    torch.testing.assert_close(x.grad, (y != 0).float() * factor)
    torch.testing.assert_close(y, x * x.grad)


def test_dropout_is_the_identity_in_evaluation_and_at_rate_0():
    x = torch.randn(20, 20)
    state = torch.get_rng_state()
    assert torch.equal(Dropout(0.5).eval()(x), x)
    assert torch.equal(Dropout(0.5).eval()(x), x)
    assert torch.equal(state, torch.get_rng_state())
    assert torch.equal(Dropout(0.0)(x), x)
    assert torch.equal(Dropout(1.0)(x), torch.zeros_like(x))
