"""The command that makes a study again, from what study.json says."""

import json
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from whichnorm.specs.codec import decode
from whichnorm.specs.data import DataSpec
from whichnorm.specs.recipe import Recipe
from whichnorm.specs.recipes import RECIPES, default_recipe

PROGRAM = "whichnorm compare"
RECIPE_FILE = "recipe.json"
WIDTH = 77  # of a line, without a blank and its backslash


@dataclass(frozen=True, kw_only=True)
class Command:
    """Options quoted for a POSIX shell, and the content of the recipe file that they name, "" where they name none.

    `other_files` are names and contents of the files of --recipes.
    """

    options: tuple[str, ...]
    recipe_file: str
    other_files: tuple[tuple[str, str], ...] = ()

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
    recipe = decode(study["recipe"], Recipe, "the study's recipe")
    asked = study.get("follow_ups") or {"tune_lr": False, "recipes": []}
    others = [decode(other, Recipe, "another recipe") for other in asked["recipes"]]
    named = _named(recipe) and all(map(_survives(recipe), others))
    files = _files(recipe if named else None, others)
    options = [
        *_data(study["data"]),
        *_model(study["model"]),
        _option("--norms", ",".join(study["arms"])),
        *_how_many_seeds(study),
        *_recipe(recipe, study["data"]["name"], named, [name for name, _ in files]),
        *(["--tune-lr"] if asked["tune_lr"] else []),
        *_machine(study["machine"]),
        *([] if out is None else [_option("--out", str(out))]),
    ]
    return Command(
        options=tuple(options),
        recipe_file="" if named else _as_text(recipe),
        other_files=tuple((name, content) for name, content in files if content),
    )


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


def _recipe(recipe: Recipe, data_name: str, named: bool, others: Sequence[str]) -> Iterator[str]:
    name = recipe.name if named else RECIPE_FILE
    if others:
        yield _option("--recipes", ",".join([name, *others]))
    elif name != default_recipe(data_name).name:
        yield _option("--recipe", name)
    if named:
        yield from _lengths(recipe)


def _lengths(recipe: Recipe) -> Iterator[str]:
    """Name what options change in a named recipe, and with it in all of --recipes."""
    if recipe.epochs != RECIPES[recipe.name].epochs:
        yield _option("--epochs", str(recipe.epochs))
    if recipe.batch_size != RECIPES[recipe.name].batch_size:
        yield _option("--batch-size", str(recipe.batch_size))
    if recipe.device_batch_size is not None:
        yield _option("--device-batch-size", str(recipe.device_batch_size))


def _changes(recipe: Recipe) -> dict[str, Any]:
    """Return the changes of every recipe by the options that a named one has in a command."""
    usual = RECIPES[recipe.name]
    pairs = ((key, getattr(recipe, key), getattr(usual, key)) for key in ("epochs", "batch_size", "device_batch_size"))
    return {key: value for key, value, of_usual in pairs if value != of_usual}


def _survives(recipe: Recipe) -> Callable[[Recipe], bool]:
    """Return the test whether another recipe is what it is after the options of a named one's command."""
    return lambda other: other.changed(**_changes(recipe)) == other


def _files(named: Recipe | None, others: Sequence[Recipe]) -> list[tuple[str, str]]:
    """Return other recipes as --recipes names them, with the content of those that are files."""
    changes = _changes(named) if named else {}
    return [
        (other.name, "")
        if other.name in RECIPES and RECIPES[other.name].changed(**changes) == other
        else (f"recipe-{number}.json", _as_text(other))
        for number, other in enumerate(others, start=2)
    ]


def _as_text(recipe: Recipe) -> str:
    return json.dumps(asdict(recipe), indent=2)


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
