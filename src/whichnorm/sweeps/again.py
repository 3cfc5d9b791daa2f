"""How to make a sweep again."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from whichnorm.norms import GroupNormSpec
from whichnorm.render import text
from whichnorm.render.content import Code
from whichnorm.specs.arm import parse_arm
from whichnorm.study.command import PROGRAM, RECIPE_FILE, compare_command


def again(description: Mapping[str, Any]) -> tuple[tuple[str, ...], tuple[Code, ...]]:
    """Return sentences, and the command that makes a sweep again with the recipe file that it reads.

    description is sweep.json's content.
    """
    of_groups = [] if any(description["axes"].values()) else _plain_groups(description["arms"])
    norms = [arm for arm in description["arms"] if arm not in of_groups] or description["arms"][:1]
    shared = {key: description[key] for key in ("data", "model", "recipe", "machine", "seeds")}
    command = compare_command({**shared, "arms": norms})
    if command is None:
        return ("The network was given to whichnorm.sweep in Python; the same call makes the sweep again.",), ()
    options = (*_axes(description["axes"]), *_groups(of_groups), *command.options)
    rule = f"--lr-rule {description['learning_rate_rule']}"
    shown = replace(command, options=(*options, rule)).text.replace(PROGRAM, "whichnorm sweep", 1)
    code = [Code(title="The same sweep again, in a shell", text=text.encodable(shown), language="sh")]
    sentences = ["The images may lie elsewhere: --data-dir says where, --out where the results go."]
    if command.recipe_file:
        code.append(Code(title=RECIPE_FILE, text=text.encodable(command.recipe_file), language="json"))
        sentences.append(f"The recipe is not a named one: save the text below as {RECIPE_FILE} in the same folder.")
    return tuple(sentences), tuple(code)


def _axes(axes: Mapping[str, list[int]]) -> Iterator[str]:
    for name, values in axes.items():
        if values:
            yield f"--{name.replace('_', '-')} {','.join(map(str, values))}"


def _plain_groups(arms: list[str]) -> list[str]:
    """Return the arms that --groups and --channels-per-group name: GroupNorm with nothing added."""
    return [arm for arm in arms if isinstance(norm := parse_arm(arm).norm, GroupNormSpec) and arm == norm.kind]


def _groups(arms: list[str]) -> Iterator[str]:
    numbers = [arm.removeprefix("gn:") for arm in arms]
    groups = ["c" if number == "c1" else number for number in numbers if number == "c1" or not number.startswith("c")]
    per_group = [number.removeprefix("c") for number in numbers if number.startswith("c") and number != "c1"]
    for option, values in (("--groups", groups), ("--channels-per-group", per_group)):
        if values:
            yield f"{option} {','.join(values)}"
