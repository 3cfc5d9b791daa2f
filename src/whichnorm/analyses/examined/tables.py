"""Tables of what the trained networks were asked: mean over an arm's runs, with their standard deviation."""

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from whichnorm.analyses.arms import arm_cell
from whichnorm.analyses.batch_statistics.measure import BatchStatistics
from whichnorm.analyses.corruptions.measure import STRENGTHS
from whichnorm.analyses.examined.record import Examination, Examined
from whichnorm.render import text
from whichnorm.render.table import Cell, Table
from whichnorm.results.results import Results


def examined_arms(results: Results, examined: Examined) -> Iterator[tuple[str, list[Examination]]]:
    """Yield every arm that has an examined run, with the examinations of its runs."""
    for arm in results.arms:
        found = examined.of_arm(arm.norm)
        if found:
            yield arm.norm, found


def with_batch_norm(results: Results, examined: Examined) -> list[tuple[str, list[BatchStatistics]]]:
    """Return the arms whose networks have BatchNorm layers."""
    arms = ((arm, [one.batch_statistics for one in found]) for arm, found in examined_arms(results, examined))
    present = [(arm, [one for one in found if one]) for arm, found in arms]
    return [(arm, found) for arm, found in present if found]


def statistics_table(results: Results, examined: Examined) -> Table | None:
    """One row per arm with BatchNorm: accuracy with its three kinds of statistics."""
    arms = with_batch_norm(results, examined)
    if not arms:
        return None
    return Table(
        caption=f"Test accuracy after the last epoch, mean over seeds, SD over seeds below. "
        f"{statistics_sentence(arms)}",
        headings=(
            "Arm", "Running statistics", "Precise statistics", "Batch statistics", "Precise − running, points",
            "Seeds",
        ),
        rows=tuple(_statistics_row(results, arm, found) for arm, found in arms),
    )  # fmt: skip


def statistics_sentence(arms: Sequence[tuple[str, Sequence[BatchStatistics]]]) -> str:
    """Say what the three kinds of statistics were taken from."""
    first = arms[0][1][0]
    batches = (
        f"those of {text.count(first.num_test_images, 'test image')} in random batches of {first.batch_size}"
        if first.batch_size
        else "undefined at a batch of one"
    )
    return (
        f"Precise statistics are those of all {first.num_train_images:,} training images without augmentation; batch "
        f"statistics are {batches}."
    )


def _statistics_row(results: Results, arm: str, found: Sequence[BatchStatistics]) -> tuple[Cell, ...]:
    return (
        arm_cell(results, arm),
        share_cell([one.running_accuracy for one in found]),
        share_cell([one.precise_accuracy for one in found]),
        share_cell([one.batch_accuracy for one in found]),
        share_cell([one.precise_accuracy - one.running_accuracy for one in found], _signed),
        Cell(text=str(len(found))),
    )


def layers_table(results: Results, examined: Examined) -> Table | None:
    """One row per BatchNorm layer and arm: how far its statistics are from the running ones."""
    arms = with_batch_norm(results, examined)
    if not arms:
        return None
    rows = []
    for arm, found in arms:
        for layers in zip(*(one.layers for one in found), strict=True):
            values = [
                [getattr(layer, name) for layer in layers]
                for name in ("batch_mean", "precise_mean", "batch_log_var", "precise_log_var")
            ]
            path = Cell(text=text.printable(layers[0].path))
            rows.append(
                (path, Cell(text=arm), *(share_cell(one, _plain) for one in values), Cell(text=str(len(found))))
            )
    return Table(
        caption="Distance from the running statistics: root mean square over channels, for batches over batches too. "
        "Means are in running standard deviations, variances natural logarithms of the ratio. Mean over seeds, SD over "
        f"seeds below. {statistics_sentence(arms)}",
        headings=(
            "Layer", "Arm", "Mean, batches", "Mean, precise", "Log variance, batches", "Log variance, precise", "Seeds",
        ),
        rows=tuple(rows),
        numeric_from=2,
    )  # fmt: skip


