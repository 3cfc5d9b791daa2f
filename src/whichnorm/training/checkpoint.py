"""State of an unfinished run: tensors and a JSON text in one safetensors file, replaced after each epoch."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from whichnorm.errors import SpecError, StudyError, in_a_line
from whichnorm.files import place, write_in_one_step
from whichnorm.specs.codec import decode
from whichnorm.specs.json_files import parse_json
from whichnorm.training.record import EpochRow

T = TypeVar("T")
UNREADABLE = (OSError, SafetensorError, SpecError, RuntimeError, KeyError, TypeError, ValueError)


def write_checkpoint(path: Path, model: nn.Module, optimizer: torch.optim.Optimizer, notes: dict[str, Any]) -> None:
    """Put the network's and the optimizer's tensors and `notes` (JSON) in place of the run's last checkpoint."""
    tensors = {f"model/{name}": tensor for name, tensor in model.state_dict().items()}
    for name, parameter in model.named_parameters():
        for key, value in optimizer.state.get(parameter, {}).items():
            tensors[f"optimizer/{name}/{key}"] = value
    write_in_one_step(path, _serialize(tensors, {"notes": json.dumps(notes, allow_nan=False)}))


def read_checkpoint(path: Path, model: nn.Module, optimizer: torch.optim.Optimizer, kind: type[T]) -> T:
    """Load a checkpoint into the network and the optimizer and return its notes as an object of a type."""
    with _opened(path) as file:
        notes = decode(parse_json(file.metadata()["notes"], "its notes"), kind, "its notes")
        model.load_state_dict(_tensors(file, "model/"))
        for name, parameter in model.named_parameters():
            if state := _tensors(file, f"optimizer/{name}/"):
                optimizer.state[parameter] = {key: _placed(key, value, parameter) for key, value in state.items()}
    return notes


def read_checkpoint_weights(path: Path, model: nn.Module) -> None:
    """Load the weights of a checkpoint into the network, as they were when it was written."""
    with _opened(path) as file:
        model.load_state_dict(_tensors(file, "model/"))


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """Open a checkpoint; what is wrong with it, here or in the block, is a StudyError that names the file."""
    try:
        with safe_open(path, framework="pt") as file:
            yield file
    except UNREADABLE as error:
        raise StudyError(
            f"{place(path)}: not a readable checkpoint of this run ({in_a_line(error, limit=150)}); "
            "delete it to train this run from its start: finished runs are kept"
        ) from None


def read_progress(path: Path) -> tuple[tuple[EpochRow, ...], float]:
    """Return the epochs of a checkpoint's run and the seconds of their evaluation, without reading its tensors.

    For onlookers, from whom the process that trains may take a file at any moment: no epochs where it is not readable.
    """
    try:
        with safe_open(path, framework="np") as file:
            notes = parse_json(file.metadata()["notes"], "its notes")
        return decode(notes["epochs"], tuple[EpochRow, ...]), decode(notes["evaluate_seconds"], float)
    except UNREADABLE:
        return (), 0.0


def _tensors(file: Any, prefix: str) -> dict[str, Tensor]:
    """Read the tensors of an open file whose names begin with a prefix, by the rest of their names."""
    return {key.removeprefix(prefix): file.get_tensor(key) for key in file.keys() if key.startswith(prefix)}  # noqa: SIM118


def _placed(key: str, value: Tensor, parameter: nn.Parameter) -> Tensor:
    """Give an optimizer's tensor the device and memory format of its parameter; step counts stay as they are."""
    if value.shape != parameter.shape or key == "step":
        return value
    return torch.empty_like(parameter, dtype=value.dtype).copy_(value)


def write_weights(path: Path, model: nn.Module) -> None:
    """Put the trained network's state dict in place."""
    write_in_one_step(path, _serialize(model.state_dict(), {}))


def read_weights(path: Path, model: nn.Module) -> None:
    """Load a trained network's state dict."""
    try:
        with safe_open(path, framework="pt") as file:
            model.load_state_dict({key: file.get_tensor(key) for key in file.keys()})  # noqa: SIM118
    except (OSError, SafetensorError, RuntimeError) as error:
        reason = str(error).strip().split("\n")[0]
        raise StudyError(
            f"{path}: not the readable weights of this run ({type(error).__name__}: {reason}); "
            "delete its record and train it again with the same command: the others are kept"
        ) from None


def _serialize(tensors: dict[str, Tensor], metadata: dict[str, str]) -> bytes:
    return save({key: tensor.detach().cpu().contiguous().clone() for key, tensor in tensors.items()}, metadata)
