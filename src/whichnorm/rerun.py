"""The command that makes a study again, from what study.json says."""

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from whichnorm.recipes import RECIPES, default_recipe, recipe_from_json
from whichnorm.spec import DataSpec, Recipe

PROGRAM = "whichnorm compare"
RECIPE_FILE = "recipe.json"
WIDTH = 77  # of a line, without a blank and its backslash


@dataclass(frozen=True, kw_only=True)
class Command:
    """Options quoted for a POSIX shell, and the content of the recipe file that they name, "" where they name none."""

    options: tuple[str, ...]
    recipe_file: str

    @property
    def text(self) -> str:
        """The command in lines of at most 80 characters where they allow it, each but the last with a backslash."""
        lines = [PROGRAM]
        for option in self.options:
            if len(lines[-1]) + len(option) > WIDTH:
                lines.append(" ")
            lines[-1] += f" {option}"
        return " \\\n".join(lines)


def compare_command(study: Mapping[str, Any], out: Path | None = None) -> Command | None:
    """Return the `whichnorm compare` command of a study, None for a network that no command can name.

    study is study.json's content, which does not hold the folder of the data. The results go to `out`.
    """
    if study["model"]["name"].startswith("__main__:"):
        return None
    recipe = recipe_from_json(study["recipe"], "the study's recipe")
    options = [
        *_data(study["data"]),
        *_model(study["model"]),
        _option("--norms", ",".join(study["arms"])),
        *_how_many_seeds(study),
        *_recipe(recipe, study["data"]["name"]),
        *_machine(study["machine"]),
        *([] if out is None else [_option("--out", str(out))]),
    ]
    return Command(options=tuple(options), recipe_file="" if _named(recipe) else json.dumps(asdict(recipe), indent=2))


def _data(data: Mapping[str, Any]) -> Iterator[str]:
    default = DataSpec()
    yield _option("--data", data["name"])
    if data["image_size"] is not None:
        yield _option("--image-size", str(data["image_size"]))
    if data["val_fraction"] != default.val_fraction:
        yield _option("--val", repr(data["val_fraction"]).removesuffix(".0"))
    if data["train_limit"] is not None:
        yield _option("--train-limit", str(data["train_limit"]))


def _model(model: Mapping[str, Any]) -> Iterator[str]:
    yield _option("--model", model["name"])
    for key, value in model["options"].items():
        yield _option("--model-option", f"{key}={str(value).lower() if isinstance(value, bool) else value}")


def _how_many_seeds(study: Mapping[str, Any]) -> Iterator[str]:
    until_sure = study.get("until_sure")
    if not until_sure:
        yield _option("--seeds", _seeds(study["seeds"]))
        return
    yield "--until-sure"
    yield _option("--margin", f"{100 * until_sure['margin']:.12g}")
    yield _option("--max-seeds", str(until_sure["max_seeds"]))


def _seeds(seeds: Sequence[int]) -> str:
    """Write a count for the seeds from 0 on, else the seeds themselves; a comma marks a single one as no count."""
    if list(seeds) == list(range(len(seeds))):
        return str(len(seeds))
    return ",".join(map(str, seeds)) + ("," if len(seeds) == 1 else "")


def _recipe(recipe: Recipe, data_name: str) -> Iterator[str]:
    if not _named(recipe):
        yield _option("--recipe", RECIPE_FILE)
        return
    if recipe.name != default_recipe(data_name).name:
        yield _option("--recipe", recipe.name)
    if recipe.epochs != RECIPES[recipe.name].epochs:
        yield _option("--epochs", str(recipe.epochs))
    if recipe.batch_size != RECIPES[recipe.name].batch_size:
        yield _option("--batch-size", str(recipe.batch_size))
    if recipe.device_batch_size is not None:
        yield _option("--device-batch-size", str(recipe.device_batch_size))


def _named(recipe: Recipe) -> bool:
    """Tell whether a recipe is the one of its name, but for length and batch sizes, which have options."""
    named = RECIPES.get(recipe.name)
    return named is not None and recipe == replace(
        named, epochs=recipe.epochs, batch_size=recipe.batch_size, device_batch_size=recipe.device_batch_size
    )


def _machine(machine: Mapping[str, Any]) -> Iterator[str]:
    """Name threads and precision always: left out, they are this machine's and not the study's."""
    if machine["device"] != "cpu":
        yield _option("--device", machine["device"])
    yield _option("--threads", str(machine["threads"]))
    yield _option("--precision", machine["precision"])


def _option(name: str, value: str) -> str:
    """Quote an option for the shell; a value that looks like an option itself is joined to its name."""
    return shlex.quote(f"{name}={value}") if value.startswith("-") else f"{name} {shlex.quote(value)}"
