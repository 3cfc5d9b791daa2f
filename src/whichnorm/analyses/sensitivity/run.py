"""Training a study's follow-ups, each an ordinary study in a folder inside the study's, and reading them again."""

from collections.abc import Sequence
from dataclasses import replace

from whichnorm.analyses.sensitivity.found import FollowUp
from whichnorm.analyses.sensitivity.learning_rates import LearningRates
from whichnorm.analyses.sensitivity.recipes import OtherRecipe, best_two
from whichnorm.analyses.sensitivity.search import Search, first_rates, search_of, search_seed
from whichnorm.analyses.sensitivity.source import records_of
from whichnorm.results.results import Results, summarize, write_results
from whichnorm.specs.arm import parse_arm
from whichnorm.specs.names import enclosed
from whichnorm.specs.recipe import Recipe
from whichnorm.study.events import Listener
from whichnorm.study.folder import StudyFolder
from whichnorm.study.study import Study
from whichnorm.training.record import RunRecord

SEARCH, TUNED = "tune-lr", "tuned"


def train_follow_ups(study: Study, results: Results, listener: Listener) -> tuple[FollowUp, ...]:
    """Train the follow-ups that a study asks for, and write their results."""
    found = _follow_ups(study, results, listener)
    for follow_up in found:
        if follow_up.results:
            write_results(follow_up.results)
    return found


def read_follow_ups(study: Study, results: Results) -> tuple[FollowUp, ...]:
    """Return the follow-ups that a study asks for as far as they are finished; nothing is trained or written."""
    return _follow_ups(study, results, None)


def check_folders(study: Study) -> None:
    """Raise StudyError, before anything is trained, if a follow-up's folder holds one of another recipe."""
    for recipe in study.spec.follow_ups.recipes if study.spec.follow_ups else ():
        place = recipe_folder(study.folder, recipe)
        if (place.root / "study.json").exists():
            place.check(replace(study.spec, recipe=recipe, follow_ups=None), study.digest)


def recipe_folder(folder: StudyFolder, recipe: Recipe) -> StudyFolder:
    return StudyFolder(folder.root / f"recipe-{recipe.name}")


def _follow_ups(study: Study, results: Results, listener: Listener | None) -> tuple[FollowUp, ...]:
    asked = study.spec.follow_ups
    if not asked:
        return ()
    alone = study.with_spec(replace(study.spec, follow_ups=None))
    tuning = (learning_rates(alone, listener),) if asked.tune_lr else ()
    others = (other_recipe(alone, results, recipe, listener) for recipe in asked.recipes)
    return (*tuning, *others)


def learning_rates(study: Study, listener: Listener | None) -> LearningRates:
    """Look for each arm's learning rate on the validation split, then train all arms at theirs."""
    searches = search(study, listener)
    if not searches:
        return LearningRates()
    spec = replace(study.spec, arms=tuple(found.tuned for found in searches))
    tuned = study.with_spec(spec, StudyFolder(study.folder.root / TUNED))
    records = records_of(tuned, "at the tuned learning rates:", listener, given=study.folder)
    return LearningRates(searches=searches, results=_results(records, tuned))


def search(study: Study, listener: Listener | None) -> tuple[Search, ...]:
    """Train every arm once at each rate, and further if its best is at an end; none if some are missing."""
    spec, folder = study.spec, StudyFolder(study.folder.root / SEARCH)
    shared, seed = spec.recipe.learning_rate, search_seed(spec.seeds)
    rates = {arm: first_rates(shared) for arm in spec.arms}
    title = f"search for each arm's learning rate, at seed {seed}:"
    while True:
        arms = tuple(replace(arm, learning_rate=rate) for arm in spec.arms for rate in sorted(rates[arm]))
        records = records_of(study.with_spec(replace(spec, arms=arms, seeds=(seed,)), folder), title, listener)
        if records is None:
            return ()
        searches = tuple(search_of(arm, shared, rates[arm], records) for arm in spec.arms)
        further = {found.arm: [found.next_rate] for found in searches if found.next_rate is not None}
        if not further:
            return searches
        title = "further, as the best rate is at an end:"
        rates = {arm: rates[arm] + further.get(str(arm), []) for arm in study.spec.arms}


def other_recipe(study: Study, results: Results, recipe: Recipe, listener: Listener | None) -> OtherRecipe:
    """Train the study's two best arms under another recipe, at the same seeds."""
    pair = best_two(results)
    if not pair:
        return OtherRecipe(recipe=recipe, pair=())
    spec = replace(study.spec, arms=tuple(parse_arm(arm) for arm in pair), recipe=recipe)
    other = study.with_spec(spec, recipe_folder(study.folder, recipe))
    records = records_of(other, f"{enclosed(pair)} under the recipe {recipe.name}:", listener)
    return OtherRecipe(recipe=recipe, pair=pair, results=_results(records, other))


def _results(records: Sequence[RunRecord] | None, study: Study) -> Results | None:
    if records is None:
        return None
    test = study.test_split
    return summarize(records, study.shared(), test.class_names, test.labels, study.folder.root)
