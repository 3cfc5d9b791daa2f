"""The audit finds each fault that was planted, and accepts every honest network."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from whichnorm.errors import ModelError
from whichnorm.models import NETWORKS, build_model
from whichnorm.norms import layers, parse_norm
from whichnorm.training import randomness
from whichnorm.training.audit import (
    check_gradients,
    check_in_optimizer,
    check_moved,
    check_norm_layers,
    count_norm_params,
    count_params,
    describe_layer,
    shared_weights_digest,
    trainable,
)

NORMS = ["bn", "ln", "ln-element", "ln-channel", "gn:2", "gn:4", "gn:8", "gn:c1", "gn:c2", "in"]
NORMS += [f"{norm}:noaffine" for norm in NORMS]
IMAGES = torch.randn(4, 1, 6, 6, generator=torch.Generator().manual_seed(0))


def network(*norms, bias=False):
    """A small network with these norm layers, each a spec's text or a layer, after a convolution of 8 channels."""
    torch.manual_seed(0)
    parts, in_channels = [], 1
    for norm in norms:
        layer = parse_norm(norm).build(num_channels=8) if isinstance(norm, str) else norm
        parts += [nn.Conv2d(in_channels, 8, 3, padding=1, bias=bias), layer, nn.ReLU()]
        in_channels = 8
    model = nn.Sequential(*parts, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(in_channels, 3))
    with torch.no_grad():
        model(IMAGES)  # gives lazy layers their size
    return model


def digits_net(norm, seed=0):
    with randomness.isolated_rng():
        randomness.seed_global(seed, "init")
        return build_model("digits_net", norm, in_channels=1)


def backward(model):
    model.zero_grad()
    F.cross_entropy(model(IMAGES), torch.tensor([0, 1, 2, 0])).backward()


def copied(model):
    return {name: p.detach().clone() for name, p in trainable(model).items()}


def assert_refused(function, match):
    with pytest.raises(ModelError, match=match) as caught:
        function()
    assert "\n" not in str(caught.value)


# ----- norm layers


@pytest.mark.parametrize("norm", [*NORMS, "none"])
def test_every_norms_own_network_is_accepted(norm):
    found = check_norm_layers(digits_net(norm), parse_norm(norm))
    assert sum(found.values()) == (0 if norm == "none" else 4)
    assert len(found) == (0 if norm == "none" else 1) or norm.startswith("gn:c")


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("norm", ["bn", "gn:4"])
def test_every_network_of_the_package_is_accepted(name, norm):
    model = build_model(name, norm, in_channels=1 if name in ("digits_net", "mnist_s6") else 3)
    assert sum(check_norm_layers(model, parse_norm(norm)).values()) > 0


@pytest.mark.parametrize(
    ("norm", "found"),
    [
        ("bn", {"BatchNorm2d": 2}),
        ("ln", {"GroupNorm(1 group)": 2}),
        ("gn:4", {"GroupNorm(4 groups)": 2}),
        ("gn:c2", {"GroupNorm(4 groups)": 2}),
        ("in:noaffine", {"InstanceNorm2d without affine": 2}),
        ("ln-element", {"LayerNorm": 2}),
        ("ln-channel:noaffine", {"ChannelLayerNorm without affine": 2}),
        ("none", {}),
    ],
)
def test_what_is_found_is_named_and_counted(norm, found):
    assert check_norm_layers(network(norm, norm), parse_norm(norm)) == found


@pytest.mark.parametrize("norm", NORMS)
def test_a_layer_is_the_same_before_and_after_it_has_its_size(norm):
    spec = parse_norm(norm)
    assert check_norm_layers(nn.Sequential(spec.build(num_channels=8)), spec)
    assert check_norm_layers(network(norm), spec)


@pytest.mark.parametrize("made", NORMS)
@pytest.mark.parametrize("label", [*NORMS, "none"])
def test_a_network_is_accepted_under_no_other_norms_label(made, label):
    same = [
        {"gn:8", "gn:c1"},
        {"gn:4", "gn:c2"},
        {"gn:8:noaffine", "gn:c1:noaffine"},
        {"gn:4:noaffine", "gn:c2:noaffine"},
    ]
    model = network(made)
    if made == label or {made, label} in same:
        assert sum(check_norm_layers(model, parse_norm(label)).values()) == 1
    else:
        assert_refused(lambda: check_norm_layers(model, parse_norm(label)), f"arm {label}: .*did not make")


@pytest.mark.parametrize("label", [*NORMS, "none"])
@pytest.mark.parametrize(
    "stock",
    [
        nn.BatchNorm2d(8), nn.BatchNorm2d(8, affine=False), nn.GroupNorm(4, 8), nn.GroupNorm(1, 8), nn.GroupNorm(8, 8),
        nn.InstanceNorm2d(8), nn.InstanceNorm2d(8, affine=True), nn.LayerNorm((8, 6, 6)), nn.LocalResponseNorm(2),
    ],
    ids=str,
)  # fmt: skip
def test_torchs_own_layer_is_refused_under_every_label(stock, label):
    assert_refused(lambda: check_norm_layers(network(stock), parse_norm(label)), type(stock).__name__)


