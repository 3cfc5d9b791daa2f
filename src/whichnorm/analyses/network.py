"""A trained network with all that its images need, and contexts that give the network back as it was."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from whichnorm.data.augment import normalize
from whichnorm.modes import evaluating
from whichnorm.norms.layers import norm_layers
from whichnorm.specs.study import MachineSpec
from whichnorm.training.evaluate import BATCH
from whichnorm.training.machine import autocast


@dataclass(frozen=True, eq=False)
class Subject:
    """A trained network on the CPU, the scale of its pixels, and the number format it was trained in."""

    network: nn.Module
    mean: Sequence[float]
    std: Sequence[float]
    machine: MachineSpec

    @torch.no_grad()
    def logits(self, images: Tensor) -> Tensor:
        """Return the logits (N, num_classes) float32 of uint8 images (N, C, H, W), all in one forward pass."""
        with autocast(self.machine):
            return self.network(normalize(images, self.mean, self.std)).float()

    def logits_in_parts(self, images: Tensor) -> Tensor:
        """Return the same in evaluation mode, where the parts are of no effect."""
        with evaluating(self.network):
            return torch.cat([self.logits(part) for part in images.split(BATCH)])


def batch_norm_layers(network: nn.Module) -> dict[str, _BatchNorm]:
    """Return the BatchNorm layers with running statistics, by path."""
    return {
        path: layer
        for path, layer in network.named_modules()
        if isinstance(layer, _BatchNorm) and layer.running_mean is not None
    }


@contextmanager
def on_batch_statistics(network: nn.Module) -> Iterator[None]:
    """Put the norm layers alone in training mode: no dropout, and nothing of the network is updated in the end."""
    with evaluating(network):
        for layer in norm_layers(network).values():
            layer.train()
        yield


def wrapped_batches(order: Tensor, batch_size: int) -> Iterator[tuple[Tensor, int]]:
    """Yield an order (N,) in full batches with the number of new places; the last is filled up from the first."""
    for start in range(0, len(order), batch_size):
        places = (torch.arange(batch_size) + start) % len(order)
        yield order[places], min(batch_size, len(order) - start)
