"""A figure with what is said about it."""

from dataclasses import dataclass
from typing import Any, Literal

from matplotlib.figure import Figure

from whichnorm.render.style import Format


@dataclass(frozen=True, kw_only=True)
class Widget:
    """What the page's script shows in a picture's place: the kind of thing, and its data as JSON values."""

    kind: Literal["charts", "confusion"]
    data: dict[str, Any]


@dataclass(frozen=True, kw_only=True, eq=False)
class Picture:
    """A figure and what is said about it; `embed` is the format that the page holds.

    The caption says in at most 40 words what is seen; `method` says how it was made, and is folded away on the page.
    `alt` says in words what the picture shows: `alt_text` makes it from the table of the same numbers.
    """

    name: str
    figure: Figure
    alt: str
    caption: str
    method: str = ""
    embed: Format = "svg"
    widget: Widget | None = None
