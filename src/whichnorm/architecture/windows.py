"""How an operation looks at its input: the window of positions behind one output position.

Shapes are those of whole batches: (N, C, H, W) for images. A pair is (height, width).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn
from torch.nn.modules import conv, padding, pooling

Pair = tuple[int, int]
Shape = tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Window:
    """The window of a convolution or pool; the default is one position, as of an activation.

    `before` is the padding at the top and left (negative: positions skipped), `enlarge` the output positions per input
    position of upsampling, and `whole` a window over every position that is left.
    """

    kernel: Pair = (1, 1)
    stride: Pair = (1, 1)
    before: Pair = (0, 0)
    dilation: Pair = (1, 1)
    enlarge: Pair = (1, 1)
    whole: bool = False

    @property
    def is_point(self) -> bool:
        return self == Window()


WHOLE = Window(whole=True)
MIXING = (nn.MultiheadAttention, nn.RNNBase, nn.Transformer, nn.TransformerEncoderLayer, nn.TransformerDecoderLayer)
PADDINGS = (padding._ConstantPadNd, padding._ReflectionPadNd, padding._ReplicationPadNd, padding._CircularPadNd)
WINDOWED_POOLS = (nn.MaxPool2d, nn.AvgPool2d, nn.LPPool2d)
ADAPTIVE_POOLS = (pooling._AdaptiveAvgPoolNd, pooling._AdaptiveMaxPoolNd)
REDUCTIONS = ("mean", "sum", "amax", "amin", "max", "min", "var", "std", "norm", "logsumexp", "prod", "median")
MATRIX_PRODUCTS = ("matmul", "mm", "bmm", "einsum", "addmm", "baddbmm", "tensordot")
CALLS_OVER_ALL = ("scaled_dot_product_attention", "multi_head_attention_forward")


def window_of_layer(layer: nn.Module, x: Shape, y: Shape) -> Window:
    """Return the window of a torch layer, given the shapes of its input and output."""
    if isinstance(layer, conv._ConvTransposeNd):
        return _transposed(layer.kernel_size, layer.stride, layer.padding, layer.dilation)
    if isinstance(layer, conv._ConvNd):
        return _convolution(layer.kernel_size, layer.stride, layer.padding, layer.dilation)
    if isinstance(layer, WINDOWED_POOLS):
        return _pool(layer.kernel_size, layer.stride, getattr(layer, "padding", 0), getattr(layer, "dilation", 1))
    if isinstance(layer, ADAPTIVE_POOLS):
        return _adaptive(x, y)
    if isinstance(layer, PADDINGS):
        return _padding(layer.padding)
    if isinstance(layer, nn.Upsample | nn.PixelShuffle):
        return _resized(x, y)
    if isinstance(layer, nn.PixelUnshuffle):
        return Window(kernel=_pair(layer.downscale_factor), stride=_pair(layer.downscale_factor))
    if isinstance(layer, nn.Linear | nn.Bilinear):
        return _matrix_product(x)
    return WHOLE if isinstance(layer, MIXING) or len(x) == 5 else Window()


def window_of_call(name: str, args: Sequence[Any], kwargs: Mapping[str, Any], x: Shape, y: Shape) -> Window:
    """Return the window of a function such as `F.max_pool2d`; an unknown one acts on one position."""

    def given(position: int, key: str, default: Any = None) -> Any:
        return args[position] if position < len(args) else kwargs.get(key, default)

    if name == "conv2d" or name == "conv_transpose2d":
        kernel, stride, before = given(1, "weight").shape[2:], given(3, "stride", 1), given(4, "padding", 0)
        if name == "conv2d":
            return _convolution(kernel, stride, before, given(5, "dilation", 1))
        return _transposed(kernel, stride, before, given(7, "dilation", 1))
    if name == "max_pool2d":
        return _pool(*(given(i, key, default) for i, key, default in (
            (1, "kernel_size", None), (2, "stride", None), (3, "padding", 0), (4, "dilation", 1))))  # fmt: skip
    if name == "avg_pool2d":
        return _pool(given(1, "kernel_size"), given(2, "stride"), given(3, "padding", 0), 1)
    if name == "lp_pool2d":
        return _pool(given(2, "kernel_size"), given(3, "stride"), 0, 1)
    if name.startswith("adaptive_"):
        return _adaptive(x, y)
    if name in ("interpolate", "upsample", "pixel_shuffle"):
        return _resized(x, y)
    if name == "pixel_unshuffle":
        return Window(kernel=_pair(given(1, "downscale_factor")), stride=_pair(given(1, "downscale_factor")))
    if name == "pad":
        return _padding(given(1, "pad"))
    if name == "getitem":
        return _slices(given(1, "index"), x, y)
    if name in REDUCTIONS and not isinstance(given(1, "other"), Tensor):
        return _reduction(given(1, "dim", kwargs.get("axis")), x)
    if name in (*MATRIX_PRODUCTS, "linear"):
        several = sum(isinstance(value, Tensor) and not isinstance(value, nn.Parameter) for value in args) > 1
        return WHOLE if several and name != "linear" else _matrix_product(x)
    return WHOLE if name in CALLS_OVER_ALL or name.startswith("fft_") else Window()


def _pair(value: Any) -> Pair:
    if isinstance(value, int):
        return value, value
    numbers = tuple(int(number) for number in value)
    return (numbers[0], numbers[0]) if len(numbers) == 1 else (numbers[0], numbers[1])


def _convolution(kernel: Any, stride: Any, before: Any, dilation: Any) -> Window:
    if not isinstance(kernel, int) and len(kernel) != 2:  # over flattened positions: nothing is local any more
        return WHOLE
    (kh, kw), (dh, dw) = _pair(kernel), _pair(dilation)
    if isinstance(before, str):
        before = (dh * (kh - 1) // 2, dw * (kw - 1) // 2) if before == "same" else 0
    return Window(kernel=(kh, kw), stride=_pair(stride), before=_pair(before), dilation=(dh, dw))


def _transposed(kernel: Any, stride: Any, before: Any, dilation: Any) -> Window:
    """Each output position sees ceil(kernel / stride) input positions per axis."""
    if not isinstance(kernel, int) and len(kernel) != 2:
        return WHOLE
    up = _pair(stride)
    spans = [(k - 1) * d + 1 for k, d in zip(_pair(kernel), _pair(dilation), strict=True)]
    seen = (math.ceil(spans[0] / up[0]), math.ceil(spans[1] / up[1]))
    first = tuple((n - 1 - p) // s for n, p, s in zip(spans, _pair(before), up, strict=True))
    return Window(kernel=seen, enlarge=up, before=(first[0], first[1]))


def _pool(kernel: Any, stride: Any, before: Any, dilation: Any) -> Window:
    return Window(
        kernel=_pair(kernel), stride=_pair(stride or kernel), before=_pair(before), dilation=_pair(dilation)
    )  # fmt: skip


def _adaptive(x: Shape, y: Shape) -> Window:
    """One output position of an adaptive pool sees at most this many; to one position, all of them."""
    if len(x) != 4:
        return WHOLE
    kernels, strides = [], []
    for size, out in zip(x[2:], y[2:], strict=True):
        kernels.append(max(math.ceil((i + 1) * size / out) - i * size // out for i in range(out)))
        strides.append(max(size // out, 1))
    return Window(kernel=_pair(kernels), stride=_pair(strides))


def _padding(sides: Sequence[int]) -> Window:
    """torch gives padding from the last axis on: left, right, top, bottom."""
    top = sides[2] if len(sides) >= 4 else 0
    return Window(before=(int(top), int(sides[0])))


def _resized(x: Shape, y: Shape) -> Window:
    if len(x) != 4 or len(y) != 4:
        return Window()
    return Window(enlarge=(max(y[2] // x[2], 1), max(y[3] // x[3], 1)))


def _slices(index: Any, x: Shape, y: Shape) -> Window:
    """A slice such as x[:, :, ::2, 1::2] strides and shifts; any other index is taken to keep positions."""
    index = index if isinstance(index, tuple) else (index,)
    if len(x) != 4 or len(y) != 4 or len(index) != 4 or not all(isinstance(part, slice) for part in index):
        return Window()
    ranges = [range(size)[part] for size, part in zip(x[2:], index[2:], strict=True)]
    return Window(stride=(ranges[0].step, ranges[1].step), before=(-ranges[0].start, -ranges[1].start))


def _reduction(dim: Any, x: Shape) -> Window:
    """A mean, maximum or the like: over H, W or both of (N, C, H, W), or over flattened positions."""
    axes = range(len(x)) if dim is None else {int(d) % len(x) for d in ([dim] if isinstance(dim, int) else dim)}
    if len(x) != 4:
        return WHOLE if any(axis > 0 for axis in axes) else Window()
    kernel = (x[2] if 2 in axes else 1, x[3] if 3 in axes else 1)
    return Window(kernel=kernel, stride=kernel)


def _matrix_product(x: Shape) -> Window:
    """A linear map of (N, features) sees every position that was flattened into features; of tokens, its own."""
    return WHOLE if len(x) == 2 else Window()
