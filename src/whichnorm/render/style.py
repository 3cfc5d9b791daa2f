"""How every figure looks: colours, fonts, the looks of an arm, and a figure as files."""

import io
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from PIL import Image

from whichnorm.specs.arm import parse_arm
from whichnorm.stats import Call

Split = Literal["val", "test"]
Format = Literal["svg", "png"]

SPLIT_NAMES = {"train": "training", "val": "validation", "test": "test"}

LINES = ("-", "--", "-.", (0, (1, 1)), (0, (5, 1, 1, 1, 1, 1)))

SHADES = (("#ffffff", 0.0), ("#ffffff", 0.42), ("#000000", 0.42))  # what is mixed in, and how much of it

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


@dataclass(frozen=True, kw_only=True)
class FamilyStyle:
    """The colour of a family of norms, and markers that look alike."""

    color: str
    markers: tuple[str, ...]

    def member(self, place: int) -> ArmStyle:
        """Return the looks of one of the family's arms; no two of the first 60 are alike."""
        mixed_in, fraction = SHADES[place % len(SHADES)]
        return ArmStyle(
            color=_mixed(self.color, mixed_in, fraction),
            line=LINES[place % len(LINES)],
            marker=self.markers[place % len(self.markers)],
        )


# Okabe and Ito's colours, safe for colour-blind readers; line and marker distinguish arms in print too.
FAMILIES = {
    "bn": FamilyStyle(color="#0072B2", markers=("o", "p", "h", "8")),
    "ln": FamilyStyle(color="#D55E00", markers=("s", "P", "d", "*")),
    "gn": FamilyStyle(color="#009E73", markers=("^", "v", "<", ">")),
    "in": FamilyStyle(color="#CC79A7", markers=("D", "d", "p", "h")),
    "none": FamilyStyle(color="#5f6368", markers=("X", "P", "*", "8")),
}
OTHER_FAMILIES = (
    FamilyStyle(color="#E69F00", markers=("P", "X", "*", "8")),
    FamilyStyle(color="#56B4E9", markers=("h", "p", "8", "o")),
)


def arm_styles(arms: Sequence[str]) -> dict[str, ArmStyle]:
    """Return how each of a study's arms looks in every figure: its norm's family gives colour and marker.

    Several arms of a family differ in shade, line and marker; the first has the family's own, and arms without a
    penalty or another addition come first. So BatchNorm and one GroupNorm look alike in every study and sweep.
    """
    members: dict[str, list[str]] = {}
    for arm in sorted(arms, key=lambda arm: arm != parse_arm(arm).norm.kind):
        members.setdefault(parse_arm(arm).norm.family, []).append(arm)
    others = iter(OTHER_FAMILIES * len(members))
    looks = {family: FAMILIES.get(family) or next(others) for family in members}
    return {arm: looks[family].member(place) for family, names in members.items() for place, arm in enumerate(names)}


def _mixed(color: str, other: str, fraction: float) -> str:
    red, green, blue = ((1 - fraction) * a + fraction * b for a, b in zip(to_rgb(color), to_rgb(other), strict=True))
    return to_hex((red, green, blue))


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


def saved(figure: Figure, formats: Sequence[Format] = ("svg", "png")) -> dict[Format, bytes]:
    """Return a figure as the content of files in some formats: the same bytes for the same figure."""
    with house_style(), warnings.catch_warnings():
        # Names in scripts that the font lacks are drawn as boxes; the page has them as text.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure.draw_without_rendering()
        figure.set_layout_engine(None)  # laid out once, not again for each format
        return {format: WRITERS[format](figure) for format in formats}


def _svg(figure: Figure) -> bytes:
    svg = io.BytesIO()
    figure.savefig(svg, format="svg", metadata={"Date": None, "Creator": None})
    return svg.getvalue()


def _png(figure: Figure) -> bytes:
    """Return a PNG with a palette of 256 colours of its own, which a figure can do with: a third of the bytes."""
    raw, png = io.BytesIO(), io.BytesIO()
    figure.savefig(raw, format="png", pil_kwargs={"compress_level": 0})  # read again below
    Image.open(raw).convert("RGB").quantize(256, Image.Quantize.MEDIANCUT).save(png, "PNG", optimize=True)
    return png.getvalue()


WRITERS: dict[Format, Callable[[Figure], bytes]] = {"svg": _svg, "png": _png}
