"""A network that was in evaluation mode for a while is the network that it was before."""

import copy

import pytest
import torch
from torch import nn

from whichnorm.models import build_model
from whichnorm.modes import evaluating

NORMS = ["bn", "ln", "ln-element", "ln-channel", "gn:4", "in", "none"]
IMAGES = torch.randn(4, 1, 8, 8, generator=torch.Generator().manual_seed(0))


def modes(network):
    return [module.training for module in network.modules()]


class Counting(nn.Module):
    """Counts its evaluations, draws in them, and replaces its buffer instead of changing it."""

    def __init__(self):
        super().__init__()
        self.register_buffer("count", torch.zeros(1))

    def forward(self, x):
        if not self.training:
            self.count = self.count + 1
            torch.rand(3)
        return x


@pytest.mark.parametrize("norm", NORMS)
def test_inside_the_whole_network_is_in_evaluation_mode_and_afterwards_each_module_in_its_own(norm):
    network = build_model("digits_net", norm, in_channels=1)
    next(network.children()).eval()
    before = modes(network)
    assert len(set(before)) == 2
    with evaluating(network):
        assert not any(modes(network))
        network(IMAGES)
    assert modes(network) == before


def test_modes_buffers_and_the_random_state_come_back_after_an_error_too():
    network = nn.Sequential(nn.BatchNorm2d(1), Counting())
    network[0].eval()
    before, values, state = modes(network), copy.deepcopy(network.state_dict()), torch.get_rng_state()
    buffer = network[1].count

    def change_and_fail():
        with evaluating(network):
            network[0].train()(IMAGES)
            network[1](IMAGES)
            assert network[1].count == 1
            raise KeyError

    with pytest.raises(KeyError):
        change_and_fail()
    assert modes(network) == before
    assert torch.equal(torch.get_rng_state(), state)
    assert network[1].count is buffer
    for name, value in network.state_dict().items():
        assert torch.equal(value, values[name])


def test_buffers_can_be_left_to_the_network():
    network = Counting()
    with evaluating(network, buffers=False):
        network(IMAGES)
    assert network.count == 1
    assert network.training


def test_what_a_network_does_itself_on_a_change_of_mode_is_done_both_ways():
    class Merging(nn.Module):
        """Merges its branches for evaluation, as re-parameterized networks do."""

        merged = False

        def train(self, mode=True):
            self.merged = not mode
            return super().train(mode)

    network = Merging()
    with evaluating(network):
        assert network.merged
    assert not network.merged


def test_lazy_layers_get_their_size_inside():
    network = nn.Sequential(nn.LazyBatchNorm2d(), nn.Flatten(), nn.LazyLinear(2))
    with evaluating(network):
        assert network(IMAGES).shape == (4, 2)
    assert all(modes(network))
    assert network[0].running_mean.shape == (1,)