def test_a_hard_coded_batch_norm_under_a_groupnorm_label_is_named_with_its_place():
    model = network("gn:4", nn.BatchNorm2d(8), "gn:4")
    assert_refused(
        lambda: check_norm_layers(model, parse_norm("gn:4")),
        r"arm gn:4: the network has a BatchNorm2d at '4' that the arm's norm did not make.*norm\(num_channels\)",
    )


def test_one_layer_of_another_norm_among_many_is_found():
    assert_refused(
        lambda: check_norm_layers(network("bn", "bn", "ln"), parse_norm("bn")), r"GroupNorm\(1 group\) at '7'"
    )
    assert_refused(lambda: check_norm_layers(network("gn:4", "gn:2"), parse_norm("gn:4")), r"GroupNorm\(2 groups\)")
    assert_refused(
        lambda: check_norm_layers(network("bn", "bn:noaffine"), parse_norm("bn")), "BatchNorm2d without affine"
    )


def test_another_eps_is_found():
    assert_refused(
        lambda: check_norm_layers(network(layers.BatchNorm2d(8, eps=1e-3)), parse_norm("bn")), "did not make"
    )


@pytest.mark.parametrize("norm", NORMS)
def test_a_network_without_norm_layers_is_refused_but_under_none(norm):
    model = network("none", "none")
    assert_refused(lambda: check_norm_layers(model, parse_norm(norm)), f"arm {norm}: the network has no norm layer")
    assert check_norm_layers(model, parse_norm("none")) == {}


@pytest.mark.parametrize("label", ["gn:8", "gn:c8"])
def test_a_foreign_layer_whose_channels_do_not_fit_the_label_is_a_model_error(label):
    """Building the label's own norm for 12 channels is impossible, which must not hide what was found."""
    model = nn.Sequential(nn.BatchNorm2d(12))
    assert_refused(
        lambda: check_norm_layers(model, parse_norm(label)), "BatchNorm2d at '0' that the arm's norm did not"
    )


def test_layers_are_described_by_kind_groups_and_affine():
    assert describe_layer(nn.GroupNorm(1, 4)) == "GroupNorm(1 group)"
    assert describe_layer(nn.GroupNorm(2, 4, affine=False)) == "GroupNorm(2 groups) without affine"
    assert describe_layer(nn.BatchNorm2d(4)) == "BatchNorm2d"


# ----- shared weights


@pytest.mark.parametrize("seed", [0, 5])
def test_at_one_seed_every_norm_starts_from_the_same_shared_weights(seed):
    assert len({shared_weights_digest(digits_net(norm, seed)) for norm in [*NORMS, "none"]}) == 1


def test_seeds_start_from_different_weights():
    assert len({shared_weights_digest(digits_net("bn", seed)) for seed in range(5)}) == 5


def test_the_digest_sees_every_shared_value_and_shape_and_no_norm_parameter():
    model = digits_net("bn")
    before = shared_weights_digest(model)
    assert len(before) == 16
    assert int(before, 16) >= 0
    names = set(dict(model.named_parameters()))
    of_norms = {n for n in names if isinstance(model.get_submodule(n.rpartition(".")[0]), nn.BatchNorm2d)}
    assert of_norms
    for name, p in model.named_parameters():
        value = p.detach().clone()
        with torch.no_grad():
            p.view(-1)[-1] += 0.5
        assert (shared_weights_digest(model) == before) is (name in of_norms), name
        with torch.no_grad():
            p.copy_(value)
    assert shared_weights_digest(nn.Linear(2, 3, bias=False)) != shared_weights_digest(nn.Linear(3, 2, bias=False))


def test_the_digest_does_not_depend_on_shape_alone_or_on_the_memory_format():
    model = digits_net("bn")
    before = shared_weights_digest(model)
    assert shared_weights_digest(model.to(memory_format=torch.channels_last)) == before
    wide, tall = nn.Linear(2, 3, bias=False), nn.Linear(3, 2, bias=False)
    with torch.no_grad():
        tall.weight.copy_(wide.weight.reshape(2, 3))
    assert shared_weights_digest(wide) != shared_weights_digest(tall)


# ----- counts


def test_parameters_are_counted_where_they_are_trainable():
    model = network("gn:4", bias=True)
    assert count_params(model) == (8 * 9 + 8) + 2 * 8 + (8 * 3 + 3)
    assert count_norm_params(model) == 16
    model[0].weight.requires_grad_(False)
    model[1].bias.requires_grad_(False)
    assert count_params(model) == 8 + 8 + 27
    assert count_norm_params(model) == 8
    assert set(trainable(model)) == {"0.bias", "1.weight", "5.weight", "5.bias"}


@pytest.mark.parametrize(("norm", "count"), [("bn", 16), ("ln-element", 2 * 8 * 36), ("in:noaffine", 0), ("none", 0)])
def test_norm_parameters_are_counted_by_kind(norm, count):
    assert count_norm_params(network(norm)) == count


