import json
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from whichnorm.errors import ModelError, SpecError
from whichnorm.models import NETWORKS, build_model
from whichnorm.norms.layers import norm_parameter_names

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
