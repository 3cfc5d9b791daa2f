"""How every figure looks: colours, fonts, the looks of an arm, and a figure as files."""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from whichnorm.stats import Call

Split = Literal["val", "test"]

SPLIT_NAMES = {"train": "training", "val": "validation", "test": "test"}

# Okabe and Ito's colours, safe for colour-blind readers; line and marker tell arms apart in print.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")

LINES = ("-", "--", "-.", (0, (1, 1)), (0, (5, 1, 1, 1, 1, 1)))

MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")

CALL_COLORS: dict[Call, str] = {"better": "#0072B2", "worse": "#D55E00", "cannot tell": "#5f6368"}

INK, FAINT = "#1f2328", "#d5d9de"

STYLE: Any = {  # the type of its keys differs between versions of matplotlib
    "font.family": ["DejaVu Sans"],
    "font.size": 10,
    "text.parse_math": False,  # a class may be called "$x$"
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": "#8b9199",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.titlesize": 10.5,
    "axes.titlelocation": "left",
    "figure.titlesize": 12,
    "figure.titleweight": "bold",
    "xtick.color": "#4a5058",
    "ytick.color": "#4a5058",
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "grid.color": "#e6e8eb",
    "grid.linewidth": 0.8,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "lines.linewidth": 1.8,
    "lines.markersize": 5,
    "savefig.dpi": 160,
    "svg.fonttype": "path",
    "svg.hashsalt": "whichnorm",  # else the ids in a file are random
}


@dataclass(frozen=True, kw_only=True)
class ArmStyle:
    """How an arm looks in every figure."""

    color: str
    line: str | tuple[int, tuple[int, ...]]
    marker: str


def arm_style(index: int) -> ArmStyle:
    """Return the looks of a study's arm by its place; no two of the first 35 are alike."""
    return ArmStyle(
        color=COLORS[index % len(COLORS)], line=LINES[index % len(LINES)], marker=MARKERS[index % len(MARKERS)]
    )


@contextmanager
def house_style() -> Iterator[None]:
    """Set the report's style for a while, whatever the caller's own settings are."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        with matplotlib.rc_context(STYLE):
            yield


def new_figure(width: float, height: float) -> Figure:
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def set_title(figure: Figure, text: str) -> None:
    figure.suptitle(text, x=0.01, ha="left")


def saved(figure: Figure) -> dict[Literal["svg", "png"], bytes]:
    """Return a figure as the content of an SVG and of a PNG file: the same bytes for the same figure."""
    svg, png = io.BytesIO(), io.BytesIO()
    with house_style(), warnings.catch_warnings():
        # Names in scripts that the font lacks are drawn as boxes; the page has them as text.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure.draw_without_rendering()
        figure.set_layout_engine("none")  # laid out once, not again for each format
        figure.savefig(svg, format="svg", metadata={"Date": None, "Creator": None})
        figure.savefig(png, format="png")
    return {"svg": svg.getvalue(), "png": png.getvalue()}
