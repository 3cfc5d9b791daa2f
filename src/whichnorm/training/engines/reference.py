"""The reference engine: one operation after the other, as it is written."""

from collections.abc import Iterator

import torch
from torch import nn
from torch.nn import functional as F

from whichnorm.training.engines.engine import Epoch, Sums
from whichnorm.training.network import set_rates
from whichnorm.training.step import add_gradients


def reference(epoch: Epoch, model: nn.Module, optimizer: torch.optim.Optimizer, sums: Sums) -> Iterator[int]:
    """Take the steps of an epoch; see `Engine`."""
    recipe = epoch.run.recipe
    for number, (images, labels) in enumerate(epoch.images()):  # (B, C, H, W), (B,)
        logits, loss = add_gradients(model, images, labels, epoch.run)  # (B, num_classes), ()
        with torch.no_grad():
            sums.loss += F.cross_entropy(logits, labels) if recipe.label_smoothing else loss
            sums.correct += (logits.argmax(1) == labels).sum()
        step, turn = divmod(number, recipe.accumulation)
        if turn + 1 < recipe.accumulation:
            continue
        set_rates(optimizer, epoch.rates(step))
        optimizer.step()
        optimizer.zero_grad()
        yield step + 1
