"""How arms are named and drawn, in sentences, tables and pictures."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from whichnorm.render.style import ArmStyle, arm_styles
from whichnorm.render.table import Cell
from whichnorm.results.results import Results, short_title
from whichnorm.results.verdict import listed

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, eq=False)
class Drawn(Generic[T]):
    """An arm in a figure: its name, its looks, and what is drawn of it."""

    label: str
    style: ArmStyle
    values: T


def drawn(results: Results, arm: str, values: T) -> Drawn[T]:
    """Return an arm as all figures name it and draw it."""
    return Drawn(label=label(arm), style=style(results, arm), values=values)


def arm_cell(results: Results, arm: str) -> Cell:
    """Return an arm's name with its text form and its colour."""
    return Cell(text=short_title(arm), note=arm, color=style(results, arm).color)


def label(arm: str) -> str:
    """Return an arm's name with its text form, which tables of differences use: "BatchNorm (bn)"."""
    return f"{short_title(arm)} ({arm})"


def style(results: Results, arm: str) -> ArmStyle:
    """Return how an arm looks beside all arms of its study."""
    return arm_styles(results.all_arms or results.arm_names)[arm]


def ranked(results: Results) -> list[str]:
    """Return the arms with a finished run by mean test accuracy, the best first."""
    return [arm.norm for arm in sorted(results.arms, key=lambda arm: -arm.test_accuracy.mean)]


def named(arms: Sequence[str]) -> str:
    """Write arms' names as a list that stays clear with commas in names: "GroupNorm, 2 groups, and LayerNorm"."""
    names = [short_title(arm) for arm in arms]
    if not any("," in name for name in (names if len(names) > 2 else names[:-1])):
        return listed(names)
    return f"{names[0]}, and {names[1]}" if len(names) == 2 else f"{'; '.join(names[:-1])}; and {names[-1]}"


def enclosed(arms: Sequence[str]) -> str:
    """Write arms' names so that the sentence can go on: "BatchNorm and GroupNorm, 8 groups,"."""
    return named(arms) + ("," if "," in short_title(arms[-1]) else "")
