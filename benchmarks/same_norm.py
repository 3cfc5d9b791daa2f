"""False calls on real trainings: studies whose two arms are the same norm with other seeds.

    python -m benchmarks.same_norm [--studies 42] [--seeds 3] [--out runs/same_norm]

The digits are trained with their default network and recipe, as many runs per norm as the studies need, each in one
study only. A run's seed decides its weights, order and augmentation, so two arms differ by chance alone, and every
call is false. Given again it goes on where it stopped; the result goes to results/same_norm.json.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from whichnorm import stats
from whichnorm.api import prepare
from whichnorm.results.comparisons import Comparison, compare_arms, fixed_rule
from whichnorm.study.run import run_study
from whichnorm.study.study import Study
from whichnorm.training.machine import keep_freed_memory
from whichnorm.training.record import RunRecord

NORMS = ("bn", "ln", "gn:8")
FILE = Path("results") / "same_norm.json"


def train(norm: str, num_runs: int, out: Path) -> tuple[Study, list[RunRecord]]:
    """Train one norm at many seeds; finished runs are kept."""
    study = prepare("digits", norms=[norm], seeds=num_runs, threads=1, out=out / norm.replace(":", "-"))
    with study.folder.locked():
        study.folder.claim(study.spec, study.test_split)
        return study, run_study(study)


def compare(study: Study, records: Sequence[RunRecord], num_seeds: int) -> list[Comparison]:
    """Divide the runs into studies of two arms and compare these."""
    labels = study.splits.test.labels.numpy()
    answers = [np.equal(record.test_predictions, labels) for record in records]
    arms = [dict(enumerate(answers[i : i + num_seeds])) for i in range(0, len(answers), num_seeds)]
    return [
        compare_arms({"a": a, "b": b}, fixed_rule([tuple(a)]))[0] for a, b in zip(arms[::2], arms[1::2], strict=True)
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=42)
    parser.add_argument("--seeds", type=int, default=3, help="per arm")
    parser.add_argument("--out", type=Path, default=Path("runs") / "same_norm")
    args = parser.parse_args()
    torch.set_num_threads(1)
    keep_freed_memory()
    per_norm = args.studies // len(NORMS)
    found: dict[str, list[Comparison]] = {}
    for norm in NORMS:
        study, records = train(norm, 2 * per_norm * args.seeds, args.out)
        found[norm] = compare(study, records, args.seeds)
        calls = sum(c.call != "cannot tell" for c in found[norm])
        print(f"{norm}: {calls} false calls in {len(found[norm])} studies of 2 x {args.seeds} runs", flush=True)
    everything = [c for comparisons in found.values() for c in comparisons]
    calls = sum(c.call != "cannot tell" for c in everything)
    held = sum(c.ci95[0] <= 0 <= c.ci95[1] for c in everything)
    ends = stats.proportion_interval(calls, len(everything))
    result = {
        "studies": len(everything),
        "seeds_per_arm": args.seeds,
        "false_calls": calls,
        "false_calls_ci95": [ends.low, ends.high],
        "intervals_with_zero": held,
        "num_test_images": len(study.splits.test),
        "p_values": {norm: [c.p_value for c in comparisons] for norm, comparisons in found.items()},
        "differences": {norm: [c.difference for c in comparisons] for norm, comparisons in found.items()},
        "recipe": study.spec.recipe.name,
        "model": study.spec.model.name,
        "environment": records[0].environment,
    }
    FILE.write_text(json.dumps(result, indent=1) + "\n")
    print(
        f"{calls} false calls in {len(everything)} studies ({100 * calls / len(everything):.1f} % "
        f"[{100 * ends.low:.1f}, {100 * ends.high:.1f}]); {held} intervals hold zero"
    )
    return 0 if ends.low <= 0.05 else 1


if __name__ == "__main__":
    sys.exit(main())
