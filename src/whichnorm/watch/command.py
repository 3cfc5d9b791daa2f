"""The command with which a study goes on, from its description."""

import shlex
from pathlib import Path
from typing import Any

from whichnorm.errors import SpecError
from whichnorm.recipes import find_recipe, recipe_from_json


def compare_command(held: dict[str, Any], root: Path) -> str | None:
    """Return the `whichnorm compare` that made a study, --data-dir left out; None where a call from Python made it."""
    data, model, machine = held["data"], held["model"], held["machine"]
    seeds = [int(seed) for seed in held["seeds"]]
    if model["name"].startswith("__main__:") or (len(seeds) == 1 and seeds != [0]):
        return None
    options = {
        "--data": data["name"],
        "--image-size": data["image_size"],
        "--val": data["val_fraction"] if data["val_fraction"] != 0.1 else None,
        "--train-limit": data["train_limit"],
        "--model": model["name"],
        "--norms": ",".join(held["arms"]),
        "--seeds": len(seeds) if seeds == list(range(len(seeds))) else ",".join(map(str, seeds)),
        **_recipe_options(held["recipe"]),
        "--device": machine["device"] if machine["device"] != "cpu" else None,
        "--threads": machine["threads"],
        "--precision": machine["precision"],
        "--out": root,
    }
    words = ["whichnorm", "compare"]
    for option, value in options.items():
        words += [option, _short(value)] if value is not None else []
    for key, value in model["options"].items():
        words += ["--model-option", f"{key}={value}"]
    return shlex.join(words)


def _recipe_options(recipe: dict[str, Any]) -> dict[str, Any]:
    """Name the recipe, or the file of that name where none of that name is the same but for length and batch size."""
    name, epochs, batch_size = recipe["name"], recipe["epochs"], recipe["batch_size"]
    try:
        named = find_recipe(name)
        same = named.changed(epochs=epochs, batch_size=batch_size) == recipe_from_json(recipe, "study.json")
    except SpecError:
        return {"--recipe": f"{name}.json"}
    if not same:
        return {"--recipe": f"{name}.json"}
    changed = {"--epochs": epochs} if epochs != named.epochs else {}
    return {"--recipe": name, **changed, **({"--batch-size": batch_size} if batch_size != named.batch_size else {})}


def _short(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
