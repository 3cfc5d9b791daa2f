"""An explanation that prints as text and is a picture in a notebook."""

from dataclasses import dataclass

from rich.console import Console

from whichnorm.explain.picture import draw
from whichnorm.explain.sets import Explanation
from whichnorm.explain.text import print_explanation
from whichnorm.render.style import saved


@dataclass(frozen=True, kw_only=True, eq=False)
class ShownExplanation(Explanation):
    """All norms in words and numbers, and the picture of their sets."""

    def __str__(self) -> str:
        console = Console(width=100, force_terminal=False, force_jupyter=False, no_color=True)
        with console.capture() as captured:
            print_explanation(self, console)
        return captured.get()

    def _repr_png_(self) -> bytes:
        return saved(draw(self), ["png"])["png"]
