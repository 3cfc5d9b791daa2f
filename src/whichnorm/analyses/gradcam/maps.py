"""The maps of one network: Selvaraju et al., "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based
Localization", ICCV 2017.
"""

import math
import warnings
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from whichnorm.analyses.gradcam.layers import check_layer
from whichnorm.errors import MissingExtraError, ModelError, in_a_line
from whichnorm.modes import evaluating

Maps = NDArray[np.float64]  # (N, h, w), nowhere negative

BATCH = 50  # images


def grad_cam(network: nn.Module, layer: str, images: Tensor, classes: Tensor) -> Maps:
    """Return the Grad-CAM maps of images (N, C, H, W) for one class each, (N,): (N, h, w), as fine as the layer.

    A map is ReLU(sum_k a_k A_k), where A_k is channel k of the layer's output and a_k the mean over positions of the
    gradient of the class's logit by it (equations 1 and 2). A layer that runs several times counts with its last run.
    The network works in evaluation mode, in the type of its weights, and is left as it was.
    """
    captum = _captum()
    check_layer(network, layer, images[:2])
    num_parts = math.ceil(len(images) / BATCH)
    parts = zip(images.detach().tensor_split(num_parts), classes.tensor_split(num_parts), strict=True)
    try:
        with evaluating(network), torch.autocast(images.device.type, enabled=False):
            cam = captum.LayerGradCam(network, network.get_submodule(layer))
            maps = torch.cat([cam.attribute(x, target=y, relu_attributions=True).detach() for x, y in parts])
    except Exception as error:  # such as a network that autograd cannot follow
        raise ModelError(f"no gradient of the logits by layer {layer!r}: {in_a_line(error, limit=200)}") from error
    if not maps.isfinite().all():
        raise ModelError(f"the maps of layer {layer!r} are not finite: the network's values overflow")
    return maps[:, 0].double().cpu().numpy()


def upsample(maps: Maps, size: tuple[int, int]) -> Maps:
    """Bring maps (N, h, w) to the (height, width) of images, bilinearly."""
    return F.interpolate(torch.from_numpy(maps)[:, None], size, mode="bilinear", align_corners=False)[:, 0].numpy()


def is_empty(maps: Maps) -> NDArray[np.bool_]:
    """Tell for each map whether it is zero everywhere: nothing in the layer speaks for the class."""
    return np.logical_not(maps.any(axis=(1, 2)))


def _captum() -> Any:
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="IProgress not found")  # of a progress bar that we do not show
            import captum.attr  # imported here: it takes most of a second
    except ImportError as error:
        raise MissingExtraError(f"Grad-CAM needs {error.name}, not installed: pip install {error.name}") from None
    return captum.attr
