"""How to make a sweep again."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from whichnorm.norms import GroupNormSpec
from whichnorm.render import text
from whichnorm.render.content import Code
from whichnorm.specs.arm import parse_arm
from whichnorm.study.command import PROGRAM, RECIPE_FILE, compare_command
from whichnorm.sweeps.axes import group_arms

SHARED = ("data", "model", "recipe", "machine", "seeds")  # of a sweep and of a study
Groups = tuple[Sequence[int | str], Sequence[int]]
"""What --groups and --channels-per-group name."""


def again(description: Mapping[str, Any]) -> tuple[tuple[str, ...], tuple[Code, ...]]:
    """Return sentences, and the command that makes a sweep again with the recipe file that it reads.

    description is sweep.json's content.
    """
    arms = list(description["arms"])
    norms, groups = (arms, ((), ())) if any(description["axes"].values()) else _by_groups(arms)
    command = compare_command({**{key: description[key] for key in SHARED}, "arms": norms})
    if command is None:
        return ("The network was given to whichnorm.sweep in Python; the same call makes the sweep again.",), ()
    options = (*_axes(description["axes"], groups), *command.options)
    rule = f"--lr-rule {description['learning_rate_rule']}"
    shown = replace(command, options=(*options, rule)).text.replace(PROGRAM, "whichnorm sweep", 1)
    code = [Code(title="The same sweep again, in a shell", text=text.encodable(shown), language="sh")]
    sentences = ["The images may lie elsewhere: --data-dir says where, --out where the results go."]
    if command.recipe_file:
        code.append(Code(title=RECIPE_FILE, text=text.encodable(command.recipe_file), language="json"))
        sentences.append(f"The recipe is not a named one: save the text below as {RECIPE_FILE} in the same folder.")
    return tuple(sentences), tuple(code)


def _axes(axes: Mapping[str, Sequence[int]], groups: Groups) -> Iterator[str]:
    for name, values in (*axes.items(), *zip(("groups", "channels_per_group"), groups, strict=True)):
        if values:
            yield f"--{name.replace('_', '-')} {','.join(map(str, values))}"


def _by_groups(arms: Sequence[str]) -> tuple[Sequence[str], Groups]:
    """Return the arms that --norms names, and the groups that add the others at the end, as many as there can be."""
    for start in range(len(arms)):
        groups = _groups(arms[start:])
        if list(map(str, group_arms(*groups))) == arms[start:]:
            return arms[:start] or arms[:1], groups
    return arms, _groups(arms)


def _groups(arms: Sequence[str]) -> Groups:
    """Return the groups of the arms that are GroupNorm with nothing added; one channel in each is "c"."""
    norms = [parse_arm(arm).norm for arm in arms if arm == parse_arm(arm).norm.kind]
    plain = [norm for norm in norms if isinstance(norm, GroupNormSpec)]
    groups = [norm.num_groups or "c" for norm in plain if norm.num_groups or norm.channels_per_group == 1]
    sizes = (norm.channels_per_group or 1 for norm in plain)
    return groups, [size for size in sizes if size > 1]
