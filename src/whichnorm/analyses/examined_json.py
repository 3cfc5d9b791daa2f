"""What the trained networks answered, as results.json has it under "examined"."""

from collections.abc import Mapping
from typing import Any

from whichnorm.errors import WhichnormError
from whichnorm.specs.codec import encode

# The keys of a run's findings, and the analyses that they are from.
OF_RUNS = {
    "batch_statistics": "batch-statistics",
    "calibration": "calibration",
    "corruptions": "corruptions",
    "companions": "batch-dependence",
}


def examined_json(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return the answers of all runs and the costs of all arms; `found` is what every analysis found, by its name.

    A run of which nothing is known has None and a reason; batch_statistics is None without a BatchNorm layer too.
    """
    runs: dict[tuple[str, int], dict[str, Any]] = {}
    for key, name in OF_RUNS.items():
        for answer in _answers(found, name):
            run = runs.setdefault((answer.arm, answer.seed), {"found": dict.fromkeys(OF_RUNS), "reasons": {}})
            run["found"][key] = encode(answer.found)
            run["reasons"] |= dict.fromkeys([answer.reason] if answer.reason else [])
    costs = ({"arm": one.arm, "cost": encode(one.found), "reason": one.reason} for one in _answers(found, "cost"))
    return {"runs": [_run(arm, seed, run) for (arm, seed), run in runs.items()], "arms": list(costs)}


def _answers(found: Mapping[str, Any], name: str) -> Any:
    return () if isinstance(found[name], WhichnormError) else found[name].runs


def _run(arm: str, seed: int, run: Mapping[str, Any]) -> dict[str, Any]:
    known = any(value is not None for value in run["found"].values())
    return {"arm": arm, "seed": seed, "found": run["found"] if known else None, "reason": "; ".join(run["reasons"])}
