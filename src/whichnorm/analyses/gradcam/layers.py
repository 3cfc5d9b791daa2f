"""Which layers of a network have maps to look at, found by running it: by type and shape, never by name."""

from typing import Any

import torch
from torch import Tensor, nn

from whichnorm.errors import ModelError, WhichnormError, in_a_line, nearest
from whichnorm.modes import evaluating

CONVOLUTIONS = (nn.Conv2d, nn.ConvTranspose2d)
POOLING = (
    nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveMaxPool2d, nn.AdaptiveAvgPool2d, nn.LPPool2d, nn.FractionalMaxPool2d,
)  # fmt: skip
MAX_NAMES = 6  # in a message


def default_layer(network: nn.Module, images: Tensor) -> str:
    """Return the path of the module that ends the last convolutional block: its map is what the head takes in.

    Of the modules from the first convolution on, it is the last to return (N, C, H, W) with more than one position.
    Pooling counts to the head, even if it leaves several positions, because the map before it is finer. Of modules
    that return the same map the outermost is taken, such as a block instead of its last layer.
    """
    outputs = _outputs(network, images)
    modules = dict(network.named_modules())
    convolutions = [i for i, path in enumerate(outputs) if isinstance(modules[path], CONVOLUTIONS)]
    if not convolutions:
        raise ModelError("the network has no convolution layer, so it has no last convolutional block to look at")
    pooled = [output for path, output in outputs.items() if isinstance(modules[path], POOLING)]
    found = [
        path
        for path, output in list(outputs.items())[convolutions[0] :]
        if _has_positions(output) and not any(output is other for other in pooled)
    ]
    if not found:
        raise ModelError("every map of the network has one position, which cannot show where anything is")
    return found[-1]


def check_layer(network: nn.Module, layer: str, images: Tensor) -> None:
    """Raise ModelError for a layer without a map to look at; the message says which have one."""
    outputs = _outputs(network, images)
    usable = [path for path, output in outputs.items() if _has_positions(output)]
    if layer in usable:
        return
    if layer in outputs and not _is_map(outputs[layer]):
        found = tuple(outputs[layer].shape) if isinstance(outputs[layer], Tensor) else type(outputs[layer]).__name__
        problem = f"returns {found} for {len(images)} images, expected (N, C, H, W)"
    elif layer in outputs:
        problem = "returns maps of one position, which cannot show where anything is"
    elif layer and layer in dict(network.named_modules(remove_duplicate=False)):
        problem = "is a part that the network never runs under this name"
    else:
        problem = f"is not in the network{nearest(layer, usable)}"
    last = f"the last with maps are {', '.join(usable[-MAX_NAMES:])}" if usable else "no layer has a map"
    raise ModelError(f"layer {layer!r} {problem}; {last}")


def _is_map(output: object) -> bool:
    return isinstance(output, Tensor) and output.dim() == 4


def _has_positions(output: Any) -> bool:
    return _is_map(output) and output.shape[2:].numel() > 1


@torch.no_grad()
def _outputs(network: nn.Module, images: Tensor) -> dict[str, Any]:
    """Run images through the network; return what every module inside it last returned, in order of their ends."""
    outputs: dict[str, Any] = {}

    def note(path: str) -> Any:
        def hook(module: nn.Module, inputs: Any, output: Any) -> None:
            outputs.pop(path, None)  # a layer that runs again moves to the end
            outputs[path] = output

        return hook

    handles = [module.register_forward_hook(note(path)) for path, module in network.named_modules() if path]
    try:
        with evaluating(network):
            network(images)
    except WhichnormError:
        raise
    except Exception as error:  # anything that a network of the user's own raises
        raise ModelError(f"the network fails on {tuple(images.shape)} images: {in_a_line(error, limit=200)}") from error
    finally:
        for handle in handles:
            handle.remove()
    return outputs
