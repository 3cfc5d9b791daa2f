"""A run's network and optimizer, built from its spec."""

import torch
from torch import nn

from whichnorm.data.splits import Splits
from whichnorm.errors import ModelError
from whichnorm.models import build_model
from whichnorm.norms.layers import norm_parameter_names
from whichnorm.specs.recipe import Recipe
from whichnorm.specs.study import RunSpec
from whichnorm.training import audit, randomness
from whichnorm.training.schedule import Rates


def build_network(run: RunSpec, splits: Splits) -> nn.Module:
    """Build the run's network from the seed's initialization stream, in channels_last format on the run's device."""
    C, H, W = splits.image_shape
    with randomness.isolated_rng():
        randomness.seed_global(run.seed, "init")
        model = build_model(
            run.model.factory or run.model.name,
            run.arm.norm,
            num_classes=len(splits.class_names),
            in_channels=C,
            image_size=(H, W),
            dropout=run.recipe.dropout,
            **dict(run.model.options),
        )
    return model.to(run.machine.device, memory_format=torch.channels_last).train()  # type: ignore[call-overload]


def build_optimizer(model: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """Build the recipe's optimizer over every trainable parameter, with weight decay where the recipe wants it."""
    decayed: list[nn.Parameter] = []
    free: list[nn.Parameter] = []
    of_norms = norm_parameter_names(model)
    for name, p in audit.trainable(model).items():
        exempt = not recipe.decay_norms_and_biases and (name in of_norms or p.dim() <= 1)
        (free if exempt else decayed).append(p)
    groups = [{"params": decayed, "weight_decay": recipe.weight_decay}, {"params": free, "weight_decay": 0.0}]
    groups = [group for group in groups if group["params"]]
    if not groups:
        raise ModelError("the network has no trainable parameters")
    if recipe.optimizer == "adamw":
        return torch.optim.AdamW(groups, lr=recipe.learning_rate, betas=(recipe.momentum, 0.999))
    return torch.optim.SGD(groups, lr=recipe.learning_rate, momentum=recipe.momentum, nesterov=recipe.nesterov)


def set_rates(optimizer: torch.optim.Optimizer, now: Rates) -> None:
    for group in optimizer.param_groups:
        group["lr"] = now.learning_rate
        if "betas" in group:
            group["betas"] = (now.momentum, group["betas"][1])
        else:
            group["momentum"] = now.momentum
