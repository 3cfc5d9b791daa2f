"""WyNet's first epochs with brightness and contrast changed after standardizing, as the published run did.

    python -m benchmarks.wynet_photometric [--data-dir DATA]

Everything else is as in `whichnorm reproduce wynet`, at seed 0; the learning rates are those of its first two epochs of
20. The training log goes to results/wynet_photometric.json.
"""

import argparse
import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from whichnorm.api import prepare
from whichnorm.reproduce.published import find_published
from whichnorm.specs.recipes import RECIPES
from whichnorm.study.study import Study
from whichnorm.training.events import ignore
from whichnorm.training.loop import train_epoch
from whichnorm.training.machine import as_specified, environment
from whichnorm.training.network import build_network, build_optimizer
from whichnorm.training.record import EpochRow
from whichnorm.training.state import TrainingState

EPOCHS = 2
FILE = Path("results") / "wynet_photometric.json"


def study(data_dir: Path, out: Path) -> Study:
    """Return the study of wynet's published arms at one seed, with the photometric change moved."""
    recipe = RECIPES["wynet"]
    moved = replace(recipe.augmentation, brightness_contrast_of="standardized")
    norms = [arm.norm for arm in find_published("wynet").arms]
    recipe = replace(recipe, name="wynet_photometric", augmentation=moved)
    return prepare("cifar10", norms=norms, model="wynet", recipe=recipe, val=0, seeds=1, threads=1,
                   data_dir=data_dir, out=out)  # fmt: skip


def first_epochs(study: Study) -> dict[str, list[EpochRow]]:
    """Train the first epochs of every arm and return their logs."""
    logs = {}
    for run in study.spec.runs():
        model = build_network(run, study.splits)
        optimizer, state = build_optimizer(model, run.training), TrainingState(epochs=[], audit=None)
        for _ in range(EPOCHS):
            row, _ = train_epoch(run, study.splits, model, optimizer, state, ignore)
            state.epochs.append(row)
            print(f"{run.arm}: epoch {row.epoch}, training accuracy {row.train_accuracy:.2%}", flush=True)
        logs[str(run.arm)] = state.epochs
    return logs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-dir", type=Path, default=Path("data"))
    parser.add_argument("--out", type=Path, default=Path("runs") / "wynet_photometric")
    args = parser.parse_args()
    asked = study(args.data_dir, args.out)
    machine = asked.spec.machine
    with as_specified(machine):
        logs = first_epochs(asked)
    found: dict[str, Any] = {
        "seed": asked.spec.seeds[0],
        "recipe": asdict(asked.spec.recipe),
        "environment": environment(machine),
        "epochs": {arm: [asdict(row) for row in rows] for arm, rows in logs.items()},
    }
    FILE.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
