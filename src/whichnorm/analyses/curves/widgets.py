"""Curves as the page's script draws them: JSON values, with the numbers that the figures have."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whichnorm.analyses.curves.figures import Line, axis_label, seeds_are_drawn, spans_magnitudes
from whichnorm.analyses.curves.tables import Quantity
from whichnorm.render.picture import Widget
from whichnorm.render.style import ArmStyle
from whichnorm.render.text import printable

# Strokes of the figures' line styles, as SVG has them.
DASHES = {"-": "", "--": "6 3", "-.": "8 3 2 3"}


def charts(panels: Sequence[tuple[Quantity, str, Sequence[Line]]]) -> Widget:
    """Return charts of a quantity each, with what it is of, such as a split or "BatchNorm:", and their lines."""
    return Widget(kind="charts", data={"panels": [_chart(*panel) for panel in panels]})


def _chart(quantity: Quantity, name: str, lines: Sequence[Line]) -> dict[str, Any]:
    """Describe a chart: losses in nats, accuracies in percent."""
    curves, loss = [line.curve for line in lines], quantity == "loss"
    thin = seeds_are_drawn(curves)
    return {
        "title": printable(f"{name[:1].upper()}{name[1:]} {quantity}"),
        "axis": printable(axis_label(name, quantity, curves)),
        "unit": "" if loss else " %",
        "digits": 4 if loss else 2,
        "log": loss and spans_magnitudes(curves),
        "lines": [_line(line, scale=1 if loss else 100, thin=thin) for line in lines],
    }


def _line(line: Line, scale: float, thin: bool) -> dict[str, Any]:
    """Describe a line; `seeds` are the thin lines that stand in the place of a band."""
    curve = line.curve
    described: dict[str, Any] = {
        "label": printable(line.label),
        "color": line.style.color,
        "dash": _dash(line.style),
        "mean": _numbers(scale * curve.mean),
    }
    if curve.band == "none":
        return described
    described |= {"low": _numbers(scale * curve.low), "high": _numbers(scale * curve.high)}
    return described | ({"seeds": [_numbers(scale * values) for values in curve.values]} if thin else {})


def _dash(style: ArmStyle) -> str:
    return DASHES[style.line] if isinstance(style.line, str) else " ".join(f"{2 * part}" for part in style.line[1])


def _numbers(values: NDArray[np.float64]) -> list[float | None]:
    """Return values with six digits behind the point, None for a gap."""
    return [round(value, 6) if np.isfinite(value) else None for value in values.tolist()]
