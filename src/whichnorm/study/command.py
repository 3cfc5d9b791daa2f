"""The commands that make a study again, from what study.json says, and that go on with one from its folder."""

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from whichnorm.specs.options import Choice, choices
from whichnorm.specs.recipe import Recipe
from whichnorm.specs.recipes import RECIPES, default_recipe
from whichnorm.specs.study import StudySpec, UntilSure, read_study
from whichnorm.specs.study_options import CompareOptions

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
    program: str = "whichnorm compare"

    @property
    def text(self) -> str:
        """The command in lines of at most 80 characters where they allow it, each but the last with a backslash."""
        lines = [self.program]
        for option in self.options:
            if len(lines[-1]) + len(option) > WIDTH:
                lines.append(" ")
            lines[-1] += f" {option}"
        return " \\\n".join(lines)


def compare_command(study: Mapping[str, Any], out: Path | None = None) -> Command | None:
    """Return the `whichnorm compare` command of a study, None for a network that no command can name.

    study is study.json's content, which does not hold the folder of the data. The results go to `out`.
    """
    spec = read_study(study, "the study")
    if spec.model.name.startswith("__main__:"):
        return None
    named = _files([spec.recipe, *(spec.follow_ups.recipes if spec.follow_ups else ())])
    (_, recipe_file), *others = named
    return Command(
        options=tuple(shell_options(options_of(spec, [name for name, _ in named], out))),
        recipe_file=recipe_file,
        other_files=tuple((name, content) for name, content in others if content),
    )


def resume_command(folder: Path) -> str:
    """Return the command that goes on with the study or the sweep of a folder, quoted for a POSIX shell."""
    name = str(folder)
    return f"whichnorm resume {shlex.quote(f'./{name}' if name.startswith('-') else name)}"


def options_of(study: StudySpec, recipes: Sequence[str], out: Path | None) -> CompareOptions:
    """Return the options of a study; `recipes` are the names or files of its recipe and of those of its follow-ups."""
    first, *others = recipes
    own = first if first != default_recipe(study.data.name).name else None
    return CompareOptions(
        norms=tuple(map(str, study.arms)),
        model=study.model.name,
        model_options=dict(study.model.options) or None,
        seeds=None if study.until_sure else _number_or_all(study.seeds),
        data=study.data,
        recipe=None if others else own,
        changes=_changes(study.recipe) if first in RECIPES else {},
        until_sure=study.until_sure is not None,
        rule=study.until_sure or UntilSure(),
        tune_lr=study.follow_ups is not None and study.follow_ups.tune_lr,
        recipes=tuple(recipes) if others else (),
        out=out,
        **asdict(study.machine),
    )


def shell_options(options: CompareOptions) -> Iterator[str]:
    """Yield the options that are not at their defaults, quoted for a POSIX shell."""
    for choice in choices(type(options)):
        value = choice.of(options)
        if value != choice.default:
            yield from _written(choice, value)


def _written(choice: Choice, value: Any) -> Iterator[str]:
    """Yield an option as a shell reads it; a value that looks like an option itself is joined to its name."""
    if choice.option.parse is None and not choice.option.choices:
        yield choice.flag
        return
    written = choice.option.write(value)
    for text in written if choice.option.repeated else [written]:
        joined = text.startswith("-")
        yield shlex.quote(f"{choice.flag}={text}") if joined else f"{choice.flag} {shlex.quote(text)}"


def _number_or_all(seeds: Sequence[int]) -> int | tuple[int, ...]:
    """Return the number of seeds where they are those from 0 on, else the seeds themselves."""
    return len(seeds) if list(seeds) == list(range(len(seeds))) else tuple(seeds)


def _changes(recipe: Recipe) -> dict[str, Any]:
    """Return the values of options in which a recipe differs from the named one of its name."""
    usual = RECIPES[recipe.name]
    values = ((choice.keyword, choice.of(recipe), choice.of(usual)) for choice in choices(Recipe))
    return {keyword: value for keyword, value, of_usual in values if value != of_usual}


def _files(recipes: Sequence[Recipe]) -> list[tuple[str, str]]:
    """Return the study's recipe and others by name, where options can make them of a named one, or as file and text.

    The options of a named first one change the others too.
    """
    first, *others = recipes
    changes = _changes(first) if first.name in RECIPES else {}
    named = _is_named(first, changes) and all(other.changed(**changes) == other for other in others)
    held = [(first.name, "") if named else (RECIPE_FILE, _as_text(first))]
    for number, other in enumerate(others, start=2):
        usual = _is_named(other, changes if named else {})
        held.append((other.name, "") if usual else (f"recipe-{number}.json", _as_text(other)))
    return held


def _is_named(recipe: Recipe, changes: Mapping[str, Any]) -> bool:
    """Tell whether a recipe is the one of its name with these changes."""
    return recipe.name in RECIPES and RECIPES[recipe.name].changed(**changes) == recipe


def _as_text(recipe: Recipe) -> str:
    return json.dumps(asdict(recipe), indent=2)