# ----- optimizer


def test_an_optimizer_of_this_network_is_accepted():
    model = network("bn", bias=True)
    check_in_optimizer(model, torch.optim.SGD(model.parameters(), lr=0.1))
    groups = [{"params": [p]} for p in model.parameters()]
    check_in_optimizer(model, torch.optim.AdamW(groups))
    model[0].weight.requires_grad_(False)
    check_in_optimizer(model, torch.optim.SGD(trainable(model).values(), lr=0.1))


def test_an_optimizer_of_another_network_is_refused():
    model, other = network("bn"), network("bn")
    assert_refused(
        lambda: check_in_optimizer(model, torch.optim.SGD(other.parameters(), lr=0.1)),
        "lacks 5 .*among them '0.weight'",
    )


@pytest.mark.parametrize("missing", ["0.weight", "1.bias", "5.weight"])
def test_an_optimizer_that_lacks_a_parameter_names_it(missing):
    model = network("bn")
    held = [p for name, p in model.named_parameters() if name != missing]
    assert_refused(lambda: check_in_optimizer(model, torch.optim.SGD(held, lr=0.1)), f"lacks 1 .*'{missing}'")


def test_an_optimizer_with_foreign_parameters_is_refused():
    model, other = network("bn"), nn.Linear(2, 2)
    held = [*model.parameters(), *other.parameters()]
    assert_refused(lambda: check_in_optimizer(model, torch.optim.SGD(held, lr=0.1)), "holds 2 parameters that are not")


# ----- gradients


def test_a_parameter_that_the_loss_does_not_reach_is_named():
    model = network("bn")
    model.add_module("unused", nn.Linear(2, 2, bias=False))
    model.forward = lambda images: nn.Sequential(*list(model.children())[:-1])(images)
    backward(model)
    assert_refused(lambda: check_gradients(model), "1 trainable parameters do not affect the loss.*'unused.weight'")
    model.unused.weight.requires_grad_(False)
    assert check_gradients(model) == []


def test_parameters_with_a_zero_gradient_are_listed():
    model = network("bn")
    backward(model)
    assert check_gradients(model) == []
    model[1].bias.grad.zero_()
    assert check_gradients(model) == ["1.bias"]
    model[0].weight.grad.fill_(float("nan"))
    assert check_gradients(model) == ["1.bias"]


# ----- the first step


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("optimizer_of", [torch.optim.SGD, torch.optim.AdamW])
@pytest.mark.parametrize("learning_rate", [0.1, 1e-3])
def test_an_honest_first_step_is_accepted_with_biases_that_the_norm_takes_out(norm, optimizer_of, learning_rate):
    """A convolution's bias before a norm has a gradient of rounding errors, and may stay where it is."""
    torch.manual_seed(0)
    model = network(norm, norm, bias=True)
    optimizer = optimizer_of(model.parameters(), lr=learning_rate)
    backward(model)
    zero, before = check_gradients(model), copied(model)
    optimizer.step()
    check_moved(before, model, learning_rate, zero)
    assert not torch.equal(before["0.weight"], model[0].weight)


def test_a_bias_whose_gradient_rounds_away_may_stay():
    model = network("bn", bias=True)
    backward(model)
    with torch.no_grad():
        model[0].bias.fill_(1.0)
        model[0].bias.grad.fill_(1e-9)  # 0.1 * 1e-9 beside 1: below float32's resolution
    before = copied(model)
    torch.optim.SGD(model.parameters(), lr=0.1).step()
    assert torch.equal(before["0.bias"], model[0].bias)
    check_moved(before, model, 0.1, [])


def test_an_optimizer_attached_to_a_copy_moves_nothing_and_is_found():
    model, twin = network("gn:4"), network("gn:4")
    twin.load_state_dict(model.state_dict())
    optimizer = torch.optim.SGD(twin.parameters(), lr=0.1)
    backward(model)
    for p, q in zip(model.parameters(), twin.parameters(), strict=True):
        q.grad = p.grad
    before = copied(model)
    optimizer.step()
    assert_refused(lambda: check_moved(before, model, 0.1, []), "parameter '0.weight' did not move in the first step")


@pytest.mark.parametrize("left_out", ["0.weight", "1.weight", "1.bias", "5.weight", "5.bias"])
def test_one_parameter_left_out_of_the_step_is_named(left_out):
    model = network("bn")
    backward(model)
    before = copied(model)
    torch.optim.SGD([p for name, p in model.named_parameters() if name != left_out], lr=0.1).step()
    assert_refused(lambda: check_moved(before, model, 0.1, []), f"parameter '{left_out}' did not move")
    check_moved(before, model, 0.1, [left_out])  # a zero gradient would excuse it


def test_a_learning_rate_of_zero_excuses_every_parameter():
    model = network("bn")
    backward(model)
    before = copied(model)
    torch.optim.SGD(model.parameters(), lr=0.0).step()
    check_moved(before, model, 0.0, [])
    assert_refused(lambda: check_moved(before, model, 0.1, []), "did not move")
