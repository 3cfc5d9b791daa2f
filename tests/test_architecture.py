import json
from contextlib import suppress

import networks
import pytest
import torch
from rich.console import Console
from torch import nn

from whichnorm.architecture.graph import trace
from whichnorm.architecture.receptive_field import receptive_fields
from whichnorm.architecture.summary import describe
from whichnorm.architecture.table import print_architecture
from whichnorm.cli import main
from whichnorm.errors import ModelError
from whichnorm.models import NETWORKS, build_model, default_input_shape
from whichnorm.norms import parse_norm
from whichnorm.norms.layers import norm_layers

OWN = {"deep": networks.deep, "dense": networks.dense, "odd": networks.odd, "small": networks.small}
PUBLISHED = [  # session08 by its source: rf, size and stride so far; 1x1 convolutions, which change nothing, left out
    ("block1.0.conv", 3, 32, 1), ("block1.1.conv", 5, 32, 1), ("narrow1.1", 6, 16, 2),
    ("block2.0.conv", 10, 16, 2), ("block2.1.conv", 14, 16, 2), ("block2.2.conv", 18, 16, 2), ("narrow2.1", 20, 8, 4),
    ("block3.0.conv", 28, 8, 4), ("block3.1.conv", 36, 8, 4), ("block3.2.conv", 44, 8, 4), ("head.0", 72, 1, 32),
]  # fmt: skip
VARIANTS = [
    *((name, {}) for name in NETWORKS),
    ("session08", {"add_skip": True}),
    ("wynet", {"dilation": True}),
    ("wynet", {"convolution": "depthwise", "blocks_per_layer": 2}),
    ("wynet", {"convolution": "separable", "skip_1x1": False}),
    ("odd", {}), ("deep", {}),
]  # fmt: skip


def described(name, norm="bn", shape=None, **options):
    torch.manual_seed(0)
    shape = shape or (default_input_shape(name) if name in NETWORKS else (3, 32, 32))
    spec = parse_norm(norm)
    model = build_model(OWN.get(name, name), spec, in_channels=shape[0], image_size=shape[1:], **options)
    return model, describe(model, name, spec, shape, 10)


def fields_of(name, *arguments, **options):
    _, architecture = described(name, *arguments, **options)
    return {row.node.path: row.field for row in architecture.rows}


def test_the_published_receptive_fields_of_session08():
    fields = fields_of("session08")
    for path, rf, size, jump in PUBLISHED:
        field = fields[path]
        assert (field.low, field.high, field.size, field.jump) == ((rf, rf), (rf, rf), (size, size), (jump, jump)), path


def test_the_first_pool_of_lcifar_sees_6_pixels_and_not_the_10_of_a_published_comment():
    assert fields_of("lcifar")["pool1"].high == (6, 6)


def linear(model):
    """Make every path carry a positive gradient: means for maxima, positive weights, no biases."""
    for path, layer in model.named_modules():
        if isinstance(layer, nn.MaxPool2d):
            model.set_submodule(path, nn.AvgPool2d(layer.kernel_size, layer.stride, layer.padding))
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.fill_(0 if name.endswith("bias") else 1 / max(1, parameter[0].numel()))
    return model.eval()


def seen_by_central_unit(output, image):
    """Return height and width of the part of the image that moves an output unit in the middle."""
    unit = output[0, :, output.shape[2] // 2, output.shape[3] // 2].sum()
    (grad,) = torch.autograd.grad(unit, image, retain_graph=True)
    rows, columns = grad[0].abs().sum(0).nonzero().T
    return int(rows.max() - rows.min()) + 1, int(columns.max() - columns.min()) + 1


@pytest.mark.parametrize(("name", "options"), VARIANTS, ids=str)
def test_the_receptive_field_is_the_extent_of_the_gradient_at_the_image(name, options):
    model, _ = described(name, "none", **options)
    shape = default_input_shape(name) if name in NETWORKS else (3, 32, 32)
    graph = trace(linear(model), shape)
    outputs = {}
    hooks = [
        layer.register_forward_hook(lambda layer, _, output: outputs.__setitem__(layer, output))
        for layer in model.modules()
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.AvgPool2d | nn.ReLU)
    ]
    image = torch.rand(1, shape[0], 160, 160, requires_grad=True)
    with suppress(RuntimeError):  # networks made for one image size end in a linear layer that does not fit
        model(image)
    for hook in hooks:
        hook.remove()
    checked = 0
    for node, field in zip(graph, receptive_fields(graph), strict=True):
        if node.layer in outputs and min(field.size) > 1:
            assert seen_by_central_unit(outputs[node.layer], image) == field.high, node.path
            checked += 1
    assert checked >= (2 if name == "odd" else 6)


