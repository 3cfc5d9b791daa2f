"""The maps of one network: Selvaraju et al., "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based
Localization", ICCV 2017.
"""

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from whichnorm.analyses.gradcam.layers import check_layer
from whichnorm.errors import ModelError, in_a_line
from whichnorm.modes import evaluating

Maps = NDArray[np.float64]  # (N, h, w), nowhere negative

BATCH = 50  # images


def grad_cam(network: nn.Module, layer: str, images: Tensor, classes: Tensor) -> Maps:
    """Return the Grad-CAM maps of images (N, C, H, W) for one class each, (N,): (N, h, w), as fine as the layer.

    A layer that runs several times counts with its last run. The network works in evaluation mode, in the type of its
    weights, and is left as it was. Raises ModelError for a layer without a map, and for a network whose logits have no
    finite gradient by it.
    """
    check_layer(network, layer, images[:2])
    num_parts = math.ceil(len(images) / BATCH)
    parts = zip(images.detach().tensor_split(num_parts), classes.tensor_split(num_parts), strict=True)
    try:
        with evaluating(network), torch.enable_grad(), torch.autocast(images.device.type, enabled=False):
            maps = torch.cat([_maps(network, network.get_submodule(layer), x, of) for x, of in parts])
    except Exception as error:  # such as a network that autograd cannot follow
        raise ModelError(f"no gradient of the logits by layer {layer!r}: {in_a_line(error, limit=200)}") from error
    if not maps.isfinite().all():
        raise ModelError(f"the maps of layer {layer!r} are not finite: the network's values overflow")
    return maps.double().cpu().numpy()


def _maps(network: nn.Module, layer: nn.Module, images: Tensor, classes: Tensor) -> Tensor:
    """Return ReLU(sum_k a_k A_k), (N, h, w): A_k is channel k of the layer's output, and a_k the mean over positions of
    the gradient of the class's logit by it (equations 1 and 2).
    """
    outputs: list[Tensor] = []

    def keep(module: nn.Module, inputs: Any, output: Tensor) -> Tensor:
        outputs.append(output.detach().clone().requires_grad_())
        return outputs[-1].clone()  # what comes next may work in place, as a ReLU does

    with layer.register_forward_hook(keep):
        logits = network(images)  # (N, num_classes)
        A = outputs[-1]  # (N, C, h, w)
        (gradient,) = torch.autograd.grad(logits.gather(1, classes[:, None]).sum(), A)
    a = gradient.mean((2, 3), keepdim=True)  # (N, C, 1, 1)
    return (a * A).sum(1).relu().detach()


def upsample(maps: Maps, size: tuple[int, int]) -> Maps:
    """Bring maps (N, h, w) to the (height, width) of images, bilinearly."""
    return F.interpolate(torch.from_numpy(maps)[:, None], size, mode="bilinear", align_corners=False)[:, 0].numpy()


def is_empty(maps: Maps) -> NDArray[np.bool_]:
    """Tell for each map whether it is zero everywhere: nothing in the layer speaks for the class."""
    return np.logical_not(maps.any(axis=(1, 2)))
