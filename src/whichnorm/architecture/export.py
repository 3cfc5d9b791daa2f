"""A network as one ONNX file, checked against the live network before it is put in place."""

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from whichnorm.errors import MissingExtraError, ModelError
from whichnorm.files import write_in_one_step
from whichnorm.modes import evaluating

BATCH_SIZES = (1, 2, 5)  # the export is traced on 2 images: 1 and 5 show that this number is not built in
TOLERANCE = 1e-4  # largest difference from the live network, relative to its largest logit
REMEDY = "make room or choose another file"


@dataclass(frozen=True, kw_only=True)
class OnnxCheck:
    """How far the exported network is from the live one on random images: largest absolute difference of a logit, and
    that divided by the largest logit, over all batch sizes."""

    batch_sizes: tuple[int, ...]
    max_difference: float
    relative_difference: float


def export_onnx(model: nn.Module, name: str, input_shape: tuple[int, int, int], path: Path) -> OnnxCheck:
    """Write a network in evaluation mode, with any number of images, and compare it with the live one in onnxruntime.

    The file is written only when both agree. The network's mode is left as it was.
    """
    data, check = checked_onnx(model, name, input_shape)
    write_in_one_step(path, data, remedy=REMEDY)
    return check


def checked_onnx(
    model: nn.Module, name: str, input_shape: tuple[int, int, int], wanted_by: str = "--onnx"
) -> tuple[bytes, OnnxCheck]:
    """Return the content of that file, and how far it is from the live network; nothing is written."""
    _require_packages(wanted_by)
    with evaluating(model):
        data = _onnx_bytes(model, name, input_shape)
        return data, _compare(model, name, input_shape, data)


def _require_packages(wanted_by: str) -> None:
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise MissingExtraError(f"{wanted_by} needs {error.name}, not installed: pip install whichnorm[onnx]") from None


def _onnx_bytes(model: nn.Module, name: str, input_shape: tuple[int, int, int]) -> bytes:
    try:
        with _quiet():
            program: Any = torch.onnx.export(
                model, (torch.zeros(2, *input_shape),), dynamo=True, verbose=False,
                input_names=["images"], output_names=["logits"],
                dynamic_shapes=({0: torch.export.Dim("N")},),
            )  # fmt: skip
        return program.model_proto.SerializeToString()
    except Exception as error:
        reason = " ".join(str(error.__cause__ or error).split())
        raise ModelError(f"network {name!r} cannot be exported to ONNX: {reason[:300]}") from error


def _compare(model: nn.Module, name: str, input_shape: tuple[int, int, int], data: bytes) -> OnnxCheck:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors only
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    generator = torch.Generator().manual_seed(0)
    worst, largest = 0.0, 0.0
    for batch_size in BATCH_SIZES:
        images = torch.randn(batch_size, *input_shape, generator=generator)
        with torch.no_grad():
            expected: Tensor = model(images)
        try:
            (found,) = session.run(None, {"images": images.numpy()})
        except Exception as error:
            reason = " ".join(str(error).split())
            raise ModelError(f"network {name!r} as ONNX fails on {batch_size} images: {reason[:300]}") from None
        if found.shape != tuple(expected.shape):
            raise ModelError(f"network {name!r} as ONNX gives {found.shape}, the live one {tuple(expected.shape)}")
        worst = max(worst, float((torch.from_numpy(found) - expected).abs().max()))
        largest = max(largest, float(expected.abs().max()))
    relative = worst / max(largest, 1e-12)
    if not relative <= TOLERANCE:  # also where it is not a number
        raise ModelError(
            f"network {name!r} as ONNX differs from the live one by {worst:.2g} where logits reach {largest:.2g}; "
            f"expected at most {TOLERANCE:g} of that, so no file was written"
        )
    return OnnxCheck(batch_sizes=BATCH_SIZES, max_difference=worst, relative_difference=relative)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporter's progress, hints and warnings from the terminal; its errors are raised."""
    disabled = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with (
            warnings.catch_warnings(),
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)
