"""How arms are named and drawn, in sentences, tables and pictures."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from whichnorm.render.style import ArmStyle, arm_styles
from whichnorm.render.table import Cell
from whichnorm.results.results import Results
from whichnorm.specs.names import arm_title

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, eq=False)
class Drawn(Generic[T]):
    """An arm in a figure: its name, its looks, and what is drawn of it."""

    label: str
    style: ArmStyle
    values: T


def drawn(results: Results, arm: str, values: T) -> Drawn[T]:
    """Return an arm as all figures name it and draw it."""
    return Drawn(label=arm_title(arm), style=style(results, arm), values=values)


def arm_cell(results: Results, arm: str) -> Cell:
    """Return an arm's name with its text form and its colour."""
    return Cell(text=arm_title(arm), note=arm, color=style(results, arm).color)


def label(arm: str) -> str:
    """Return an arm's name with the text form that a reader can type: "BatchNorm (bn)"."""
    return f"{arm_title(arm)} ({arm})"


def style(results: Results, arm: str) -> ArmStyle:
    """Return how an arm looks beside all arms of its study."""
    return arm_styles(results.all_arms or results.arm_names)[arm]


def ranked(results: Results) -> list[str]:
    """Return the arms with a finished run by mean test accuracy, the best first."""
    return [arm.norm for arm in sorted(results.arms, key=lambda arm: -arm.test_accuracy.mean)]
