"""A run that goes on from its checkpoint is, bit by bit, the run that was never interrupted."""

import copy
import json
import math
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn import functional as F

from whichnorm.errors import StudyError
from whichnorm.models import build_model
from whichnorm.training.checkpoint import read_checkpoint, write_checkpoint, write_weights

NORMS = ["bn", "ln", "ln-element", "ln-channel", "gn:4", "in", "none", "bn:noaffine"]
OPTIMIZERS = {
    "sgd": lambda params: torch.optim.SGD(params, lr=0.05, momentum=0.9, nesterov=True, weight_decay=1e-3),
    "sgd without momentum": lambda params: torch.optim.SGD(params, lr=0.05),
    "adamw": lambda params: torch.optim.AdamW(params, lr=0.01, weight_decay=1e-2),
}
NOTES = {"epochs": [{"epoch": 1, "train_loss": None, "test_accuracy": 0.1 + 0.2}], "evaluate_seconds": 0.5}


def network(norm="bn", memory_format=torch.channels_last, seed=0):
    torch.manual_seed(seed)
    return build_model("digits_net", norm, in_channels=1).to(memory_format=memory_format).train()


def steps(model, optimizer, numbers):
    """Train one step for each number, on the images that the number seeds."""
    for number in numbers:
        generator = torch.Generator().manual_seed(number)
        images = torch.randn(8, 1, 8, 8, generator=generator)
        labels = torch.randint(10, (8,), generator=generator)
        optimizer.zero_grad()
        F.cross_entropy(model(images), labels).backward()
        optimizer.step()


def assert_same_state(model, other):
    assert list(model.state_dict()) == list(other.state_dict())
    for name, value in model.state_dict().items():
        assert torch.equal(value, other.state_dict()[name]), name


def strides(tensor):
    """Return the strides that matter: of dimensions with more than one entry."""
    return [stride for size, stride in zip(tensor.shape, tensor.stride(), strict=True) if size > 1]


def saved(tmp_path, norm="bn", kind="sgd"):
    """Train two steps and write a checkpoint."""
    model = network(norm)
    optimizer = OPTIMIZERS[kind](model.parameters())
    steps(model, optimizer, [0, 1])
    path = tmp_path / "runs" / "run.safetensors"
    write_checkpoint(path, model, optimizer, NOTES)
    return path, model, optimizer


def fresh(norm="bn", kind="sgd"):
    model = network(norm, seed=9)
    return model, OPTIMIZERS[kind](model.parameters())


def assert_refused(path, model, optimizer, match):
    with pytest.raises(StudyError, match=match) as caught:
        read_checkpoint(path, model, optimizer, dict[str, Any])
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last], ids=str)
@pytest.mark.parametrize("kind", OPTIMIZERS)
@pytest.mark.parametrize("norm", NORMS)
def test_going_on_from_a_checkpoint_is_training_without_a_break(tmp_path, norm, kind, memory_format):
    model = network(norm, memory_format)
    optimizer = OPTIMIZERS[kind](model.parameters())
    steps(model, optimizer, [0, 1])
    write_checkpoint(tmp_path / "run.safetensors", model, optimizer, NOTES)
    resumed = network(norm, memory_format, seed=9)
    resumed_optimizer = OPTIMIZERS[kind](resumed.parameters())
    assert read_checkpoint(tmp_path / "run.safetensors", resumed, resumed_optimizer, dict[str, Any]) == NOTES
    assert_same_state(model, resumed)
    steps(model, optimizer, [2, 3, 4])
    steps(resumed, resumed_optimizer, [2, 3, 4])
    assert_same_state(model, resumed)


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_the_optimizers_tensors_come_back_with_type_value_and_memory_format(tmp_path, kind):
    path, model, optimizer = saved(tmp_path, kind=kind)
    other, other_optimizer = fresh(kind=kind)
    read_checkpoint(path, other, other_optimizer, dict[str, Any])
    checked = 0
    for p, q in zip(model.parameters(), other.parameters(), strict=True):
        state, loaded = optimizer.state.get(p, {}), other_optimizer.state.get(q, {})
        assert set(state) == set(loaded)
        for key, value in state.items():
            assert torch.equal(value, loaded[key])
            assert value.dtype == loaded[key].dtype
            assert strides(value) == strides(loaded[key])
            checked += 1
    assert (checked > 0) is (kind != "sgd without momentum")


def test_batch_norms_buffers_come_back(tmp_path):
    path, model, _ = saved(tmp_path)
    other, optimizer = fresh()
    read_checkpoint(path, other, optimizer, dict[str, Any])
    layer, loaded = (next(m for m in net.modules() if isinstance(m, nn.BatchNorm2d)) for net in (model, other))
    assert int(loaded.num_batches_tracked) == int(layer.num_batches_tracked) == 2
    assert torch.equal(loaded.running_mean, layer.running_mean)
    assert torch.equal(loaded.running_var, layer.running_var)
    assert not torch.equal(loaded.running_var, torch.ones_like(loaded.running_var))


