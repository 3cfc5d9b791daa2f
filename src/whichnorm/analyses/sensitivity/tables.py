"""Tables of a study's follow-ups."""

from collections.abc import Iterator, Sequence

from whichnorm.analyses import wording
from whichnorm.analyses.arms import arm_cell
from whichnorm.analyses.sensitivity.found import FollowUp
from whichnorm.analyses.sensitivity.learning_rates import LearningRates
from whichnorm.analyses.sensitivity.recipes import OtherRecipe
from whichnorm.analyses.sensitivity.search import Search
from whichnorm.render import text
from whichnorm.render.table import Cell, Table, cells
from whichnorm.results.comparisons import Comparison, against
from whichnorm.results.results import ArmResult, Results
from whichnorm.specs.names import arm_title, difference_title


def tables(results: Results, follow_ups: Sequence[FollowUp]) -> Iterator[Table]:
    """Yield the tables of the finished follow-ups: what all recipes gave is one table."""
    for follow_up in follow_ups:
        if isinstance(follow_up, LearningRates) and follow_up.results:
            yield rates_table(results, follow_up)
            if results.comparisons:
                yield rate_comparisons_table(results, follow_up)
    recipes = [f for f in follow_ups if isinstance(f, OtherRecipe) and f.results]
    if recipes:
        yield recipes_table(results, recipes)


def rates_table(results: Results, found: LearningRates) -> Table:
    """One row per arm: its learning rate, and its test accuracy at the shared rate and at its own."""
    before = {arm.norm: arm for arm in results.arms}
    after = {found.names[arm.norm]: arm for arm in found.results.arms} if found.results else {}
    return Table(
        caption="Learning rate chosen for each arm by the validation accuracy of one training, and mean test accuracy "
        "over seeds at the shared rate and at the chosen one, with 95 % intervals.",
        headings=(
            "Arm", "Chosen learning rate", "Validation accuracy of the search", "Test accuracy at the shared rate",
            "Test accuracy at the chosen rate",
        ),
        rows=tuple(
            (
                arm_cell(results, search.arm),
                Cell(text=f"{search.rate:g}", note=_rate_note(search)),
                Cell(text="–" if search.accuracy is None else text.percent(search.accuracy)),
                _accuracy_cell(before.get(search.arm)),
                _accuracy_cell(after.get(search.arm)),
            )
            for search in found.searches
        ),
    )  # fmt: skip


def _rate_note(search: Search) -> str:
    if search.best is None:
        return "the shared one: no training finished"
    note = "the shared one" if search.rate == search.shared else f"{search.rate / search.shared:g} times the shared one"
    return f"{note}, the {search.end} tried" if search.end else note


def rate_comparisons_table(results: Results, found: LearningRates) -> Table:
    """One row per pair of arms: difference and result at the shared rate and at the chosen ones."""
    return Table(
        caption="Test accuracy of the first arm less that of the second, in percentage points, with 95 % intervals.",
        headings=("Comparison", "At the shared rate", "Result", "At the chosen rates", "Result there"),
        rows=tuple(
            (Cell(text=difference_title(shared.a, shared.b)), *_difference_cells(shared), *_difference_cells(own))
            for shared, own in found.comparisons(results)
        ),
        numeric_from=5,
    )


def recipes_table(results: Results, found: Sequence[OtherRecipe]) -> Table:
    """One row per recipe, the study's first: the two best arms and their difference."""
    study = results.study["recipe"]["name"]
    first, second = found[0].pair
    rows = [_recipe_row(study, results, found[0].pair, against(first, second, results.comparisons))]
    rows += [_recipe_row(f.recipe.name, f.results, f.pair, f.comparison) for f in found if f.results]
    return Table(
        caption="The two best arms of the study under each recipe at the same seeds: mean test accuracy, and the first "
        "less the second in percentage points, with 95 % intervals.",
        headings=("Recipe", arm_title(first), arm_title(second), "Difference", "Result"),
        rows=tuple(rows),
    )


def _recipe_row(name: str, results: Results, pair: tuple[str, ...], c: Comparison | None) -> tuple[Cell, ...]:
    arms = {arm.norm: arm for arm in results.arms}
    recipe = results.study["recipe"]
    note = f"{text.count(recipe['epochs'], 'epoch')}, batch {recipe['batch_size']}, rate {recipe['learning_rate']:g}"
    return (Cell(text=name, note=note), *(_accuracy_cell(arms.get(arm)) for arm in pair), *_difference_cells(c))


def tried_table(results: Results, found: LearningRates) -> Table:
    """One row per arm, one column per learning rate: the validation accuracies of the search."""
    rates = sorted({rate for search in found.searches for rate in search.accuracies})
    return Table(
        caption="Validation accuracy after one training at each learning rate; the chosen one is marked.",
        headings=("Arm", *(f"{rate:g}" for rate in rates)),
        rows=tuple(
            (arm_cell(results, search.arm), *(_tried_cell(search, rate) for rate in rates)) for search in found.searches
        ),
    )


def _tried_cell(search: Search, rate: float) -> Cell:
    if rate not in search.accuracies:
        return Cell(text="–")
    accuracy = search.accuracies[rate]
    shown = "not finished" if accuracy is None else text.percent(accuracy)
    return Cell(text=shown, note="chosen" if rate == search.rate else "")


def _accuracy_cell(arm: ArmResult | None) -> Cell:
    if not arm:
        return Cell(text="–", note="no finished run")
    return Cell(text=text.percent(arm.test_accuracy.mean), note=text.percent_interval(arm.test_accuracy.ci95))


def _difference_cells(c: Comparison | None) -> tuple[Cell, ...]:
    if not c:
        return cells("–", "–")
    return (
        Cell(text=text.points(c.difference), note=text.points_interval(c.interval)),
        Cell(text=wording.outcome(c)),
    )
