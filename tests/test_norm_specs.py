"""Specs and their text, and LayerNorm with a weight per element."""

import copy
import dataclasses
import pickle

import pytest
import torch
from norm_reference import KINDS, NORMS, assert_raises_one_line, built, random_input
from torch import nn

from whichnorm.errors import ModelError, SpecError
from whichnorm.norms import (
    EPS,
    FORMS,
    BatchNormSpec,
    ChannelLayerNormSpec,
    ElementLayerNormSpec,
    GroupNormSpec,
    InstanceNormSpec,
    LayerNormSpec,
    NoNormSpec,
    layers,
    parse_norm,
)
from whichnorm.norms.layers import NORM_LAYERS, norm_layers, norm_parameter_names


def test_ln_element_finds_its_size_at_the_first_forward_pass():
    lazy = parse_norm("ln-element").build(num_channels=8)
    lazy(random_input((2, 8, 5, 4)))
    assert type(lazy) is layers.LayerNorm
    assert lazy.weight.shape == lazy.bias.shape == (8, 5, 4)
    assert bool((lazy.weight == 1).all())
    assert bool((lazy.bias == 0).all())
    assert lazy.eps == EPS


def test_ln_element_without_affine_becomes_a_layer_norm_without_parameters():
    lazy = parse_norm("ln-element:noaffine").build(num_channels=8)
    lazy(random_input((2, 8, 5, 4)))
    assert type(lazy) is layers.LayerNorm
    assert list(lazy.parameters()) == []


@pytest.mark.parametrize("norm", ["ln-element", "ln-element:noaffine"])
@pytest.mark.parametrize("shape", [(2, 8, 4, 5), (2, 8, 5, 5), (2, 9, 5, 4)], ids=str)
def test_ln_element_refuses_another_size_afterwards(norm, shape):
    layer = built(norm, (2, 8, 5, 4))
    assert_raises_one_line(ModelError, r"\(8, 5, 4\).*one image size only", lambda: layer(torch.ones(shape)))


@pytest.mark.parametrize("norm", NORMS)
def test_a_deep_copy_is_equal_and_independent(norm):
    shape = (3, 24, 5, 4)
    layer, x = built(norm, shape), random_input(shape)
    twin = copy.deepcopy(layer)
    want = twin.eval()(x)
    with torch.no_grad():
        for value in layer.state_dict().values():
            value.add_(1)
    assert torch.equal(twin(x), want)


def test_an_unused_ln_element_can_be_copied_and_loaded():
    trained = built("ln-element", (2, 8, 5, 4))
    x = random_input((2, 8, 5, 4))
    fresh = copy.deepcopy(parse_norm("ln-element").build(num_channels=8))
    fresh.load_state_dict(trained.state_dict())
    assert torch.equal(fresh(x), trained(x))
    again = built("ln-element", (2, 8, 5, 4), seed=8)
    again.load_state_dict(trained.state_dict())
    assert torch.equal(again(x), trained(x))


def test_state_of_another_size_does_not_load_into_a_sized_ln_element():
    with pytest.raises(RuntimeError, match="size mismatch"):
        built("ln-element", (2, 8, 5, 4)).load_state_dict(built("ln-element", (2, 8, 6, 4)).state_dict())


# ----- specs and their text


TEXTS = [*NORMS, "none", "gn:1", "gn:32", "gn:c16", "gn:c16:noaffine"]


@pytest.mark.parametrize("text", TEXTS)
def test_every_text_form_reads_back(text):
    spec = parse_norm(text)
    assert str(spec) == text
    assert parse_norm(str(spec)) == spec
    assert parse_norm(f"  {text.upper()} ") == spec
    assert spec.title


def test_texts_name_the_specs():
    assert parse_norm("bn") == BatchNormSpec()
    assert parse_norm("ln") == LayerNormSpec()
    assert parse_norm("ln-element:noaffine") == ElementLayerNormSpec(affine=False)
    assert parse_norm("ln-channel") == ChannelLayerNormSpec()
    assert parse_norm("in") == InstanceNormSpec()
    assert parse_norm("gn:8") == GroupNormSpec(num_groups=8)
    assert parse_norm("gn:c16:noaffine") == GroupNormSpec(channels_per_group=16, affine=False)
    assert parse_norm("none") == NoNormSpec()
    assert {str(parse_norm(form)) for form in FORMS} == set(FORMS)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("bm", r"unknown norm 'bm' \(did you mean 'bn'\?\); there are bn, ln"),
        ("batchnorm", "unknown norm 'batchnorm'.*there are bn"),
        ("ln-chanel", "did you mean 'ln-channel'"),
        ("", "unknown norm ''"),
        ("8", "unknown norm '8'"),
        ("b\nn", "unknown norm"),
        ("gn", r"needs a number of groups \(gn:8\).*gn:c16"),
        ("gn:", "needs a number of groups"),
        ("gn:noaffine", "needs a number of groups"),
        ("gn:-2", "needs a number of groups"),
        ("gn:2.5", "needs a number of groups"),
        ("gn:cc2", "needs a number of groups"),
        ("gn:0", "'gn:0'.*from 1 to 999,999"),
        ("gn:c0", "'gn:c0'.*from 1 to 999,999"),
        ("gn:1000000", "from 1 to 999,999"),
        ("gn:x", "needs a number of groups"),
        ("gn:٨", "needs a number of groups"),
        ("bn:foo", "'foo' is not an option of bn; only :noaffine is"),
        ("bn:affine", "'affine' is not an option of bn; only :noaffine is"),
        ("bn:", "is not an option of bn"),
        ("bn:8", "'8' is not an option of bn"),
        ("gn:8:4", "'4' is not an option of gn:8"),
        ("ln:noaffine:noaffine", "'noaffine:noaffine' is not an option of ln"),
        ("none:noaffine", "'noaffine' is not an option of none; it has none"),
    ],
)
def test_a_text_that_names_no_norm_is_refused_with_what_is_allowed(text, match):
    assert_raises_one_line(SpecError, match, lambda: parse_norm(text))


