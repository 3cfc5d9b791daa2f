"""Curves as the page's script draws them: JSON values, with the numbers that the figures have."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whichnorm.analyses.curves.figures import Line, loss_label, spans_magnitudes
from whichnorm.render.picture import Widget
from whichnorm.render.style import ArmStyle
from whichnorm.render.text import printable

# Strokes of the figures' line styles, as SVG has them.
DASHES = {"-": "", "--": "6 3", "-.": "8 3 2 3"}


def charts(panels: Sequence[dict[str, Any]]) -> Widget:
    return Widget(kind="charts", data={"panels": list(panels)})


def loss_chart(name: str, drawn: Sequence[Line]) -> dict[str, Any]:
    """Describe a chart of losses in nats."""
    curves = [line.curve for line in drawn]
    return {
        "title": f"{name} loss".lstrip().capitalize(),
        "axis": loss_label(name, curves),
        "unit": "",
        "digits": 4,
        "log": spans_magnitudes(curves),
        "lines": [_line(line, scale=1) for line in drawn],
    }


def accuracy_chart(name: str, drawn: Sequence[Line]) -> dict[str, Any]:
    """Describe a chart of accuracies in percent."""
    title = f"{name} accuracy".lstrip().capitalize()
    return {
        "title": title,
        "axis": f"{title} (%)",
        "unit": " %",
        "digits": 2,
        "log": False,
        "lines": [_line(line, scale=100) for line in drawn],
    }


def _line(line: Line, scale: float) -> dict[str, Any]:
    curve = line.curve
    described = {
        "label": printable(line.label),
        "color": line.style.color,
        "dash": _dash(line.style),
        "mean": _numbers(scale * curve.mean),
    }
    if curve.band == "none":
        return described
    return described | {"low": _numbers(scale * curve.low), "high": _numbers(scale * curve.high)}


def _dash(style: ArmStyle) -> str:
    return DASHES[style.line] if isinstance(style.line, str) else " ".join(f"{2 * part}" for part in style.line[1])


def _numbers(values: NDArray[np.float64]) -> list[float | None]:
    """Return values with six digits behind the point, None for a gap."""
    return [round(value, 6) if np.isfinite(value) else None for value in values.tolist()]
