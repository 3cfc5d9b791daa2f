"""Published and measured curves in one figure, one column per arm."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from whichnorm.render.style import ArmStyle, arm_styles, house_style, new_figure, set_title
from whichnorm.reproduce.published import Published, PublishedArm, PublishedScores
from whichnorm.specs.names import arm_title
from whichnorm.training.record import EpochRow, RunRecord

PANELS = (("test_accuracy", "Test accuracy (%)", 100.0), ("train_loss", "Training loss (nats)", 1.0))
PUBLISHED_COLOR = "#5f6368"


def has_curves(published: Published) -> bool:
    return any(arm.epochs for arm in published.arms)


@house_style()
def draw_curves(published: Published, records: Sequence[RunRecord]) -> Figure:
    """Draw test accuracy and training loss by epoch: published dashed in grey, measured in the arm's colour."""
    styles = arm_styles([arm.norm for arm in published.arms])
    arms = [(styles[arm.norm], arm) for arm in published.arms if arm.epochs]
    figure = new_figure(max(6.4, 3.1 * len(arms)), 5.6)
    panels = figure.subplots(len(PANELS), len(arms), squeeze=False, sharex=True, sharey="row")
    for column, (looks, arm) in enumerate(arms):
        runs = [run for run in records if run.arm == arm.norm and run.status == "finished"]
        for axes, (quantity, _, scale) in zip(panels[:, column], PANELS, strict=True):
            _draw(axes, arm, runs, quantity, scale, looks)
        panels[0, column].set_title(f"{arm_title(arm.norm)} ({arm.norm})")
        panels[-1, column].set_xlabel("Epoch")
    for axes, (_, label, _) in zip(panels[:, 0], PANELS, strict=True):
        axes.set_ylabel(label)
    figure.legend(*_legend(panels[0, 0]), loc="outside lower left", ncols=2, handlelength=3.2)
    set_title(figure, f"{published.name}: published and measured logs")
    return figure


def _draw(
    axes: Axes, arm: PublishedArm, runs: Sequence[RunRecord], quantity: str, scale: float, looks: ArmStyle
) -> None:
    there = _column(arm.epochs, quantity, scale)
    axes.plot(range(1, len(there) + 1), there, color=PUBLISHED_COLOR, linestyle="--", marker="x", markersize=4,
              label="published")  # fmt: skip
    for run in runs:
        here = _column(run.epochs, quantity, scale)
        axes.plot(range(1, len(here) + 1), here, color=looks.color, marker=looks.marker, markersize=3.5,
                  label="measured" if len(runs) == 1 else "measured, a line per seed")  # fmt: skip
    axes.grid(True)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))


def _legend(axes: Axes) -> tuple[list, list[str]]:
    """Return each kind of line once; the colours differ between arms."""
    by_label = {label: handle for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)}
    return list(by_label.values()), list(by_label)


def _column(rows: Sequence[PublishedScores] | Sequence[EpochRow], quantity: str, scale: float) -> list[float]:
    values = (getattr(row, quantity) for row in rows)
    return [np.nan if value is None else scale * value for value in values]