def test_height_and_width_are_counted_apart():
    fields = fields_of("odd")
    assert (fields["tall"].high, fields["tall"].jump, fields["tall"].text) == ((5, 1), (2, 1), "5×1")
    assert (fields["conv2d"].high, fields["conv2d"].jump) == ((5 + 2 * 2, 1 + 2 * 2), (4, 2))
    assert fields["getitem"].jump == (8, 4)  # every second position
    assert fields["avg_pool2d"].high == (9 + 8, 5 + 4)
    assert fields["up"].jump == (4, 2)


def test_a_transposed_convolution_shows_its_own_kernel():
    (row,) = [row for row in described("odd")[1].rows if row.node.path == "up"]
    assert (row.kernel, row.settings) == ("2×2", "up 2")


def test_branches_give_the_range_from_the_narrowest_path_to_all_together():
    fields = fields_of("session08", add_skip=True)
    assert fields["block2.0.add"].text == "6–10"
    assert fields["block3.2.add"].text == "8–44"
    fields = fields_of("dense")
    assert fields["cat"].text == "3–5"
    assert fields["cat:2"].text == "3–9"
    assert fields["mul"].low == (3, 3)
    assert fields["mul"].high >= (32, 32)  # the gate is a mean over the whole image


def test_the_graph_shows_functions_between_layers_and_what_reads_what():
    model, architecture = described("deep")
    nodes = {node.path: node for node in architecture.graph}
    join = nodes["blocks.0.add"]
    assert [architecture.graph.nodes[i].path for i in join.inputs] == ["blocks.0.norm2", "blocks.0.short"]
    assert nodes["blocks.0.relu:2"].inputs == (join.index,)
    assert [architecture.graph.nodes[i].path for i in nodes["blocks.1.conv1"].inputs] == ["blocks.0.relu:2"]
    assert nodes["blocks.10.add"].category == "join"
    assert len([node for node in architecture.graph if node.category == "conv"]) == 42
    assert len([node for node in architecture.graph if node.category == "norm"]) == len(norm_layers(model))


@pytest.mark.parametrize("norm", ["bn", "ln", "ln-element", "ln-channel", "gn:4", "gn:c4", "in", "none"])
@pytest.mark.parametrize("name", [*NETWORKS, "deep", "dense"])
def test_every_parameter_is_counted_once_and_shapes_are_those_of_the_forward_pass(name, norm):
    model, architecture = described(name, norm)
    outside = 24 if name == "dense" else 0  # its scale belongs to no layer
    assert sum(row.params for row in architecture.rows) + outside == architecture.params
    assert architecture.params == sum(parameter.numel() for parameter in model.parameters())
    assert any("24 parameters lie outside" in note for note in architecture.notes) == bool(outside)
    in_norms = [parameter for layer in norm_layers(model).values() for parameter in layer.parameters()]
    assert architecture.norm_params == sum(parameter.numel() for parameter in in_norms)
    assert architecture.graph.nodes[architecture.graph.output].out_shape == (10,)
    for row in architecture.rows[1:]:
        shapes = [architecture.graph.nodes[index].out_shape for index in row.node.inputs]
        assert row.node.in_shape in shapes


def test_multiply_adds_of_convolutions_are_those_of_the_formula():
    _, architecture = described("session08")
    convs = [row for row in architecture.rows if row.node.category == "conv"]
    for row in convs:
        conv, (_, H, W) = row.node.layer, row.node.out_shape
        assert row.mult_adds == conv.weight.numel() * H * W
    assert sum(row.mult_adds for row in convs) == architecture.mult_adds - architecture.norm_params


def test_tracing_leaves_mode_statistics_randomness_and_hooks_as_they_were():
    model, _ = described("residual8")
    model[0].eval()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    state, modes = torch.get_rng_state(), [module.training for module in model.modules()]
    trace(model, (3, 32, 32))
    assert [module.training for module in model.modules()] == modes
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())


