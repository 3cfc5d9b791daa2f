"""What the arms cost: memory and time of a training step, and latency of the exported network."""

import copy
import gc
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import nn

from whichnorm.analyses.asking import Answers, Question, Trained
from whichnorm.analyses.cost import CostOptions
from whichnorm.analyses.cost.memory import peak_bytes
from whichnorm.analyses.cost.step_times import StepTimes, step_times_or_reason
from whichnorm.analyses.cost.steps import Steps
from whichnorm.architecture.export import checked_onnx
from whichnorm.data.splits import Splits
from whichnorm.errors import WhichnormError
from whichnorm.specs.checked import Checked
from whichnorm.specs.study import MachineSpec, RunSpec
from whichnorm.specs.value_types import Count, Seconds
from whichnorm.study.study import Study
from whichnorm.training.machine import environment
from whichnorm.training.randomness import isolated_rng

NUM_WARM_UP = 20
NUM_CALLS = 200
NOT_WANTED = "not measured: --no-latency"


@dataclass(frozen=True, kw_only=True)
class Latency(Checked):
    """Seconds of a call of the exported network on one image: median and quartiles."""

    median_seconds: Seconds
    lower_quartile_seconds: Seconds
    upper_quartile_seconds: Seconds
    num_calls: Count
    threads: Count
    device: str


@dataclass(frozen=True, kw_only=True)
class ArmCost(Checked):
    """Of one arm. Peak memory counts the network's parameters, gradients, optimizer state, activations, images as
    floats and every temporary of torch's allocator; not the data set, the program, or workspaces of other libraries."""

    peak_memory_bytes: Count
    batch_size: Count
    memory_device: str
    latency: Latency | None
    latency_reason: str  # why there is none, or ""


@dataclass(frozen=True, kw_only=True)
class CostFound(Answers[ArmCost]):
    """What every arm's network answered, and the times of steps of all arms; None has a reason."""

    steps: StepTimes | None = None
    steps_reason: str = ""


def together(study: Study, answers: Answers[ArmCost]) -> CostFound:
    """Add what is measured of all arms in turn."""
    steps, reason = step_times_or_reason(study)
    return CostFound(runs=answers.runs, steps=steps, steps_reason=reason)


def question(options: CostOptions) -> Question[ArmCost]:
    """Return what the first network of every arm is asked; a latency that is missing, for whatever reason, is tried
    again if it is wanted."""
    return Question(
        name="cost",
        kind=ArmCost,
        ask=lambda trained: _asked(trained, options),
        of_arms=True,
        is_enough=lambda found: not options.latency or (found is not None and found.latency is not None),
    )


def _asked(trained: Trained, options: CostOptions) -> ArmCost:
    """Measure on the device that the study's images are on: its own, or the CPU if it was opened again."""
    machine = replace(trained.run.machine, device=trained.splits.train.images.device.type)
    here = replace(trained.run, machine=machine)
    return measure_cost(here, trained.splits, trained.network, latency=options.latency)


def measure_cost(run: RunSpec, splits: Splits, network: nn.Module, *, latency: bool) -> ArmCost:
    """Measure what a run's arm costs, with a copy of its network; latency says whether to export it."""
    found, reason = _latency_or_reason(run, splits, network) if latency else (None, NOT_WANTED)
    return ArmCost(
        peak_memory_bytes=step_memory(run, splits, network),
        batch_size=min(run.recipe.images_per_forward, len(splits.train)),
        memory_device=str(environment(run.machine)["device"]),
        latency=found,
        latency_reason=reason,
    )


def step_memory(run: RunSpec, splits: Splits, network: nn.Module) -> int:
    """Return the peak of bytes allocated in two training steps of a copy on the run's device, the copy included.

    The second step has the optimizer's state from its beginning on.
    """
    return peak_bytes(lambda: _two_steps(run, splits, network), run.machine.device)


def _two_steps(run: RunSpec, splits: Splits, network: nn.Module) -> None:
    with isolated_rng(run.machine.device):  # dropout draws
        steps = Steps.of(run, splits, copy.deepcopy(network))
        for _ in range(2):
            steps.take(min(2, run.recipe.accumulation))  # the second pass meets the gradients of the first, as later do


def _latency_or_reason(run: RunSpec, splits: Splits, network: nn.Module) -> tuple[Latency | None, str]:
    try:
        return measure_latency(network, run.model.name, splits.image_shape), ""
    except WhichnormError as error:
        return None, str(error)


def measure_latency(network: nn.Module, name: str, image_shape: tuple[int, int, int]) -> Latency:
    """Export a network, and time onnxruntime on one image with one thread."""
    data, _ = checked_onnx(copy.deepcopy(network), name, image_shape, wanted_by="latency")
    seconds = _timed(_session_call(data, image_shape))
    low, median, high = np.quantile(seconds, (0.25, 0.5, 0.75)).tolist()
    return Latency(
        median_seconds=median,
        lower_quartile_seconds=low,
        upper_quartile_seconds=high,
        num_calls=len(seconds),
        threads=1,
        device=str(environment(MachineSpec())["device"]),
    )


def _session_call(data: bytes, image_shape: tuple[int, int, int]) -> Callable[[], object]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors only
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    image = torch.randn(1, *image_shape, generator=torch.Generator().manual_seed(0)).numpy()
    return lambda: session.run(None, {"images": image})


def _timed(call: Callable[[], object]) -> list[float]:
    for _ in range(NUM_WARM_UP):
        call()
    seconds = []
    gc.disable()  # a collection in the middle of a call is not the network's
    try:
        for _ in range(NUM_CALLS):
            started = time.perf_counter()
            call()
            seconds.append(time.perf_counter() - started)
    finally:
        gc.enable()
    return seconds
