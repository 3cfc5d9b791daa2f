"""The section of cost: parameters, time and memory of a training step, latency."""

from collections.abc import Iterator, Sequence

from whichnorm.analyses import wording
from whichnorm.analyses.arms import arm_cell
from whichnorm.analyses.cost.measure import ArmCost, CostFound, Latency
from whichnorm.analyses.cost.step_times import Quartiles, StepTimes, step_seconds, times_the_first
from whichnorm.render import text
from whichnorm.render.content import Section
from whichnorm.render.table import Cell, Table, cells
from whichnorm.results.results import ArmResult, Results
from whichnorm.specs.names import arm_title, listed


def section(found: CostFound, results: Results) -> Section | None:
    """Say what every arm costs in parameters, time and memory."""
    if not results.arms:
        return None
    return Section(
        title="Cost",
        sentences=(*_time_sentences(found, results), *_measured_sentences(found)),
        tables=(cost_table(results, found),),
    )


def cost_table(results: Results, found: CostFound) -> Table:
    """One row per arm with a finished run."""
    timed = ("Training step", f"Times {arm_title(results.arms[0].norm)}") if found.steps else ()
    measured = ("Peak memory of a step", "Latency, one image") if _measured(found) else ()
    return Table(
        caption="Parameters, and what was measured of each arm: medians, quartiles below.",
        headings=("Arm", "Parameters", "In norm layers", *timed, *measured),
        rows=tuple(
            (
                arm_cell(results, arm.norm), *cells(f"{arm.params:,}", f"{arm.norm_params:,}"),
                *_time_cells(results, found.steps, arm.norm), *_measured_cells(found, arm),
            )
            for arm in results.arms
        ),
    )  # fmt: skip


def _time_cells(results: Results, times: StepTimes | None, arm: str) -> tuple[Cell, ...]:
    """Return the time of a step and its ratio to the first arm's, no cells where they were not measured."""
    if not times:
        return ()
    return _quartiles_cell(step_seconds(times, arm)), Cell(**_ratio(results, times, arm))


def _quartiles_cell(seconds: Quartiles) -> Cell:
    low, median, high = (f"{1000 * value:.3g}" for value in (seconds.low, seconds.median, seconds.high))
    return Cell(text=f"{median} ms", note=f"[{low}, {high}]")


def _ratio(results: Results, times: StepTimes, arm: str) -> dict[str, str]:
    first = results.arms[0].norm
    if arm == first:
        return {"text": "1"}
    ratio = times_the_first(times, arm, first)
    return {"text": f"{ratio.median:.2f}", "note": f"[{ratio.low:.2f}, {ratio.high:.2f}]"}


def _measured(found: CostFound) -> list[ArmCost]:
    return [one.found for one in found.runs if one.found]


def _measured_cells(found: CostFound, arm: ArmResult) -> tuple[Cell, ...]:
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
    return _quartiles_cell(
        Quartiles(latency.lower_quartile_seconds, latency.median_seconds, latency.upper_quartile_seconds)
    )


def _time_sentences(found: CostFound, results: Results) -> Iterator[str]:
    """Say how steps were timed, or why they were not, and what the runs' own times are not."""
    if found.steps:
        yield _how_timed(found.steps)
    else:
        yield f"The time of a step is not stated: {text.printable(found.steps_reason)}."
    yield f"{wording.total_time(results)} Other work of the machine is in it: it is no measure of an arm's cost."


def _how_timed(times: StepTimes) -> str:
    load = (
        ""
        if times.load is None
        else (f" In the minute before, {times.load:.1f} processes were busy on its {times.cores} cores.")
    )
    return (
        f"Training step: {times.clock}, median and quartiles of {text.count(times.num_rounds, 'round')}, in each of "
        f"which every arm took {text.count(times.steps_per_turn, 'step')} in turn, in one process on "
        f"{text.printable(times.device)}, {text.count(times.threads, 'thread')}, {times.precision}. A step is forward "
        f"pass, backward pass and update on {text.count(times.batch_size, 'image')}, without augmentation. Ratios are "
        f"within rounds.{load}"
    )


def _measured_sentences(found: CostFound) -> list[str]:
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


def cost_in_a_line(results: Results, found: CostFound) -> str:
    """Say what the arms cost as far as it was measured: time and memory of a step, latency; "" where nothing was."""
    arms = {arm.norm: "; ".join(_costs(results, found, arm.norm)) for arm in results.arms}
    said = ". ".join(f"{arm_title(arm)}: {costs}" for arm, costs in arms.items() if costs)
    return f"Cost of a training step. {said}." if said else ""


def _costs(results: Results, found: CostFound, arm: str) -> Iterator[str]:
    if found.steps:
        first, ratio = results.arms[0].norm, _ratio(results, found.steps, arm)
        beside = "" if arm == first else f", {ratio['text']} times {arm_title(first)} {ratio['note']}"
        yield f"{_quartiles_cell(step_seconds(found.steps, arm)).text}{beside}"
    cost = next(iter(found.of_arm(arm)), None)
    if cost:
        yield f"{cost.peak_memory_bytes / 2**20:.1f} MiB"
    if cost and cost.latency:
        yield f"{1000 * cost.latency.median_seconds:.3g} ms per exported image"