def test_a_network_that_leaves_torch_is_refused_in_one_line():
    model = build_model(networks.detour, "bn")
    with pytest.raises(ModelError, match="'mine' cannot be traced: its logits do not come from the image"):
        trace(model, (3, 32, 32), "mine")


def test_a_module_that_leaves_torch_inside_a_network_counts_as_seeing_everything():
    class Mirror(nn.Module):
        def forward(self, x):
            return torch.from_numpy(x.numpy()[:, :, ::-1].copy())

    model = nn.Sequential(nn.Conv2d(3, 4, 3), Mirror(), nn.Conv2d(4, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    architecture = describe(model, "mine", parse_norm("none"), (3, 8, 8), 4)
    kinds = [row.node.kind for row in architecture.rows]
    assert kinds == ["image", "Conv2d", "Mirror", "Conv2d", "AdaptiveAvgPool2d", "Flatten"]
    assert architecture.rows[2].field.high == (8, 8)
    assert any("out of sight" in note for note in architecture.notes)


@pytest.mark.parametrize(
    ("norm", "words"),
    [("gn:4", "whole image"), ("in", "whole image"), ("ln-element", "whole image"), ("bn", "all images of the batch"),
     ("ln-channel", ""), ("none", "")],
)  # fmt: skip
def test_a_note_says_what_norms_do_to_receptive_fields(norm, words):
    _, architecture = described("small", norm)
    assert any(words in note for note in architecture.notes) if words else architecture.notes == ()


@pytest.mark.parametrize("width", [80, 100, 120, 200])
@pytest.mark.parametrize("name", ["session08", "deep", "odd", "lcifar"])
def test_the_table_fits_the_terminal_and_cuts_no_number(name, width):
    _, architecture = described(name, "gn:4")
    console = Console(width=width, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    print_architecture(architecture, console)
    lines = console.export_text().splitlines()
    assert max(map(len, lines)) <= width
    table = [line for line in lines if any(row.node.path.split(".")[-1] in line for row in architecture.rows)]
    assert len(table) >= len(architecture.rows)
    assert not any("…" in line[30:] for line in lines)
    assert f"{architecture.params:,}" in "\n".join(lines)


def test_json_is_one_object_with_every_row(capsys):
    assert main(["show", "mnist_s6", "--norm", "gn:4", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["network"], shown["norm"], shown["input_shape"]) == ("mnist_s6", "gn:4", [1, 28, 28])
    assert shown["params"] == 8_008
    assert shown["layers"][1]["window"]["kernel"] == [3, 3]
    assert shown["layers"][1]["receptive_field"] == {"low": [3, 3], "high": [3, 3], "jump": [1, 1], "size": [26, 26]}
    assert sum(layer["params"] for layer in shown["layers"]) == 8_008


WRONG = [
    (["sesion08"], "did you mean 'session08'"),
    (["nowhere:make"], "no module 'nowhere'"),
    (["session08", "--norm", "bm"], "unknown norm 'bm'"),
    (["session08", "--norm", "gn:7"], "7 groups"),
    (["session08", "--model-option", "add_skp=true"], "did you mean 'add_skip'"),
    (["session08", "--model-option", "image_size=8"], "give it by --input"),
    (["session08", "--model-option", "dropout=much"], "a rate in [0, 1)"),
    (["session08", "--input", "3,32"], "such as 3,32,32"),
    (["session08", "--input", ""], "such as 3,32,32"),
    (["session08", "--input", "3,0,32"], "1 or more"),
    (["session08", "--num-classes", "0"], "num_classes"),
    (["wynet", "--input", "3,2,2"], "too small for wynet"),
    (["lcifar", "--input", "3,8,8"], "too small for lcifar"),
    (["session08", "--input", "3,2,2"], "images of 3x2x2"),
    (["small.svg"], "unknown network"),
    (["session08", "--svg", "/proc/none/a.svg"], "cannot be written"),
    (["digits_net", "--svg", "/"], "is a folder"),
    ([], "MODEL"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "words"), WRONG, ids=str)
def test_wrong_input_ends_in_one_line_and_code_2(tmp_path, monkeypatch, capsys, arguments, words):
    monkeypatch.chdir(tmp_path)
    assert main(["show", *arguments]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("whichnorm: ")
    assert shown.err.count("\n") == 1
    assert words in shown.err
    assert list(tmp_path.iterdir()) == []
