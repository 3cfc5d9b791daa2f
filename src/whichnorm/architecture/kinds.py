"""What an operation is, for colours and labels: its category, its name and its settings in a few words."""

from typing import Any, Literal

from torch import nn
from torch.nn.modules import conv, dropout, pooling

from whichnorm.architecture.windows import PADDINGS, REDUCTIONS, Window
from whichnorm.norms.layers import NORM_LAYERS

Category = Literal["input", "conv", "norm", "activation", "dropout", "pool", "linear", "join", "shape", "other"]

POOLS = (
    pooling._MaxPoolNd, pooling._AvgPoolNd, pooling._LPPoolNd,
    pooling._AdaptiveAvgPoolNd, pooling._AdaptiveMaxPoolNd,
)  # fmt: skip
RESHAPES = (nn.Flatten, nn.Unflatten, nn.Identity, nn.Upsample, nn.PixelShuffle, nn.PixelUnshuffle, *PADDINGS)
ACTIVATIONS = (
    "relu", "relu6", "leaky_relu", "prelu", "elu", "selu", "celu", "gelu", "silu", "mish", "sigmoid", "logsigmoid",
    "tanh", "hardtanh", "hardswish", "hardsigmoid", "softplus", "softmax", "log_softmax",
)  # fmt: skip
CALLS: dict[Category, tuple[str, ...]] = {
    "conv": ("conv1d", "conv2d", "conv_transpose2d"),
    "norm": ("batch_norm", "layer_norm", "group_norm", "instance_norm", "rms_norm", "local_response_norm"),
    "dropout": ("dropout", "dropout1d", "dropout2d", "alpha_dropout", "feature_dropout", "feature_alpha_dropout"),
    "linear": ("linear", "bilinear"),
    "pool": (*REDUCTIONS, "max_pool2d", "avg_pool2d", "lp_pool2d", "adaptive_avg_pool2d", "adaptive_max_pool2d"),
    "activation": ACTIVATIONS,
    "shape": (
        "flatten", "view", "reshape", "permute", "transpose", "squeeze", "unsqueeze", "getitem", "setitem", "chunk",
        "split", "contiguous", "to", "float", "expand", "expand_as", "view_as", "pad", "interpolate", "clone",
        "detach", "movedim", "unflatten", "pixel_shuffle", "pixel_unshuffle", "get", "roll", "flip",
    ),
}  # fmt: skip
OPERATORS = {
    "radd": "add", "iadd": "add", "rsub": "sub", "isub": "sub", "rmul": "mul", "imul": "mul", "truediv": "div",
    "itruediv": "div", "rtruediv": "div", "concat": "cat", "concatenate": "cat", "multiply": "mul", "rmatmul": "matmul",
    "max_pool2d_with_indices": "max_pool2d", "boolean_dispatch": "max_pool2d",
    "adaptive_max_pool2d_with_indices": "adaptive_max_pool2d",
}  # fmt: skip
SIGNS = {"add": "+", "sub": "−", "mul": "×", "div": "÷", "cat": "concat"}


def plain_name(function: Any) -> str:
    """Return a function's name without the marks of its variants: `add` for `__iadd__`, `add_` and `__radd__`."""
    name = getattr(function, "__name__", type(function).__name__).strip("_")
    return OPERATORS.get(name, name)


def category_of_layer(layer: nn.Module) -> Category:
    by_type: tuple[tuple[Category, tuple[type, ...]], ...] = (
        ("norm", NORM_LAYERS),
        ("conv", (conv._ConvNd,)),
        ("pool", POOLS),
        ("linear", (nn.Linear, nn.Bilinear)),
        ("dropout", (dropout._DropoutNd,)),
        ("shape", RESHAPES),
    )
    for category, types in by_type:
        if isinstance(layer, types):
            return category
    is_activation = any(base.__module__ == "torch.nn.modules.activation" for base in type(layer).__mro__)
    return "activation" if is_activation and not isinstance(layer, nn.MultiheadAttention) else "other"


def category_of_call(name: str, num_inputs: int) -> Category:
    if num_inputs > 1:
        return "join"
    return next((category for category, names in CALLS.items() if name in names), "other")


def times(pair: tuple[int, int]) -> str:
    return f"{pair[0]}×{pair[1]}"


def kernel_text(layer: nn.Module | None, category: Category, window: Window) -> str:
    """Return "3×3" for convolutions and pools, "all" for a window over all positions, "" for anything else."""
    if category not in ("conv", "pool"):
        return ""
    if isinstance(layer, conv._ConvTransposeNd) and len(layer.kernel_size) == 2:  # its window is what an output sees
        return times((layer.kernel_size[0], layer.kernel_size[1]))
    return "all" if window.whole else times(window.kernel)


def settings_text(layer: nn.Module | None, category: Category, window: Window) -> str:
    """Return what a layer has beside its kernel, such as "stride 2, 16 groups"; "" where all is as usual."""
    words = []
    if category == "conv":
        for word, pair in (("stride", window.stride), ("up", window.enlarge), ("dilation", window.dilation)):
            if pair != (1, 1):
                words.append(f"{word} {pair[0] if pair[0] == pair[1] else times(pair)}")
        groups = getattr(layer, "groups", 1)
        if groups > 1:
            words.append("depthwise" if groups == getattr(layer, "in_channels", 0) else f"{groups} groups")
    elif category == "pool" and window.stride != window.kernel and not window.whole:
        words.append(f"stride {window.stride[0] if window.stride[0] == window.stride[1] else times(window.stride)}")
    elif isinstance(layer, nn.GroupNorm):
        words.append("1 group" if layer.num_groups == 1 else f"{layer.num_groups} groups")
    elif isinstance(layer, dropout._DropoutNd):
        words.append(f"{layer.p:g}")
    return ", ".join(words)
