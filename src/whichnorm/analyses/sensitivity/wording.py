"""What both kinds of follow-up say alike."""

from collections.abc import Mapping
from typing import Any

from whichnorm.results.results import Results
from whichnorm.specs.names import enclosed


def by_accuracy(results: Results, names: Mapping[str, str] | None = None) -> list[str]:
    """Return the arms by mean test accuracy, the best first, under other names if they are given."""
    ranked = sorted(results.arms, key=lambda arm: -arm.test_accuracy.mean)
    return [names[arm.norm] if names else arm.norm for arm in ranked]


def fault_sentences(results: Results, condition: str) -> list[str]:
    """Say which runs of a follow-up went wrong, in one sentence or none."""
    seeds: dict[str, list[str]] = {}
    for run in results.faults:
        seeds.setdefault(run.arm, []).append(str(run.seed))
    runs = [f"{enclosed([arm])} at seed {', '.join(found)}" for arm, found in seeds.items()]
    return [f"Failed, diverged or at chance {condition}: {'; '.join(runs)}."] if runs else []


def results_dict(results: Results | None) -> dict[str, Any]:
    """Return what results.json has of a follow-up's own results."""
    if results is None:
        return {}
    content = results.to_dict()
    return {key: content[key] for key in ("arms", "comparisons", "verdict", "faults")}
