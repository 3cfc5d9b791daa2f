"""The sets and their numbers, judged by the definition of each norm, by numpy and by our layers in float64."""

import itertools
import math
from decimal import Decimal

import numpy as np
import pytest
import torch
from test_worked_example import IMAGES, PUBLISHED, WRONG, agrees

import whichnorm
from whichnorm import explain, parse_norm
from whichnorm.data.load import load_data
from whichnorm.errors import SpecError
from whichnorm.explain.arrays import MAX_ELEMENTS
from whichnorm.explain.layer_input import layer_input
from whichnorm.explain.sets import set_box, set_members
from whichnorm.norms import EPS
from whichnorm.norms.layers import norm_layers
from whichnorm.norms.registry import KINDS
from whichnorm.specs.data import DataSpec
from whichnorm.training.randomness import isolated_rng, seed_global

SHAPES = [(3, 4, 1, 2), (1, 6, 3, 5), (2, 12, 1, 1), (5, 2, 4, 1), (2, 1, 3, 2), (1, 1, 1, 2), (7, 9, 2, 3)]
NORMS = ["bn", "ln", "ln-element", "ln-channel", "in", "gn:1", "gn:2", "gn:3", "gn:c2", "gn:c3"]


def same_set(norm, shape):
    """Return what names an element's set under a norm, by the definition in Wu and He, section 3.1."""
    C = shape[1]
    size = int(norm.split(":")[1].lstrip("c")) if ":" in norm else 1
    per_group = size if ":c" in norm else C // size
    return {
        "bn": lambda n, c, h, w: c,
        "ln": lambda n, c, h, w: n,
        "ln-element": lambda n, c, h, w: n,
        "ln-channel": lambda n, c, h, w: (n, h, w),
        "in": lambda n, c, h, w: (n, c),
        "gn": lambda n, c, h, w: (n, c // per_group),
    }[norm.split(":")[0]]


def fits(norm, shape):
    try:
        set_box(parse_norm(norm), shape)
        return True
    except whichnorm.SpecError:
        return False


CASES = [(norm, shape) for norm, shape in itertools.product(NORMS, SHAPES) if fits(norm, shape)]


def values_of(shape, seed=0):
    return np.random.default_rng(seed).normal(3, 2, size=shape)


@pytest.mark.parametrize(("norm", "shape"), CASES, ids=str)
def test_the_sets_are_those_of_the_definition_and_each_element_is_in_one(norm, shape):
    (sets,) = explain(values_of(shape), norms=[norm]).norms
    assert sorted(sets.members.ravel().tolist()) == list(range(math.prod(shape)))
    name = same_set(norm, shape)
    defined = {}
    for index, place in enumerate(np.ndindex(*shape)):
        defined.setdefault(name(*place), []).append(index)
    assert [sorted(row) for row in sets.members.tolist()] == sorted(defined.values())


@pytest.mark.parametrize(("norm", "shape"), CASES, ids=str)
def test_a_sets_ranges_are_its_members(norm, shape):
    (sets,) = explain(values_of(shape), norms=[norm]).norms
    for number, members in enumerate(sets.members):
        places = list(itertools.product(*sets.ranges(number)))
        assert [np.ravel_multi_index(place, shape) for place in places] == members.tolist()


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_counts_and_sizes_follow_the_formulas(shape):
    N, C, H, W = shape
    counts = {
        "bn": C,
        "ln": N,
        "ln-element": N,
        "ln-channel": N * H * W,
        "in": N * C,
        "gn:2": 2 * N,
        "gn:c3": N * C // 3,
    }
    for norm, count in counts.items():
        if fits(norm, shape):
            (sets,) = explain(values_of(shape), norms=[norm]).norms
            assert sets.num_sets == count
            assert sets.num_sets * sets.set_size == N * C * H * W


AXES = {"bn": (0, 2, 3), "ln": (1, 2, 3), "ln-element": (1, 2, 3), "ln-channel": (1,), "in": (2, 3)}


@pytest.mark.parametrize("norm", AXES)
def test_statistics_are_numpys_over_the_norms_axes(norm):
    x = values_of((4, 6, 3, 5))
    (sets,) = explain(x, norms=[norm]).norms
    np.testing.assert_allclose(sets.mean, x.mean(axis=AXES[norm]).ravel(), rtol=1e-13)
    np.testing.assert_allclose(sets.variance, x.var(axis=AXES[norm]).ravel(), rtol=1e-12)
    np.testing.assert_allclose(sets.std, x.std(axis=AXES[norm]).ravel(), rtol=1e-12)


@pytest.mark.parametrize(("norm", "shape"), CASES, ids=str)
def test_normalized_values_are_our_layers_in_float64(norm, shape):
    x = torch.from_numpy(values_of(shape))
    layer = parse_norm(norm).build(num_channels=shape[1]).double()
    (sets,) = explain(x, norms=[norm]).norms
    np.testing.assert_allclose(sets.normalized, layer(x).detach().numpy(), rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize(("norm", "what"), PUBLISHED, ids=str)
def test_the_default_is_the_published_example_with_its_two_mistakes_put_right(norm, what):
    explanation = explain(norms=[norm])
    np.testing.assert_array_equal(explanation.values, IMAGES)
    numbers = getattr(explanation.norms[0], what)
    figures = [WRONG.get((norm, what, i), figure) for i, figure in enumerate(PUBLISHED[norm, what])]
    assert len(figures) == len(numbers)
    for figure, value in zip(figures, numbers, strict=True):
        assert agrees(figure, round(Decimal(float(value)), 12))


def test_an_images_result_depends_on_its_companions_under_batch_norm_only():
    x = values_of((3, 4, 2, 2))
    changed = np.concatenate([x[:1], 5 * x[1:] + 1])
    for before, after in zip(explain(x).norms, explain(changed).norms, strict=True):
        same = np.array_equal(before.normalized[0], after.normalized[0])
        assert same == (str(before.norm) != "bn")


def test_layer_norm_is_one_group_and_instance_norm_one_channel_per_group():
    x = values_of((2, 6, 3, 3))
    for left, right in (("ln", "gn:1"), ("in", "gn:6"), ("in", "gn:c1"), ("ln", "ln-element")):
        a, b = explain(x, norms=[left, right]).norms
        np.testing.assert_array_equal(a.members, b.members)
        np.testing.assert_array_equal(a.normalized, b.normalized)


@pytest.mark.parametrize(
    ("shape", "groups", "left_out"),
    [
        ((3, 4, 1, 2), ["gn:2"], []),
        ((1, 1, 1, 2), [], ["gn", "ln-channel"]),
        ((2, 12, 1, 1), ["gn:4"], ["in"]),
        ((7, 9, 2, 3), ["gn:3"], []),
    ],
    ids=str,
)
def test_defaults_are_all_norms_that_fit_and_say_what_they_leave_out(shape, groups, left_out):
    explanation = explain(values_of(shape))
    names = [str(sets.norm) for sets in explanation.norms]
    assert [name for name in names if name.startswith("gn")] == groups
    assert sorted(line.split(":")[0] for line in explanation.left_out) == left_out
    shown = {name.split(":")[0] for name in names}
    assert shown == set(KINDS) - {"none", *left_out}


def test_a_norm_that_is_left_out_says_why():
    (reason,) = explain(values_of((2, 12, 1, 1))).left_out
    assert reason.startswith("in: each set would hold one element of the 2x12x1x1 values")
    assert "erase" in reason


def test_arrays_of_three_axes_are_one_image_and_the_callers_array_stays_its_own():
    x = np.arange(12, dtype=np.int64).reshape(3, 2, 2)
    explanation = explain(x, norms=["in"])
    assert explanation.shape == (1, 3, 2, 2)
    x[:] = 0
    assert explanation.values.max() == 11
    assert explain(x.tolist(), norms=[parse_norm("bn")]).norms[0].variance.tolist() == [0, 0, 0]
    gradient = torch.ones(2, 2, 2, dtype=torch.bfloat16, requires_grad=True)
    assert explain(gradient, norms=["bn"]).values.dtype == np.float64


def test_a_constant_set_is_normalized_to_zero_and_a_large_offset_keeps_its_digits():
    assert not explain(np.full((2, 2, 2, 2), 1e6)).norms[0].normalized.any()
    x = 1e8 + np.array([[[[0.0, 1.0, 2.0]]]])
    (sets,) = explain(x, norms=["bn"]).norms
    np.testing.assert_allclose(sets.variance, [2 / 3], rtol=1e-12)
    np.testing.assert_allclose(sets.normalized.ravel(), np.array([-1, 0, 1]) / np.sqrt(2 / 3 + EPS), rtol=1e-12)


REFUSED = [
    (np.zeros(3), None, "(N, C, H, W)"),
    (np.zeros((1, 1, 1, 1, 1)), None, "(N, C, H, W)"),
    (np.zeros((2, 0, 2, 2)), None, "no values"),
    (np.zeros((1, 1, 1, MAX_ELEMENTS + 1), np.int8), None, "1,048,577 values"),
    (np.array([[[[1.0, np.nan]]]]), None, "(0, 0, 0, 1) is nan"),
    (np.array([[[-np.inf, 0.0]]]), None, "finite"),
    (np.array([[[[1e200, -1e200]]]]), None, "overflow"),
    (np.array([[["a", "b"]]]), None, "real numbers"),
    (np.zeros((1, 2, 2), complex), None, "complex128"),
    ([[[1, 2], [3]]], None, "equal lengths"),
    (np.zeros((1, 1, 1, 1)), None, "no norm fits"),
    (None, ["gn:3"], "4 channels do not split into 3 groups"),
    (None, ["bm"], "did you mean 'bn'"),
    (None, ["none"], "no statistics"),
    (None, ["bn", "gn:2", "bn"], "twice"),
    (None, [], "no norms"),
    (np.zeros((1, 2, 1, 1)), ["bn"], "erase"),
]


@pytest.mark.parametrize(("array", "norms", "words"), REFUSED, ids=[words for *_, words in REFUSED])
def test_what_cannot_be_explained_is_refused_in_one_line(array, norms, words):
    with pytest.raises(whichnorm.WhichnormError) as refused:
        explain(array, norms)
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


def test_members_of_the_largest_map_are_found_at_once():
    members = set_members((1, 1, 1024, 1024), (1, 1, 1, 1))
    assert members.shape == (MAX_ELEMENTS, 1)


def test_a_layers_input_is_what_a_network_gives_its_norm_in_training_without_dropout():
    values, source = layer_input("digits_net", DataSpec(name="digits"), None, num_images=3, seed=1)
    again, _ = layer_input("digits_net", DataSpec(name="digits"), None, num_images=3, seed=1)
    other, _ = layer_input("digits_net", DataSpec(name="digits"), None, num_images=3, seed=2)
    np.testing.assert_array_equal(values, again)
    assert values.shape == other.shape
    assert not np.array_equal(values, other)
    assert source.startswith("Input of ")
    assert "3 test images of digits" in source


def test_a_deeper_layers_input_is_that_of_a_full_forward_pass():
    images = load_data(DataSpec(name="digits")).test.images[:3]
    train = load_data(DataSpec(name="digits")).train.images / 255
    with isolated_rng():
        seed_global(1, "init")
        network = whichnorm.build_model("session08", "bn", 10, 1, image_size=8, dropout=0)
    seen = {}
    for path, layer in norm_layers(network).items():
        layer.register_forward_hook(lambda _, inputs, __, path=path: seen.update({path: inputs[0].detach()}))
    network.train()((images / 255 - train.mean()) / train.std(correction=0))
    for path in seen:
        values, _ = layer_input("session08", DataSpec(name="digits"), path, num_images=3, seed=1)
        np.testing.assert_allclose(values, seen[path], rtol=1e-3, atol=1e-4)
    assert len(seen) == 8


def test_a_layers_input_leaves_the_callers_random_numbers_alone():
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    layer_input("digits_net", DataSpec(name="digits"), None, num_images=1, seed=1)
    torch.testing.assert_close(torch.rand(3), expected)


# ----- learnable parameters and features without a place


@pytest.mark.parametrize(
    "norm", ["bn", "ln", "ln-element", "ln-channel", "in", "gn:2", "gn:c2", "bn:noaffine", "ln-element:noaffine"]
)
@pytest.mark.parametrize("shape", [(2, 8, 3, 5), (4, 16, 1, 2)], ids=str)
def test_the_number_of_parameters_is_that_of_the_layer(norm, shape):
    spec = parse_norm(norm)
    layer = spec.build(num_channels=shape[1])
    layer(torch.randn(shape))  # the size of ln-element is found here
    assert spec.num_parameters(shape) == sum(p.numel() for p in layer.parameters())


def test_four_channels_have_eight_parameters_however_many_images_and_groups():
    numbers = {str(sets.norm): sets.norm.num_parameters(sets.shape) for sets in explain().norms}
    assert numbers == {"bn": 8, "ln": 8, "ln-element": 16, "ln-channel": 8, "gn:2": 8, "in": 8}


def test_features_are_channels_of_one_pixel():
    x = values_of((5, 6))
    batch_norm, layer_norm = explain(x, norms=["bn", "ln"]).norms
    assert batch_norm.shape == (5, 6, 1, 1)
    np.testing.assert_allclose(batch_norm.mean, x.mean(axis=0))
    reference = torch.nn.functional.layer_norm(torch.tensor(x), (6,), eps=1e-5)
    np.testing.assert_allclose(layer_norm.normalized[:, :, 0, 0], reference)
    with pytest.raises(SpecError, match="each set would hold one element"):
        explain(x, norms=["in"])
