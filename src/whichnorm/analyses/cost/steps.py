"""Training steps of one arm on the first images of a study: those whose memory and time are measured."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from whichnorm.data.augment import normalize
from whichnorm.data.splits import Splits
from whichnorm.specs.study import RunSpec
from whichnorm.training.network import build_optimizer
from whichnorm.training.step import add_gradients


@dataclass(frozen=True, eq=False)
class Steps:
    """A network in training mode on its run's device, with its optimizer and the images of every forward pass."""

    run: RunSpec
    splits: Splits
    model: nn.Module
    optimizer: torch.optim.Optimizer
    images: Tensor  # (B, C, H, W) uint8
    labels: Tensor  # (B,)

    @classmethod
    def of(cls, run: RunSpec, splits: Splits, network: nn.Module) -> "Steps":
        """Take a network as it is, to the run's device. Its learning rate is 0: a step does all its work, and changes
        no weight."""
        model = network.to(run.machine.device, memory_format=torch.channels_last).train()  # type: ignore[call-overload]
        optimizer = build_optimizer(model, run.recipe)
        for group in optimizer.param_groups:
            group["lr"] = 0.0
        size = run.recipe.images_per_forward
        return cls(run, splits, model, optimizer, splits.train.images[:size], splits.train.labels[:size])

    def take(self, num_passes: int | None = None) -> None:
        """Take an optimizer step of so many forward passes, by default the recipe's."""
        for _ in range(num_passes or self.run.recipe.accumulation):
            images = normalize(self.images, self.splits.mean, self.splits.std)
            add_gradients(self.model, images, self.labels, self.run)
        self.optimizer.step()
        self.optimizer.zero_grad()
