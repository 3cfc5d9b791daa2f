"""Follow-up: every arm at the learning rate that suits it, beside all arms at the shared one."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from whichnorm.analyses.arms import ranked
from whichnorm.analyses.sensitivity.search import Search
from whichnorm.analyses.sensitivity.wording import fault_sentences, results_dict
from whichnorm.analyses.wording import outcome
from whichnorm.results.comparisons import Comparison, against
from whichnorm.results.results import Results
from whichnorm.specs.names import arm_title, difference_title, enclosed, listed


@dataclass(frozen=True, kw_only=True, eq=False)
class LearningRates:
    """The search of every arm, and the study with each at its own rate; neither is there before it is finished."""

    searches: tuple[Search, ...] = ()
    results: Results | None = None

    @property
    def condition(self) -> str:
        return "at tuned learning rates"

    @property
    def names(self) -> Mapping[str, str]:
        """The arms at their own rates, with the names that they have in the study."""
        return {str(search.tuned): search.arm for search in self.searches}

    def comparisons(self, shared: Results) -> list[tuple[Comparison, Comparison | None]]:
        """Pair every comparison at the shared rate with that at the tuned rates, under the study's names."""
        found = self.results.comparisons if self.results else ()
        renamed = [replace(c, a=self.names[c.a], b=self.names[c.b]) for c in found]
        return [(c, against(c.a, c.b, renamed)) for c in shared.comparisons]

    def order(self, shared: Results) -> tuple[list[str], list[str]]:
        """Return the arms by mean test accuracy at the shared rate and at the tuned ones, those finished in both."""
        before = ranked(shared)
        after = [self.names[arm] for arm in ranked(self.results)] if self.results else []
        return [arm for arm in before if arm in after], [arm for arm in after if arm in before]

    def order_holds(self, shared: Results) -> bool | None:
        """Tell whether the order is that of the study; None before it is known, and with fewer than two arms."""
        before, after = self.order(shared)
        return before == after if len(after) > 1 else None

    def conclusion(self, shared: Results) -> str:
        """Say in one sentence whether the answer holds."""
        if not self.results:
            return "The search for each arm's learning rate is not finished."
        before, after = self.order(shared)
        if len(after) < 2:
            return "Learning rates were tuned, but fewer than two arms finished: there is no order to change."
        if all(search.rate == search.shared for search in self.searches):
            return f"Every arm's best learning rate is the shared one, {self.searches[0].shared:g}: the answer holds."
        if before == after:
            order = f"the order holds ({_then(after)})"
        else:
            order = f"the order changes from {_then(before)} to {_then(after)}"
        return f"At a learning rate tuned for each arm {order}, and {self._calls(shared)}."

    def _calls(self, shared: Results) -> str:
        changed = [
            f"{difference_title(a.a, a.b)} from “{outcome(a)}” to “{outcome(b)}”"
            for a, b in self.comparisons(shared)
            if b and a.call != b.call
        ]
        if not changed:
            return "no result changes"
        return f"{'this result changes' if len(changed) == 1 else 'these results change'}: {'; '.join(changed)}"

    def details(self) -> list[str]:
        """Say which rates were chosen, whether a better one may lie beyond them, and the verdict at them."""
        if not self.results:
            return []
        rates = listed([f"{search.rate:g} for {enclosed([search.arm])}" for search in self.searches])
        return [
            f"Chosen by validation accuracy: {rates}; the shared rate is {self.searches[0].shared:g}.",
            *self._ends(),
            *fault_sentences(self.results, "at the tuned rates"),
            f"At the tuned rates: {self.results.verdict.answer}",
        ]

    def _ends(self) -> Iterator[str]:
        for search in self.searches:
            if search.best is None:
                yield f"No training of {enclosed([search.arm])} in the search finished: it keeps the shared rate."
            elif search.end:
                other = {"smallest": "smaller", "largest": "larger"}[search.end]
                yield (
                    f"The best rate of {arm_title(search.arm)}, {search.rate:g}, is the {search.end} that was tried: a "
                    f"{other} one may be better still."
                )

    def to_dict(self, shared: Results) -> dict[str, Any]:
        """Return the follow-up as JSON values."""
        return {
            "kind": "learning rates",
            "finished": self.results is not None,
            "searches": [_search_dict(search) for search in self.searches],
            "order_holds": self.order_holds(shared),
            "outcome": self.conclusion(shared),
            "details": self.details(),
            **results_dict(self.results),
        }


def _then(arms: Sequence[str]) -> str:
    """Write arms in their order: "BatchNorm, then LayerNorm"."""
    return ", then ".join(map(arm_title, arms))


def _search_dict(search: Search) -> dict[str, Any]:
    return {
        "norm": search.arm,
        "shared_rate": search.shared,
        "rate": search.rate,
        "end": search.end,
        "tried": [{"learning_rate": rate, "val_accuracy": found} for rate, found in search.accuracies.items()],
    }
