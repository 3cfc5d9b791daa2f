"""How follow-ups write rates, differences and orders."""

from collections.abc import Mapping
from typing import Any

from whichnorm.results.results import Results
from whichnorm.results.verdict import CANNOT_TELL, Comparison


def ranking(results: Results, names: Mapping[str, str] | None = None) -> list[str]:
    """Return the arms by mean test accuracy, the best first, under other names where they are given."""
    ranked = sorted(results.arms, key=lambda arm: -arm.test_accuracy.mean)
    return [names[arm.norm] if names else arm.norm for arm in ranked]


def outcome(c: Comparison) -> str:
    """Say which of two arms is better."""
    return CANNOT_TELL if c.call == CANNOT_TELL else f"{c.a if c.call == 'better' else c.b} is better"


def difference(c: Comparison) -> str:
    """Write a comparison: "bn − ln +1.20 points [+0.31, +2.09], bn is better"."""
    low, high = (100 * end for end in c.ci95)
    return f"{c.a} − {c.b} {100 * c.difference:+.2f} points [{low:+.2f}, {high:+.2f}], {outcome(c)}"


def faults(results: Results, where: str) -> list[str]:
    """Say which runs of a follow-up went wrong, in one sentence or none."""
    seeds: dict[str, list[str]] = {}
    for run in results.faults:
        seeds.setdefault(run.arm, []).append(str(run.seed))
    runs = [f"{arm} at seed {', '.join(found)}" for arm, found in seeds.items()]
    return [f"Failed, diverged or at chance {where}: {'; '.join(runs)}."] if runs else []


def figures(results: Results | None) -> dict[str, Any]:
    """Return what results.json has of a follow-up's own results."""
    if results is None:
        return {}
    content = results.to_dict()
    return {key: content[key] for key in ("arms", "comparisons", "verdict", "faults")}
