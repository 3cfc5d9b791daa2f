"""A network called as its factory is, and run once on black images before anything relies on it."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import UninitializedParameter

from whichnorm.errors import ModelError, WhichnormError, in_a_line, shown
from whichnorm.models.factory import SIGNATURE, Factory, Norm
from whichnorm.modes import evaluating


def call(
    name: str, factory: Factory, norm: Norm, num_classes: int, in_channels: int, arguments: dict[str, Any]
) -> nn.Module:
    try:
        model = factory(norm, num_classes, in_channels, **arguments)
    except WhichnormError:  # a norm that does not fit the network says so itself
        raise
    except Exception as error:
        raise ModelError(f"network {shown(name)} failed with {in_a_line(error)}; expected is {SIGNATURE}") from error
    if not isinstance(model, nn.Module):
        raise ModelError(f"network {shown(name)} returned a {type(model).__name__}, expected a torch.nn.Module")
    return model


def dry_forward(name: str, model: nn.Module, num_classes: int, image_shape: tuple[int, int, int]) -> None:
    """Run two black images through the network, and leave everything but lazy layers as it was."""
    shape = "x".join(str(side) for side in image_shape)
    try:
        with evaluating(model), torch.no_grad():
            logits = model(torch.zeros(2, *image_shape))
    except WhichnormError:
        raise
    except Exception as error:
        raise ModelError(
            f"network {shown(name)} fails on images of {shape} (channels, height, width) with {in_a_line(error)}; "
            "check the image size and the number of channels"
        ) from error
    found = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
    if found != (2, num_classes):
        raise ModelError(
            f"network {shown(name)} gives {found} for 2 images of {shape} (channels, height, width), "
            f"expected (2, {num_classes}): logits of each class"
        )
    unsized = [key for key, value in model.named_parameters() if isinstance(value, UninitializedParameter)]
    if unsized:
        raise ModelError(f"network {shown(name)} never uses the layer of parameter {unsized[0]!r}: remove it")