def test_before_the_first_step_there_is_no_optimizer_state_to_come_back(tmp_path):
    model, optimizer = fresh(kind="adamw")
    write_checkpoint(tmp_path / "run.safetensors", model, optimizer, {})
    other, other_optimizer = fresh(kind="adamw")
    assert read_checkpoint(tmp_path / "run.safetensors", other, other_optimizer, dict[str, Any]) == {}
    assert len(other_optimizer.state) == 0


def test_writing_changes_neither_the_network_nor_the_optimizer(tmp_path):
    model, optimizer = fresh()
    steps(model, optimizer, [0])
    before, twin = copy.deepcopy(optimizer.state_dict()), copy.deepcopy(model)
    write_checkpoint(tmp_path / "run.safetensors", model, optimizer, NOTES)
    assert_same_state(model, twin)
    for number, state in before["state"].items():
        assert torch.equal(state["momentum_buffer"], optimizer.state_dict()["state"][number]["momentum_buffer"])


def test_a_checkpoint_is_replaced_by_the_next(tmp_path):
    path, model, optimizer = saved(tmp_path)
    steps(model, optimizer, [2])
    write_checkpoint(path, model, optimizer, {"epochs": 2})
    other, other_optimizer = fresh()
    assert read_checkpoint(path, other, other_optimizer, dict[str, Any]) == {"epochs": 2}
    assert_same_state(model, other)
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_notes_that_are_no_json_numbers_are_refused_before_anything_is_written(tmp_path):
    model, optimizer = fresh()
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_checkpoint(tmp_path / "run.safetensors", model, optimizer, {"loss": math.nan})
    assert list(tmp_path.iterdir()) == []


# ----- files that are not this run's


@pytest.mark.parametrize("share", [0.0, 0.0005, 0.01, 0.5, 0.9, 0.999])
def test_a_truncated_file_is_refused(tmp_path, share):
    path, *_ = saved(tmp_path)
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    assert_refused(path, *fresh(), "not a readable checkpoint of this run.*delete it")


@pytest.mark.parametrize("content", [b"garbage", b"\x00" * 100, b"\xff" * 4096, b'{"notes": "{}"}'], ids=repr)
def test_garbage_is_refused(tmp_path, content):
    path = tmp_path / "run.safetensors"
    path.write_bytes(content)
    assert_refused(path, *fresh(), "not a readable checkpoint")


def test_a_file_that_is_not_there_is_refused(tmp_path):
    assert_refused(tmp_path / "none.safetensors", *fresh(), "not a readable checkpoint")


def test_a_file_without_notes_is_refused(tmp_path):
    path, *_ = saved(tmp_path)
    tensors = load_file(path)
    save_file(tensors, path)
    assert_refused(path, *fresh(), "not a readable checkpoint")
    save_file(tensors, path, metadata={"other": "{}"})
    assert_refused(path, *fresh(), "KeyError")
    save_file(tensors, path, metadata={"notes": "{"})
    assert_refused(path, *fresh(), "its notes: not readable as JSON")


@pytest.mark.parametrize(("made", "into"), [("bn", "gn:4"), ("gn:4", "bn"), ("ln", "none"), ("ln", "ln-element")])
def test_the_checkpoint_of_another_norm_is_refused(tmp_path, made, into):
    path, *_ = saved(tmp_path, norm=made)
    assert_refused(path, *fresh(norm=into), "not a readable checkpoint of this run")


def test_the_checkpoint_of_another_network_is_refused(tmp_path):
    path, *_ = saved(tmp_path)
    other = nn.Linear(3, 2)
    assert_refused(path, other, torch.optim.SGD(other.parameters(), lr=0.1), "not a readable checkpoint of this run")


def test_a_refused_checkpoint_of_another_form_leaves_the_optimizer_alone(tmp_path):
    path, *_ = saved(tmp_path, norm="bn")
    model, optimizer = fresh(norm="gn:4")
    assert_refused(path, model, optimizer, "not a readable checkpoint")
    assert len(optimizer.state) == 0


# ----- weights


@pytest.mark.parametrize("norm", NORMS)
def test_weights_are_the_state_dict(tmp_path, norm):
    model = network(norm)
    write_weights(tmp_path / "weights.safetensors", model)
    found = load_file(tmp_path / "weights.safetensors")
    assert set(found) == set(model.state_dict())
    other = network(norm, seed=9)
    other.load_state_dict(found)
    assert_same_state(model, other)


def test_a_checkpoint_can_be_read_by_other_tools(tmp_path):
    path, model, _ = saved(tmp_path)
    with safe_open(path, framework="pt") as file:
        assert json.loads(file.metadata()["notes"]) == NOTES
        names = list(file.keys())
    assert {name.removeprefix("model/") for name in names if name.startswith("model/")} == set(model.state_dict())
