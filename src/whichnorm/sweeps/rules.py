"""How the learning rate follows the images per optimizer step."""

import math
from dataclasses import dataclass

from whichnorm.errors import SpecError, nearest
from whichnorm.specs.recipe import Recipe


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A learning rate in proportion to a power of the images per step."""

    name: str
    power: float
    text: str

    def learning_rate(self, recipe: Recipe, batch_size: int) -> float:
        """Return the peak at this many images per step; the recipe's own stays as it is."""
        if self.power == 0.5:
            return recipe.learning_rate * math.sqrt(batch_size / recipe.batch_size)
        return recipe.learning_rate * batch_size / recipe.batch_size if self.power else recipe.learning_rate

    def sentence(self, recipe: Recipe) -> str:
        """Say the rule for a recipe, for captions."""
        base = f"{recipe.learning_rate:g} at {recipe.batch_size} images per step"
        return f"Learning rate: {base}, {self.text}."


RULES = {
    rule.name: rule
    for rule in (
        Rule(
            name="linear",
            power=1,
            text="in proportion to the images per step elsewhere (Goyal et al., Accurate, Large Minibatch SGD, 2017)",
        ),
        Rule(
            name="sqrt",
            power=0.5,
            text="in proportion to the square root of the images per step elsewhere (Malladi et al., On the SDEs and "
            "Scaling Rules for Adaptive Gradient Algorithms, 2022)",
        ),
        Rule(name="none", power=0, text="and the same everywhere else"),
    )
}


def find_rule(name: str | None, recipe: Recipe) -> Rule:
    """Return a rule by its name; None is the one that suits the recipe's optimizer."""
    name = name or ("linear" if recipe.optimizer == "sgd" else "sqrt")
    if name not in RULES:
        raise SpecError(f"unknown learning-rate rule {name!r}{nearest(name, RULES)}; there are {', '.join(RULES)}")
    return RULES[name]
