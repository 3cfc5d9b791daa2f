"""What an engine is given, and what it owes."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

from whichnorm.data.augment import Draws, augment, draw
from whichnorm.data.batches import batches
from whichnorm.data.splits import Splits
from whichnorm.specs.study import RunSpec
from whichnorm.training import randomness
from whichnorm.training.schedule import Rates, rates


@dataclass(frozen=True, eq=False)
class Epoch:
    """An epoch before its first step: every engine sees the same images, changed alike, at the same rates."""

    run: RunSpec
    splits: Splits
    number: int  # from 0
    order: Tensor  # (num_steps * batch_size,) int64: the training images in the order in which they are used
    draws: Draws  # the changes of these images

    @classmethod
    def drawn(cls, run: RunSpec, splits: Splits, number: int) -> "Epoch":
        """Draw an epoch's order and changes: a function of the seed and the epoch's number alone."""
        num_images, device = len(splits.train), run.machine.device
        order = torch.randperm(num_images, generator=randomness.generator(run.seed, "order", number)).to(device)
        order = order[: num_images - num_images % run.recipe.batch_size]  # no step has fewer images than the others
        stream = randomness.generator(run.seed, "augmentation", number)
        draws = draw(run.recipe.augmentation, num_images, splits.image_shape, stream).to(device)
        return cls(run, splits, number, order, draws)

    @property
    def num_steps(self) -> int:
        return len(self.order) // self.run.recipe.batch_size

    @property
    def num_passes(self) -> int:
        """Return the number of forward passes in all steps."""
        return self.num_steps * self.run.recipe.accumulation

    def rates(self, step: int) -> Rates:
        """Return the learning rate and momentum of a step of this epoch, counted from 0."""
        return rates(self.run.training, self.number * self.num_steps + step, self.num_steps)

    def images(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield the images (B, C, H, W) float32, changed and standardized, and labels (B,) of every forward pass."""
        size, splits = self.run.recipe.images_per_forward, self.splits
        for number, (pixels, labels) in enumerate(batches(splits.train, size, self.order)):
            drawn = self.draws.slice(number * size, (number + 1) * size)
            yield augment(pixels, drawn, self.run.recipe.augmentation, splits.mean, splits.std), labels


@dataclass(eq=False)
class Sums:
    """Sums over an epoch's forward passes, scalars on the device: reading one makes the CPU wait for it."""

    loss: Tensor  # of the mean cross-entropies, without smoothing or penalty
    correct: Tensor  # images whose class was named

    @classmethod
    def zero(cls, device: str) -> "Sums":
        return cls(torch.zeros((), device=device), torch.zeros((), device=device))


class Engine(Protocol):
    """Computes the steps of an epoch."""

    def __call__(self, epoch: Epoch, model: nn.Module, optimizer: torch.optim.Optimizer, sums: Sums) -> Iterator[int]:
        """Take the epoch's steps, each at its rates, and yield how many are done; add every forward pass to the sums.

        The network is in training mode without gradients, and torch's global random state is the epoch's. At least the
        first step is taken by `optimizer.step()`, whose hooks look at it.
        """
