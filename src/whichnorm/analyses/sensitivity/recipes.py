"""Follow-up: the two best arms under another recipe."""

from dataclasses import dataclass
from typing import Any, Literal

from whichnorm.analyses.arms import ranked
from whichnorm.analyses.sensitivity.wording import fault_sentences, results_dict
from whichnorm.analyses.wording import comparison_text
from whichnorm.results.comparisons import Comparison, against
from whichnorm.results.results import Results
from whichnorm.specs.names import enclosed
from whichnorm.specs.recipe import Recipe


@dataclass(frozen=True, kw_only=True, eq=False)
class OtherRecipe:
    """The study's two best arms under another recipe, the better one first; `results` is None before all is trained.

    `pair` is empty if fewer than two arms finished.
    """

    recipe: Recipe
    pair: tuple[str, ...]
    results: Results | None = None

    @property
    def condition(self) -> str:
        return f"under the recipe {self.recipe.name}"

    @property
    def comparison(self) -> Comparison | None:
        """The better arm of the study less the other, under this recipe."""
        return against(*self.pair, self.results.comparisons) if self.results and len(self.pair) == 2 else None

    @property
    def order(self) -> Literal["holds", "turns", "is level", ""]:
        """What becomes of the order by mean test accuracy; "" if that is not known."""
        if not self.comparison:
            return ""
        found = self.comparison.difference
        return "holds" if found > 0 else "turns" if found < 0 else "is level"

    def conclusion(self, study: Results) -> str:
        """Say in one sentence whether the order of the two holds."""
        under = f"U{self.condition[1:]}"
        if not self.pair:
            return f"{under} nothing was trained: fewer than two arms finished."
        if not self.results:
            return f"{under} the two best arms are not trained yet."
        if not self.comparison:
            return f"{under} {enclosed(self.pair)} cannot be compared: they have no finished run at a common seed."
        both = enclosed(self.pair)
        order = f"{both} are level" if self.order == "is level" else f"the order of {both} {self.order}"
        return f"{under} {order}: {comparison_text(self.comparison)}."

    def details(self) -> list[str]:
        """Say which runs went wrong."""
        return fault_sentences(self.results, self.condition) if self.results else []

    def to_dict(self, study: Results) -> dict[str, Any]:
        """Return the follow-up as JSON values."""
        return {
            "kind": "recipe",
            "recipe": self.recipe.name,
            "finished": self.results is not None,
            "pair": list(self.pair),
            "order": self.order,
            "outcome": self.conclusion(study),
            "details": self.details(),
            **results_dict(self.results),
        }


def best_two(study: Results) -> tuple[str, ...]:
    """Return the two arms of the highest mean test accuracy, the best first; none if fewer than two finished."""
    order = ranked(study)
    return tuple(order[:2]) if len(order) > 1 else ()
