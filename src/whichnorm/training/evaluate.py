"""Scores of a network on a split: loss, top-1 accuracy and logits, left on the device until they are read."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from whichnorm.data.augment import normalize
from whichnorm.data.batches import batches
from whichnorm.data.dataset import ImageSet
from whichnorm.modes import evaluating
from whichnorm.specs.study import MachineSpec
from whichnorm.training.machine import autocast

BATCH = 250  # images; small enough for a processor's cache, and of no effect on the result in evaluation mode


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The logits (N, num_classes) float32 of a split and its labels (N,), on the device."""

    logits: Tensor
    labels: Tensor

    @property
    def loss(self) -> Tensor:
        """Mean cross-entropy in nats, a scalar on the device."""
        return F.cross_entropy(self.logits, self.labels)

    @property
    def accuracy(self) -> Tensor:
        """Top-1 accuracy in [0, 1], a scalar on the device."""
        return (self.logits.argmax(1) == self.labels).float().mean()

    def predictions(self) -> list[int]:
        return self.logits.argmax(1).tolist()

    def confidences(self) -> list[float]:
        """Softmax of each image's predicted class, to four digits; 0 where the logits are not finite."""
        top = self.logits.softmax(1).amax(1).nan_to_num(0.0)
        return [round(value, 4) for value in top.tolist()]


@torch.no_grad()
def evaluate(
    model: nn.Module, images: ImageSet, mean: Sequence[float], std: Sequence[float], machine: MachineSpec
) -> Evaluation:
    """Score the network in evaluation mode; it is given back as it was, but for what it counts in buffers itself."""
    with evaluating(model, buffers=False), autocast(machine):
        parts = [model(normalize(batch, mean, std)).float() for batch, _ in batches(images, BATCH, order=None)]
    return Evaluation(torch.cat(parts), images.labels)
