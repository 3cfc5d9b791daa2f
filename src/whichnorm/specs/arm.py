"""One arm of a study, and its names in text and in files."""

from dataclasses import dataclass
from typing import Any, Literal

from whichnorm.errors import SpecError, shown
from whichnorm.norms import NormSpec, parse_norm
from whichnorm.specs.checked import Checked
from whichnorm.specs.recipe import Rate, RateOrZero, Recipe
from whichnorm.specs.require import require


@dataclass(frozen=True, kw_only=True)
class ArmSpec(Checked):
    """One arm of a study: a normalization, a penalty on the weights and a learning rate of its own if there are any.

    A penalty is added to the cross-entropy: l1 times the sum of |w|, l2 times the sum of w^2, over the weights of
    convolutions and linear layers. `learning_rate` stands in for the recipe's peak; None keeps that. The text form is
    the norm's, then "+l1:0.001", "+l2:0.001" or "+lr:0.1".

    The loss "argmax" is a published fault, kept to show what it does: the squared error of the number of the named
    class, which has no gradient. "+loss:argmax" is its text form.
    """

    norm: NormSpec
    l1: RateOrZero = 0.0
    l2: RateOrZero = 0.0
    learning_rate: Rate | None = None
    loss: Literal["cross-entropy", "argmax"] = "cross-entropy"

    def __str__(self) -> str:
        numbers = (("l1", self.l1), ("l2", self.l2), ("lr", self.learning_rate))
        loss = "" if self.loss == "cross-entropy" else f"+loss:{self.loss}"
        return str(self.norm) + "".join(f"+{key}:{_number(value)}" for key, value in numbers if value) + loss


def _number(value: float) -> str:
    """Write a number so that it reads back exactly and holds no "+", which separates additions: "0.001", "1e06"."""
    short = f"{value:g}"
    return (short if float(short) == value else repr(value)).replace("e+", "e")


_ADDITIONS = {"l1": "l1", "l2": "l2", "lr": "learning_rate", "loss": "loss"}  # in an arm's text form, and its fields


def parse_arm(text: str) -> ArmSpec:
    """Read an arm's text form, such as "gn:8", "bn+l1:0.001" or "ln+lr:0.1"."""
    norm, *additions = text.strip().split("+")
    values: dict[str, Any] = {}
    for addition in additions:
        name, _, value = addition.partition(":")
        try:
            require(name in _ADDITIONS and _ADDITIONS[name] not in values, "")
            values[_ADDITIONS[name]] = value if name == "loss" else float(value)
        except (ValueError, SpecError):
            raise SpecError(
                f"arm {shown(text)}: {shown(addition)} is no addition to a norm; expected +l1:0.001 or +l2:0.001 (a "
                "penalty), or +lr:0.1 (a learning rate of its own)"
            ) from None
    found = parse_norm(norm)
    try:
        return ArmSpec(norm=found, **values)
    except SpecError as error:
        raise SpecError(f"arm {shown(text.strip())}: {error}") from None


def undefined(arm: ArmSpec, recipe: Recipe) -> str:
    """Say why an arm cannot be trained under a recipe, or return ""."""
    if arm.norm.sees_batch and recipe.images_per_forward == 1:
        return f"arm {arm}: {arm.norm.title} is undefined in training on one image at a time, which has no batch"
    return ""


def file_stem(arm: str) -> str:
    """Return the name in files of an arm, given in its text form: "gn-8_l1-0.001"."""
    return arm.replace(":", "-").replace("+", "_")


def run_key(arm: str, seed: int) -> str:
    """Return the name in files of the run of an arm, in its text form, at a seed."""
    return f"{file_stem(arm)}-seed{seed}"
