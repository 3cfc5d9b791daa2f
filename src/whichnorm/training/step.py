"""The forward and backward pass of a training step: the one that trains, that a plan times and that memory is measured
of."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from whichnorm.norms.layers import norm_parameter_names
from whichnorm.specs.arm import ArmSpec
from whichnorm.specs.study import RunSpec
from whichnorm.training import audit
from whichnorm.training.machine import autocast


def add_gradients(model: nn.Module, images: Tensor, labels: Tensor, run: RunSpec) -> tuple[Tensor, Tensor]:
    """Run one forward pass of a step and add its share of the step's gradients to those on the network.

    Images are (B, C, H, W) float32 in [0, 1] and then standardized, labels (B,). Returned are the logits
    (B, num_classes) and the loss, a scalar, both float32: the mean cross-entropy, with the recipe's smoothing, without
    the arm's penalty, and not divided by the number of forward passes per step.
    """
    with autocast(run.machine):
        logits = model(images)
    logits = logits.float()
    loss = F.cross_entropy(logits, labels, label_smoothing=run.recipe.label_smoothing)
    trained_on = loss if run.arm.loss == "cross-entropy" else argmax_loss(logits, labels)
    ((trained_on + penalty(model, run.arm)) / run.recipe.accumulation).backward()
    return logits, loss


def argmax_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the mean squared error of the number of the named class: a published fault, kept to show what it does.

    The argmax is constant around almost every point, so the gradient is zero everywhere. Autograd has no path through
    it; the second term is one, with that gradient.
    """
    return F.mse_loss(logits.argmax(1).float(), labels.float()) + 0 * logits.sum()


def penalty(model: nn.Module, arm: ArmSpec) -> Tensor | float:
    """Return l1 sum |w| + l2 sum w^2 over the weights outside norm layers and biases; differentiable."""
    if not arm.l1 and not arm.l2:
        return 0.0
    of_norms = norm_parameter_names(model)
    weights = [p for name, p in audit.trainable(model).items() if name not in of_norms and p.dim() > 1]
    l1 = torch.stack([w.abs().sum() for w in weights]).sum()
    l2 = torch.stack([w.square().sum() for w in weights]).sum()
    return arm.l1 * l1 + arm.l2 * l2