@pytest.mark.parametrize(
    ("norm", "num_channels", "match"),
    [
        ("gn:8", 12, r"gn:8: .*12 channels.*8 groups; 1, 2, 3, 4, 6, 12 do \(gn:6 is"),
        ("gn:c8", 12, r"gn:c8: .*12 channels.*groups of 8 channels; 1, 2, 3, 4, 6, 12 do \(gn:c6 is"),
        ("gn:16", 8, r"1, 2, 4, 8 do \(gn:8 is"),
        ("gn:2", 7, r"1, 7 do \(gn:1 is"),
    ],
)
def test_groups_that_do_not_divide_name_those_that_do(norm, num_channels, match):
    assert_raises_one_line(SpecError, match, lambda: parse_norm(norm).build(num_channels=num_channels))


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"num_groups": 2, "channels_per_group": 2},
        {"num_groups": 0},
        {"channels_per_group": -1},
        {"num_groups": 10**6},
        {"num_groups": 2.0},
        {"channels_per_group": "2"},
    ],
    ids=str,
)
def test_group_norm_needs_one_whole_number(fields):
    assert_raises_one_line(SpecError, "GroupNorm (needs|has at most)", lambda: GroupNormSpec(**fields))


@pytest.mark.parametrize("text", TEXTS)
def test_specs_are_frozen_hashable_and_can_be_pickled(text):
    spec = parse_norm(text)
    with pytest.raises(dataclasses.FrozenInstanceError):
        spec.affine = not spec.affine
    assert hash(spec) == hash(parse_norm(text))
    assert pickle.loads(pickle.dumps(spec)) == spec


def test_specs_that_differ_are_not_equal():
    assert len({parse_norm(text) for text in TEXTS}) == len(TEXTS)


def test_a_spec_is_a_factory_of_new_layers():
    spec = parse_norm("gn:4")
    first, second = spec(8), spec.build(num_channels=8)
    assert type(first) is type(second) is layers.GroupNorm
    assert first.weight is not second.weight


@pytest.mark.parametrize("norm", NORMS)
def test_every_layer_has_the_same_eps_and_starts_as_the_identity_of_scale_and_shift(norm):
    layer = parse_norm(norm).build(num_channels=24)
    layer(random_input((2, 24, 5, 4)))
    assert layer.eps == EPS == 1e-5
    assert isinstance(layer, NORM_LAYERS)
    for name, p in layer.named_parameters():
        assert bool((p == (1 if name == "weight" else 0)).all())
    assert (len(list(layer.parameters())) == 2) is parse_norm(norm).affine


def test_no_norm_is_the_identity_and_no_norm_layer():
    layer, x = parse_norm("none").build(num_channels=8), random_input((2, 8, 5, 4))
    assert layer(x) is x
    assert not isinstance(layer, NORM_LAYERS)


@pytest.mark.parametrize("norm", KINDS)
def test_norm_layers_and_their_parameters_are_found_by_type_at_any_depth(norm):
    spec = parse_norm(norm)
    model = nn.Sequential(nn.Conv2d(1, 24, 1), spec.build(24), nn.Sequential(spec.build(24), nn.Flatten()))
    model(random_input((2, 1, 5, 4)))
    assert list(norm_layers(model)) == ["1", "2.0"]
    assert norm_parameter_names(model) == {"1.weight", "1.bias", "2.0.weight", "2.0.bias"}
    assert norm_parameter_names(model[1]) == {"weight", "bias"}


def test_other_layers_of_torch_are_found_as_norm_layers_too():
    for layer in (nn.BatchNorm1d(4), nn.SyncBatchNorm(4), nn.InstanceNorm1d(4), nn.RMSNorm(4), nn.LocalResponseNorm(2)):
        assert list(norm_layers(nn.Sequential(nn.ReLU(), layer))) == ["1"]
    assert norm_layers(nn.Sequential(nn.Conv2d(1, 1, 1), nn.ReLU())) == {}
