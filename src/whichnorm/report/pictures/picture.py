"""A figure with what is said about it, and how arms are named in pictures."""

from dataclasses import dataclass
from typing import Any, Literal

from matplotlib.figure import Figure

from whichnorm.report import text
from whichnorm.report.figures.style import ArmStyle, arm_style
from whichnorm.results import Results, arm_title


@dataclass(frozen=True, kw_only=True)
class Widget:
    """What the page's script shows in a picture's place: the kind of thing, and its data as JSON values."""

    kind: Literal["charts", "confusion"]
    data: dict[str, Any]


@dataclass(frozen=True, kw_only=True, eq=False)
class Picture:
    """A figure and what is said about it; `embed` is the format that the page holds."""

    name: str
    figure: Figure
    alt: str
    caption: str
    embed: Literal["svg", "png"] = "svg"
    widget: Widget | None = None


def label(arm: str) -> str:
    """Return an arm's name with its text form, which the verdict uses: "BatchNorm (bn)"."""
    return f"{arm_title(arm)} ({arm})"


def style(results: Results, arm: str) -> ArmStyle:
    return arm_style(text.arm_names(results).index(arm))
