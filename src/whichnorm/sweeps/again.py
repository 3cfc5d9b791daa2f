"""How to make a sweep again."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace

from whichnorm.analyses.method.again import how_to
from whichnorm.norms import GroupNormSpec
from whichnorm.render.content import Code
from whichnorm.specs.arm import parse_arm
from whichnorm.study.command import compare_command
from whichnorm.sweeps.axes import group_arms
from whichnorm.sweeps.spec import SweepSpec

Groups = tuple[Sequence[int | str], Sequence[int]]
"""What --groups and --channels-per-group name."""


def again(spec: SweepSpec) -> tuple[tuple[str, ...], tuple[Code, ...]]:
    """Return sentences, and the command that makes a sweep again with the recipe file that it reads."""
    arms = list(map(str, spec.arms))
    norms, groups = (arms, ((), ())) if spec.axes.given else _by_groups(arms)
    command = compare_command({**spec.shared_dict(""), "seeds": list(spec.seeds), "arms": norms})
    if command:
        rule = f"--lr-rule {spec.learning_rate_rule}"
        refine = ("--refine",) if spec.refine else ()
        options = (*_axes(asdict(spec.axes), groups), *refine, *command.options, rule)
        command = replace(command, program="whichnorm sweep", options=options)
    return how_to(command, "sweep")


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
