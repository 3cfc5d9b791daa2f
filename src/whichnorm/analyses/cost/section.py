"""The section of cost: parameters, times, memory of a training step, latency."""

from collections.abc import Iterator, Sequence

import numpy as np

from whichnorm.analyses import wording
from whichnorm.analyses.accuracy.tables import seconds_range
from whichnorm.analyses.arms import arm_cell
from whichnorm.analyses.asking import Answers
from whichnorm.analyses.cost.measure import ArmCost, Latency
from whichnorm.render import text
from whichnorm.render.content import Section
from whichnorm.render.table import Cell, Table, cells
from whichnorm.results.results import ArmResult, Results
from whichnorm.specs.names import arm_title, listed


def section(found: Answers[ArmCost], results: Results) -> Section | None:
    """Say what every arm costs in time, memory and parameters."""
    if not results.arms:
        return None
    return Section(
        title="Cost",
        sentences=(wording.total_time(results), *cost_sentences(found)),
        tables=(cost_table(results, found),),
    )


def cost_table(results: Results, found: Answers[ArmCost]) -> Table:
    """One row per arm with a finished run."""
    fastest = min(arm.train_seconds.mean for arm in results.arms)
    measured = ("Peak memory of a step", "Latency, one image") if _measured(found) else ()
    return Table(
        caption="Mean over the finished runs of an arm, smallest and largest below if there are several. Training "
        "surrounds the optimizer's steps only; evaluation is that of the validation and test splits after every epoch.",
        headings=(
            "Arm", "Parameters", "In norm layers", "Training per run", "Training per epoch", "Times the fastest",
            "Evaluation per run", *measured,
        ),
        rows=tuple((*_time_cells(results, arm, fastest), *_measured_cells(found, arm)) for arm in results.arms),
    )  # fmt: skip


def _time_cells(results: Results, arm: ArmResult, fastest: float) -> tuple[Cell, ...]:
    runs = results.finished(arm.norm)
    return (
        arm_cell(results, arm.norm),
        *cells(f"{arm.params:,}", f"{arm.norm_params:,}"),
        Cell(text=text.seconds(arm.train_seconds.mean), note=seconds_range(arm.train_seconds)),
        *cells(text.seconds(_epoch_seconds(results, arm)), f"{arm.train_seconds.mean / fastest:.2f}"),
        Cell(text=text.seconds(float(np.mean([run.evaluate_seconds for run in runs])))),
    )


def _epoch_seconds(results: Results, arm: ArmResult) -> float:
    return float(np.mean([run.train_seconds / len(run.epochs) for run in results.finished(arm.norm)]))


def _measured(found: Answers[ArmCost]) -> list[ArmCost]:
    return [one.found for one in found.runs if one.found]


def _measured_cells(found: Answers[ArmCost], arm: ArmResult) -> tuple[Cell, ...]:
    """Return memory and latency of an arm, no cells if no arm has them."""
    if not _measured(found):
        return ()
    cost = next(iter(found.of_arm(arm.norm)), None)
    if not cost:
        return cells("–", "–")
    memory = Cell(text=f"{cost.peak_memory_bytes / 2**20:.1f} MiB", note=f"batch {cost.batch_size}")
    return memory, _latency_cell(cost.latency)


def _latency_cell(latency: Latency | None) -> Cell:
    if not latency:
        return Cell(text="–")
    low, high = (1000 * end for end in (latency.lower_quartile_seconds, latency.upper_quartile_seconds))
    return Cell(text=f"{1000 * latency.median_seconds:.3g} ms", note=f"[{low:.3g}, {high:.3g}]")


def cost_sentences(found: Answers[ArmCost]) -> list[str]:
    """Say how memory and latency were measured, and why one is missing."""
    costs = _measured(found)
    if not costs:
        return []
    devices = listed(list(dict.fromkeys(cost.memory_device for cost in costs)))
    sentences = [
        f"Peak memory: the most bytes that torch held at once in two training steps at batch {costs[0].batch_size} on "
        f"{text.printable(devices)}: parameters, gradients, optimizer state, activations and temporaries; not the data "
        "set, nor workspaces of other libraries."
    ]
    return sentences + _latency_sentences(costs)


def _latency_sentences(costs: Sequence[ArmCost]) -> list[str]:
    timed = [cost.latency for cost in costs if cost.latency]
    sentences = []
    if timed:
        devices = listed(list(dict.fromkeys(one.device for one in timed)))
        sentences.append(
            f"Latency: median and quartiles of {timed[0].num_calls} calls of the exported network in onnxruntime, one "
            f"image and one thread, on {text.printable(devices)}."
        )
    reasons = dict.fromkeys(cost.latency_reason for cost in costs if cost.latency_reason)
    return sentences + [f"No latency: {text.printable(reason)}." for reason in reasons]


def cost_in_a_line(results: Results, found: Answers[ArmCost]) -> str:
    """Say what every arm costs: seconds per epoch, and if they were measured memory and latency."""
    arms = "; ".join(f"{arm_title(arm.norm)}: {', '.join(_costs(results, found, arm))}" for arm in results.arms)
    return f"Cost: {arms}." if arms else ""


def _costs(results: Results, found: Answers[ArmCost], arm: ArmResult) -> Iterator[str]:
    yield f"{text.seconds(_epoch_seconds(results, arm))} per epoch"
    cost = next(iter(found.of_arm(arm.norm)), None)
    if cost:
        yield f"{cost.peak_memory_bytes / 2**20:.1f} MiB per step"
    if cost and cost.latency:
        yield f"{1000 * cost.latency.median_seconds:.3g} ms per exported image"
