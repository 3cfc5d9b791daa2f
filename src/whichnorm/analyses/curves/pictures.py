"""Pictures of loss and accuracy over epochs."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from whichnorm.analyses.arms import style
from whichnorm.analyses.curves import figures
from whichnorm.analyses.curves.figures import Line
from whichnorm.analyses.curves.measure import ArmCurves, Curve, CurvesFound
from whichnorm.analyses.curves.tables import Quantity, arm_table, held_out_table
from whichnorm.analyses.curves.widgets import charts
from whichnorm.render import text
from whichnorm.render.picture import Picture
from whichnorm.render.style import SPLIT_NAMES
from whichnorm.render.table import alt_text
from whichnorm.results.results import Results
from whichnorm.specs.arm import file_stem
from whichnorm.specs.names import arm_title

TEST_CAUTION = "No validation split: these are the test set's curves."
TRAINING = "Training values are running means over an epoch's augmented images and can look worse."
UNITS = {"loss": "Cross-entropy per image in nats.", "accuracy": "Share of images classified rightly."}


def curve_pictures(found: CurvesFound, results: Results) -> Iterator[Picture]:
    """Yield loss and accuracy of all arms over epochs, then each arm's training beside the held-out split."""
    yield _all_arms(found, results, "loss")
    yield _all_arms(found, results, "accuracy")
    for arm in found.arms:
        yield arm_picture(found, results, arm)


def _all_arms(found: CurvesFound, results: Results, quantity: Quantity) -> Picture:
    lines = [
        Line(label=_line_label(arm, curves), style=style(results, arm), curve=getattr(curves.held_out, quantity))
        for arm, curves in found.arms.items()
    ]
    lead = f"{SPLIT_NAMES[found.split].capitalize()} {quantity} over epochs. After the last epoch,"
    return Picture(
        name=f"validation_{quantity}",
        figure=figures.all_arms(lines, quantity, found.split),
        alt=alt_text(lead, held_out_table(found, results, quantity)),
        caption=_joined(UNITS[quantity], _lines_text([line.curve for line in lines]), _caution(found)),
        widget=charts([(quantity, SPLIT_NAMES[found.split], lines)]),
    )


def arm_picture(found: CurvesFound, results: Results, arm: str) -> Picture:
    """Return an arm's loss and accuracy in training and on the held-out split."""
    curves, name = found.arms[arm], SPLIT_NAMES[found.split]
    held_out = replace(style(results, arm), line="-")
    panels = [
        (quantity, [Line(label=figures.TRAIN_LABEL, style=figures.TRAIN_STYLE, curve=getattr(curves.train, quantity)),
                    Line(label=name, style=held_out, curve=getattr(curves.held_out, quantity))])
        for quantity in figures.QUANTITIES
    ]  # fmt: skip
    lead = f"Training and {name} curves of {arm_title(arm)}. After the last epoch,"
    return Picture(
        name=f"{file_stem(arm)}_curves",
        figure=figures.one_arm(f"{_line_label(arm, curves)}: training and {name}", panels),
        alt=alt_text(lead, arm_table(curves, name)),
        caption=_joined(f"{arm_title(arm)}.", TRAINING,
                        _lines_text([curves.held_out.loss]), _caution(found)),
        method="Training losses and accuracies are taken while the weights change, before each step of the epoch; "
        f"those of the {name} split after it.",
        widget=charts([(quantity, f"{_line_label(arm, curves)}:", lines) for quantity, lines in panels]),
    )  # fmt: skip


def _line_label(arm: str, curves: ArmCurves) -> str:
    return arm_title(arm) if curves.status == "finished" else f"{arm_title(arm)}, {curves.status}"


def _caution(found: CurvesFound) -> str:
    return TEST_CAUTION if found.split == "test" else ""


def _lines_text(curves: Sequence[Curve]) -> str:
    """Say what lines and bands are, each kind once."""
    numbers = sorted({curve.num_seeds for curve in curves})
    if numbers == [1]:
        return "One seed: a line without a band."
    if figures.seeds_are_drawn(curves):
        return f"Thick lines are means over seeds, thin lines single seeds ({_n(numbers)})."
    several = [curve for curve in curves if curve.num_seeds > 1]
    kinds = {"range": "from the smallest to the largest value", "interval": "the 95 % t interval of the mean"}
    said = [
        f"{kinds[band]} ({_n(sorted({curve.num_seeds for curve in several if curve.band == band}))})"
        for band in dict.fromkeys(curve.band for curve in several)
    ]
    return f"Lines are means over seeds; bands are {'; '.join(said)}."


def _n(numbers: Sequence[int]) -> str:
    if len(numbers) == 1:
        return text.num_seeds(numbers[0])
    return f"n = {numbers[0]} to {text.count(numbers[-1], 'seed')}"


def _joined(*sentences: str) -> str:
    return " ".join(filter(None, sentences))
