"""How arms are named in tables and pictures."""

from whichnorm.render.style import ArmStyle, arm_style
from whichnorm.render.table import Cell
from whichnorm.results.results import Results, arm_title


def arm_cell(results: Results, arm: str) -> Cell:
    """Return an arm's name with its text form and its colour."""
    return Cell(text=arm_title(arm), note=arm, color=style(results, arm).color)


def label(arm: str) -> str:
    """Return an arm's name with its text form, which the verdict uses: "BatchNorm (bn)"."""
    return f"{arm_title(arm)} ({arm})"


def style(results: Results, arm: str) -> ArmStyle:
    """Return how an arm looks, by its place among all arms of the study."""
    return arm_style((results.all_arms or tuple(results.arm_names)).index(arm))
