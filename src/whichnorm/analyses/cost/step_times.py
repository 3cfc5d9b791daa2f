"""Time of a training step of every arm, measured in turn in one process.

Times of whole runs are no measure of cost: what else a machine does differs from run to run by far more than norms do.
Here the arms take turns of a few steps, round by round, so what changes meanwhile meets all alike. On the CPU they have
one thread, and its own time is counted: threads that wait for a busy core would count as work.
"""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from whichnorm.analyses.cost.steps import Steps
from whichnorm.analyses.kept import FOLDER, Kept, read_kept, significant, weights_digest, write_kept
from whichnorm.errors import SpecError, WhichnormError, in_a_line
from whichnorm.specs.checked import Checked
from whichnorm.specs.study import MachineSpec, RunSpec
from whichnorm.specs.value_types import Count, Magnitude, Seconds
from whichnorm.study.study import Study
from whichnorm.training.machine import as_specified, environment, synchronize
from whichnorm.training.randomness import isolated_rng

NUM_ROUNDS = 20
MIN_ROUNDS = 5  # fewer have no quartiles worth the name
TURN_SECONDS = 0.05  # long beside the clock's resolution and the first step after a change of networks
MOST_STEPS = 50  # in a turn
ARM_SECONDS = 8.0  # rounds end when this much has passed for each arm


@dataclass(frozen=True, kw_only=True)
class StepTimes(Checked):
    """Seconds of an optimizer step by arm, the mean of a turn for each round; the arms of a round are comparable.

    `clock` says which seconds: those that the CPU worked, or those that passed. `load` is the mean number of busy
    processes on the machine's cores in the minute before, None where it is not known.
    """

    seconds: dict[str, tuple[Seconds, ...]]
    steps_per_turn: Count
    batch_size: Count
    clock: str
    device: str
    threads: Count
    precision: str
    cores: Count
    load: Magnitude | None

    def __post_init__(self) -> None:
        super().__post_init__()
        if len({len(rounds) for rounds in self.seconds.values()}) != 1 or not self.num_rounds:
            raise SpecError("times of steps: expected equally many rounds of every arm, one at least")

    @property
    def num_rounds(self) -> int:
        return min(map(len, self.seconds.values()), default=0)


@dataclass(frozen=True)
class Quartiles:
    """The median of the rounds between their quartiles."""

    low: float
    median: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Quartiles":
        return cls(*np.quantile(values, (0.25, 0.5, 0.75)).tolist())


def step_seconds(times: StepTimes, arm: str) -> Quartiles:
    """Return the seconds of an arm's step."""
    return Quartiles.of(times.seconds[arm])


def times_the_first(times: StepTimes, arm: str, first: str) -> Quartiles:
    """Return how many times as long an arm's step takes as the first's, each round for itself."""
    pairs = zip(times.seconds[arm], times.seconds[first], strict=True)
    return Quartiles.of([own / other for own, other in pairs])


def step_times_or_reason(study: Study) -> tuple[StepTimes | None, str]:
    """Return what a step of every arm with a finished run takes, or None and why; it is kept in the study's folder."""
    path = study.folder.root / FOLDER / "step_times.json"
    try:
        runs = {str(run.arm): run for run in reversed(study.finished_runs())}
        digests = {run.key: weights_digest(study.folder.weights(run)) for run in runs.values()}
        weights = digests if all(digests.values()) else ""
        kept = read_kept(path, weights, StepTimes)
        if isinstance(kept, Kept) and set(runs) <= set(kept.found.seconds):
            return kept.found, ""
        found = _measured(study, list(runs.values())[::-1])
        write_kept(path, weights, found)
    except WhichnormError as error:
        return None, str(error)
    except Exception as error:  # out of memory, or anything that a network of the user's own raises
        return None, in_a_line(error, limit=300)
    return found, ""


def _measured(study: Study, runs: Sequence[RunSpec]) -> StepTimes:
    """Measure on the device that the study's images are on, in the study's number format."""
    splits = study.splits
    machine = replace(runs[0].machine, device=splits.train.images.device.type, threads=1)
    load, size = _load(), min(runs[0].recipe.images_per_forward, len(splits.train))
    with as_specified(machine), isolated_rng(machine.device):  # dropout draws
        arms = {}
        for run in runs:
            network, here = study.start_of(run, study.record(run)), replace(run, machine=machine)
            arms[str(run.arm)] = Steps.of(here, splits, network).take
        steps, seconds = interleaved(arms, _clock_of(machine))
    return StepTimes(
        seconds={arm: tuple(map(significant, rounds)) for arm, rounds in seconds.items()},
        steps_per_turn=steps,
        batch_size=size * runs[0].recipe.accumulation,
        load=load,
        cores=os.cpu_count() or 1,
        clock="time of the device" if machine.device == "cuda" else "time of the CPU",
        device=str(environment(machine)["device"]),
        threads=machine.threads,
        precision=machine.precision,
    )


def interleaved(
    arms: Mapping[str, Callable[[], None]], clock: Callable[[], float] = time.process_time
) -> tuple[int, dict[str, list[float]]]:
    """Time steps of all arms in turn; return the steps of a turn, and the seconds of a step by arm, one per round.

    Every other round goes through the arms from the last to the first. Steps too slow for `MIN_ROUNDS` rounds are a
    WhichnormError.
    """
    started = time.perf_counter()
    for step in arms.values():  # the first allocates
        _timed(step, 1, clock)
    slowest = max(_timed(step, 1, clock) for step in arms.values())
    steps = min(MOST_STEPS, max(1, round(TURN_SECONDS / max(slowest, TURN_SECONDS / MOST_STEPS))))
    seconds: dict[str, list[float]] = {arm: [] for arm in arms}
    for number in range(NUM_ROUNDS):
        spent = time.perf_counter() - started
        if number and spent * (number + 1) / number > ARM_SECONDS * len(arms):
            break
        for arm in list(arms)[:: -1 if number % 2 else 1]:
            seconds[arm].append(_timed(arms[arm], steps, clock))
    rounds = min(map(len, seconds.values()))
    if rounds < MIN_ROUNDS:
        raise WhichnormError(
            f"only {rounds} of {MIN_ROUNDS} rounds fit into {ARM_SECONDS:g} s per arm, with {slowest:.2g} s for a step"
        )
    return steps, seconds


def _timed(step: Callable[[], None], steps: int, clock: Callable[[], float]) -> float:
    """Return the mean seconds of so many steps."""
    started = clock()
    for _ in range(steps):
        step()
    return (clock() - started) / steps


def _clock_of(machine: MachineSpec) -> Callable[[], float]:
    """Return the clock of the work itself: seconds of this process on a CPU, seconds that pass until a GPU is done."""
    if machine.device == "cpu":
        return time.process_time

    def done() -> float:
        synchronize(machine)
        return time.perf_counter()

    return done


def _load() -> float | None:
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None
