"""Numbers as words and Markdown tables."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parents[2] / "results"


def read(study: str) -> Any:
    """Return the results.json of a study under results/."""
    return json.loads((RESULTS / study / "results.json").read_text())


def percent(share: float, digits: int = 2) -> str:
    """Write a share in [0, 1] as a number of percent, without the sign."""
    return f"{100 * share:.{digits}f}"


def points(difference: float, digits: int = 2) -> str:
    """Write a difference of shares in percentage points, with its sign."""
    return f"{100 * difference:+.{digits}f}".replace("-", "−")


def interval(ends: Sequence[float], digits: int = 2) -> str:
    """Write an interval of shares in percent."""
    return f"[{', '.join(percent(end, digits) for end in ends)}]"


def signed_interval(ends: Sequence[float], digits: int = 2) -> str:
    """Write an interval of differences in percentage points."""
    return f"[{', '.join(points(end, digits) for end in ends)}]"


def listed(words: Sequence[str]) -> str:
    """Write words as a list: "a, b and c"."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def p_value(p: float) -> str:
    """Write a p-value with its sign of relation."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def conclusion(comparison: dict[str, Any]) -> str:
    """Say what a paired comparison supports, for a table."""
    if comparison["call"] == "cannot tell":
        return "none"
    better = comparison["a"] if comparison["call"] == "better" else comparison["b"]
    return f"`{better}` is better"
