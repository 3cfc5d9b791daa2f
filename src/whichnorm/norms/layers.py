"""Norm layers: torch's own classes with the forward pass of `whichnorm.norms.kernel`.

They keep torch's parameters, buffers and state dict, so checkpoints, `isinstance` tests and other tools see the layers
they know.
"""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.instancenorm import _InstanceNorm
from torch.nn.modules.lazy import LazyModuleMixin
from torch.nn.parameter import UninitializedParameter

from whichnorm.errors import ModelError
from whichnorm.norms import kernel


class BatchNorm2d(nn.BatchNorm2d):
    """Batch normalization: statistics over the batch in training, running statistics in evaluation."""

    def forward(self, input: Tensor) -> Tensor:
        if not self.training:
            running_mean, running_var = cast(Tensor, self.running_mean), cast(Tensor, self.running_var)
            return kernel.fixed_norm(input, running_mean, running_var, self.weight, self.bias, self.eps)
        y, mean, var = kernel.batch_norm(input, self.weight, self.bias, self.eps)
        self._update(mean, var, input.numel() // input.shape[1])
        return y

    @torch.no_grad()
    def _update(self, mean: Tensor, var: Tensor, count: int) -> None:
        """Move the running statistics by the batch's; the running variance is unbiased, as in torch."""
        momentum = cast(float, self.momentum)
        cast(Tensor, self.num_batches_tracked).add_(1)
        cast(Tensor, self.running_mean).lerp_(mean.to(self.running_mean), momentum)
        cast(Tensor, self.running_var).lerp_((var * (count / (count - 1))).to(self.running_var), momentum)


class GroupNorm(nn.GroupNorm):
    """Group normalization; with one group it is LayerNorm over (C, H, W) with a weight and bias per channel."""

    def forward(self, input: Tensor) -> Tensor:
        return kernel.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)


class InstanceNorm2d(nn.InstanceNorm2d):
    """Instance normalization: one channel of one image shares statistics, in training and in evaluation."""

    def forward(self, input: Tensor) -> Tensor:
        return kernel.group_norm(input, self.num_features, self.weight, self.bias, self.eps)


class ChannelLayerNorm(nn.LayerNorm):
    """Layer normalization over C at each position of (N, C, H, W), a weight and bias per channel."""

    def forward(self, input: Tensor) -> Tensor:
        return kernel.channel_layer_norm(input, self.weight, self.bias, self.eps)


class LayerNorm(nn.LayerNorm):
    """Layer normalization over (C, H, W) of each image, a weight and bias per element."""

    def forward(self, input: Tensor) -> Tensor:
        if input.shape[1:] != self.normalized_shape:
            raise ModelError(
                f"LayerNorm with a weight per element was built for {tuple(self.normalized_shape)} and got "
                f"{tuple(input.shape[1:])} (channels, height, width): it fits one image size only"
            )
        return kernel.element_layer_norm(input, self.weight, self.bias, self.eps)


class LazyLayerNorm(LazyModuleMixin, LayerNorm):
    """A LayerNorm whose spatial size is found at the first forward pass, after which it is a LayerNorm."""

    cls_to_become = LayerNorm
    weight: UninitializedParameter  # type: ignore[assignment]
    bias: UninitializedParameter  # type: ignore[assignment]

    def __init__(self, num_channels: int, *, eps: float, affine: bool) -> None:
        super().__init__((num_channels, 1, 1), eps=eps, elementwise_affine=False)
        self.elementwise_affine = affine
        if affine:
            self.weight = UninitializedParameter()
            self.bias = UninitializedParameter()

    def initialize_parameters(self, input: Tensor) -> None:
        self.normalized_shape = tuple(input.shape[1:])
        if self.elementwise_affine and self.has_uninitialized_params():
            with torch.no_grad():
                self.weight.materialize(self.normalized_shape)
                self.bias.materialize(self.normalized_shape)
                self.reset_parameters()

    def reset_parameters(self) -> None:
        if not self.has_uninitialized_params():
            super().reset_parameters()


NORM_LAYERS: tuple[type[nn.Module], ...] = (
    _BatchNorm, _InstanceNorm, nn.GroupNorm, nn.LayerNorm, nn.RMSNorm, nn.LocalResponseNorm,
)  # fmt: skip
"""Every normalization layer of torch, and so each of ours; the way to find norm layers in a network."""


def norm_layers(model: nn.Module) -> dict[str, nn.Module]:
    """Return the norm layers of a network by their path, in the network's order."""
    return {path: layer for path, layer in model.named_modules() if isinstance(layer, NORM_LAYERS)}


def norm_parameter_names(model: nn.Module) -> set[str]:
    """Return the names of all parameters that belong to norm layers."""
    return {
        f"{path}.{name}" if path else name
        for path, layer in norm_layers(model).items()
        for name, _ in layer.named_parameters(recurse=False)
    }
