"""How arms are named for people: one name each, alone and in lists."""

from collections.abc import Sequence

from whichnorm.specs.arm import parse_arm


def arm_title(arm: str) -> str:
    """Return the name of an arm, given in its text form: "LayerNorm", "BatchNorm + L1 0.001"."""
    norm, *additions = arm.split("+")
    spec = parse_arm(norm).norm
    title = spec.title if spec.affine or norm == "none" else f"{spec.title}, no affine"
    for name, value in (addition.split(":") for addition in additions):
        words = {"lr": f", learning rate {value}", "loss": f", {value} loss (wrong)"}
        title += words.get(name, f" + {name.upper()} {value}")
    return title


def difference_title(a: str, b: str) -> str:
    """Write the difference of two arms: "BatchNorm − LayerNorm"."""
    return f"{arm_title(a)} − {arm_title(b)}"


def listed(names: Sequence[str]) -> str:
    """Write names as a list: "a, b and c"."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def named(arms: Sequence[str]) -> str:
    """Write arms' names as a list that stays clear with commas in names: "GroupNorm, 2 groups, and LayerNorm"."""
    names = [arm_title(arm) for arm in arms]
    if not any("," in name for name in (names if len(names) > 2 else names[:-1])):
        return listed(names)
    return f"{names[0]}, and {names[1]}" if len(names) == 2 else f"{'; '.join(names[:-1])}; and {names[-1]}"


def enclosed(arms: Sequence[str]) -> str:
    """Write arms' names so that the sentence can go on: "BatchNorm and GroupNorm, 8 groups,"."""
    return named(arms) + ("," if "," in arm_title(arms[-1]) else "")
