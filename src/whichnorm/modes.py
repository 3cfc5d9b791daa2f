"""Evaluation mode for a while: beside the errors, because networks, architecture and training all need it."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy


@contextmanager
def evaluating(network: nn.Module, *, buffers: bool = True) -> Iterator[None]:
    """Put a network in evaluation mode for a while, and give it back as it was, also after an error.

    Every module has its own mode back, which need not be the network's; the caller's random state is given back, on
    the CPU and on the network's GPUs. So are the buffers that have values already, unless told otherwise.
    """
    modes = {module: module.training for module in network.modules()}
    held = _buffers(network) if buffers else []
    try:
        with torch.random.fork_rng(devices=_gpus(network)):
            network.eval()
            yield
    finally:
        network.train(modes[network])  # a network of the user's own may do more in it than set modes
        for module, mode in modes.items():
            module.training = mode
        for module, name, buffer, value in held:
            setattr(module, name, buffer.copy_(value))  # the tensor that was there, also where it was replaced


def _buffers(network: nn.Module) -> list[tuple[nn.Module, str, Tensor, Tensor]]:
    """Return every buffer with its module and name, and a copy of its values."""
    return [
        (module, name, buffer, buffer.clone())
        for module in network.modules()
        for name, buffer in module.named_buffers(recurse=False)
        if not is_lazy(buffer)
    ]


def _gpus(network: nn.Module) -> list[torch.device]:
    """Return the GPUs that hold the network, whose random state is apart from the CPU's."""
    return list({parameter.device for parameter in network.parameters() if parameter.device.type == "cuda"})
