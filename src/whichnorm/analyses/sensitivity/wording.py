"""What both kinds of follow-up say alike."""

from typing import Any

from whichnorm.results.results import Results
from whichnorm.specs.names import enclosed


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