def corruptions_table(results: Results, examined: Examined) -> Table | None:
    """One row per arm and kind of corruption: clean accuracy, and that at every strength."""
    rows = []
    for arm, found in examined_arms(results, examined):
        for kind, strengths in STRENGTHS.items():
            clean = [one.corruptions.clean_accuracy for one in found]
            by_strength = zip(*(one.corruptions.accuracies[kind] for one in found), strict=True)
            named = Cell(text=kind, note=", ".join(f"{value:g}" for value in strengths))
            columns = (share_cell(clean), *(share_cell(values) for values in by_strength))
            rows.append((arm_cell(results, arm), named, *columns, Cell(text=str(len(found)))))
    if not rows:
        return None
    return Table(
        caption=f"Accuracy, mean over seeds, SD over seeds below. {corruptions_sentence(results, examined)}",
        headings=("Arm", "Corruption", "Clean", "Strength 1", "Strength 2", "Strength 3", "Seeds"),
        rows=tuple(rows),
        numeric_from=2,
    )


def corruptions_sentence(results: Results, examined: Examined) -> str:
    """Say what was done to how many images."""
    _, found = next(examined_arms(results, examined))
    num_images = text.count(found[0].corruptions.num_images, "test image")
    said = {kind: "/".join(f"{value:g}" for value in strengths) for kind, strengths in STRENGTHS.items()}
    return (
        f"The same {num_images}, evenly spread over the split, for every arm and seed. Gaussian noise of SD "
        f"{said['noise']} of full scale; Gaussian blur of SD {said['blur']} pixels times the root of the shorter side; "
        f"contrast cut to {said['contrast']}; JPEG of quality {said['JPEG']}; {said['brightness']} of full scale added."
    )


def reliability_table(results: Results, examined: Examined) -> Table | None:
    """One row per arm: calibration, and how much predictions depend on the rest of the batch."""
    arms = list(examined_arms(results, examined))
    if not arms:
        return None
    first = arms[0][1][0]
    calibrated, company = first.calibration, first.companions
    images = text.count(company.num_images, "test image")
    return Table(
        caption=f"Mean over seeds, SD over seeds below. Expected calibration error: {calibrated.num_bins} bins of "
        f"equal width over the confidence, all {calibrated.num_images:,} test images; overconfidence is mean "
        f"confidence less accuracy. Changed by company: share of {images} whose predicted class is not the same in "
        f"{company.num_draws} draws of random batches of {company.batch_size}, with the norm layers in training mode, "
        "and with the network in evaluation mode.",
        headings=(
            "Arm", "Expected calibration error", "Overconfidence, points", "Changed by company, batch statistics",
            "Changed by company, evaluation", "Seeds",
        ),
        rows=tuple(_reliability_row(results, arm, found) for arm, found in arms),
    )  # fmt: skip


def _reliability_row(results: Results, arm: str, found: Sequence[Examination]) -> tuple[Cell, ...]:
    return (
        arm_cell(results, arm),
        share_cell([one.calibration.expected_error for one in found]),
        share_cell([one.calibration.overconfidence for one in found], _signed),
        share_cell([one.companions.changed_in_batch_mode for one in found]),
        share_cell([one.companions.changed_in_evaluation for one in found]),
        Cell(text=str(len(found))),
    )


def share_cell(values: Iterable[float | None], write: Callable[[float], str] = text.percent) -> Cell:
    """Write the mean of values with their standard deviation below; a dash where one is missing."""
    numbers = list(values)
    present = [value for value in numbers if value is not None]
    if not present or len(present) < len(numbers):
        return Cell(text="–")
    spread = f"SD {_spread(present, write)}" if len(present) > 1 else ""
    return Cell(text=write(float(np.mean(present))), note=spread)


def _spread(values: Sequence[float], write: Callable[[float], str]) -> str:
    return write(float(np.std(values, ddof=1))).removesuffix(" %").removeprefix("+")


def _signed(value: float) -> str:
    return text.points(value + 0.0)  # no negative zero


def _plain(value: float) -> str:
    return f"{value:.3f}"
