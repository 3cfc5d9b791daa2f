"""Training a study's follow-ups, each an ordinary study in a folder inside the study's, and reading them again."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from whichnorm.follow_ups.learning_rates import LearningRates
from whichnorm.follow_ups.recipes import OtherRecipe, best_two
from whichnorm.follow_ups.search import Search, first_rates, search_of, search_seed
from whichnorm.progress import Progress
from whichnorm.record import RunRecord, write_in_one_step
from whichnorm.results import Results, summarize, write_results
from whichnorm.spec import Recipe, StudySpec, parse_arm
from whichnorm.study import StudyFolder, read_records, run_study
from whichnorm.train import Splits
from whichnorm.verdict import listed

SEARCH, TUNED = "tune-lr", "tuned"


class Source(Protocol):
    """Where the records of a further study come from: from training it, or from its folder alone."""

    @property
    def splits(self) -> Splits:
        """The images of the study."""
        ...

    def records(
        self, title: str, study: StudySpec, folder: StudyFolder, given: StudyFolder | None = None
    ) -> Sequence[RunRecord] | None:
        """Return the records of all runs, None where some are missing; `given` holds runs that can be taken over."""


@dataclass(frozen=True)
class Trained:
    """Trains what is not trained yet."""

    splits: Splits
    progress: Progress

    def records(
        self, title: str, study: StudySpec, folder: StudyFolder, given: StudyFolder | None = None
    ) -> Sequence[RunRecord] | None:
        self.progress.start_follow_up(title)
        with folder.locked():
            folder.claim(study, self.splits.digest)
            if given:
                take_over(study, given, folder)
            return run_study(study, self.splits, folder, self.progress)


@dataclass(frozen=True)
class Stored:
    """Reads what is there."""

    splits: Splits

    def records(
        self, title: str, study: StudySpec, folder: StudyFolder, given: StudyFolder | None = None
    ) -> Sequence[RunRecord] | None:
        there = all(folder.record(run).exists() for run in study.runs())
        return read_records(study, self.splits, folder) if there else None


def train_follow_ups(
    study: StudySpec, splits: Splits, folder: StudyFolder, results: Results, progress: Progress
) -> tuple[LearningRates | OtherRecipe, ...]:
    """Train the follow-ups that a study asks for, and write their results."""
    found = _follow_ups(study, folder, results, Trained(splits, progress))
    for follow_up in found:
        if follow_up.results:
            write_results(follow_up.results)
    return found


def read_follow_ups(
    study: StudySpec, splits: Splits, folder: StudyFolder, results: Results
) -> tuple[LearningRates | OtherRecipe, ...]:
    """Return the follow-ups that a study asks for as far as they are finished; nothing is trained or written."""
    return _follow_ups(study, folder, results, Stored(splits))


def check_folders(study: StudySpec, splits: Splits, folder: StudyFolder) -> None:
    """Raise StudyError, before anything is trained, where a follow-up's folder holds one of another recipe."""
    for recipe in study.follow_ups.recipes if study.follow_ups else ():
        place = recipe_folder(folder, recipe)
        if (place.root / "study.json").exists():
            place.check(replace(study, recipe=recipe, follow_ups=None), splits.digest)


def recipe_folder(folder: StudyFolder, recipe: Recipe) -> StudyFolder:
    return StudyFolder(folder.root / f"recipe-{recipe.name}")


def _follow_ups(
    study: StudySpec, folder: StudyFolder, results: Results, source: Source
) -> tuple[LearningRates | OtherRecipe, ...]:
    if not study.follow_ups:
        return ()
    alone = replace(study, follow_ups=None)
    tuning = (learning_rates(alone, folder, source),) if study.follow_ups.tune_lr else ()
    others = (other_recipe(alone, folder, results, recipe, source) for recipe in study.follow_ups.recipes)
    return (*tuning, *others)


def learning_rates(study: StudySpec, folder: StudyFolder, source: Source) -> LearningRates:
    """Look for each arm's learning rate on the validation split, then train all arms at theirs."""
    searches = search(study, StudyFolder(folder.root / SEARCH), source)
    if not searches:
        return LearningRates()
    tuned = replace(study, arms=tuple(found.tuned for found in searches))
    place = StudyFolder(folder.root / TUNED)
    records = source.records("at the tuned learning rates:", tuned, place, given=folder)
    return LearningRates(searches=searches, results=_results(records, tuned, place, source.splits))


def search(study: StudySpec, folder: StudyFolder, source: Source) -> tuple[Search, ...]:
    """Train every arm once at each rate, and further where its best is at an end; none where some are missing."""
    shared, seed = study.recipe.learning_rate, search_seed(study.seeds)
    rates = {arm: first_rates(shared) for arm in study.arms}
    title = f"search for each arm's learning rate, at seed {seed}:"
    while True:
        arms = tuple(replace(arm, learning_rate=rate) for arm in study.arms for rate in sorted(rates[arm]))
        records = source.records(title, replace(study, arms=arms, seeds=(seed,)), folder)
        if records is None:
            return ()
        searches = tuple(search_of(arm, shared, rates[arm], records) for arm in study.arms)
        further = {found.arm: [found.next_rate] for found in searches if found.next_rate is not None}
        if not further:
            return searches
        title = "further, where the best rate is at an end:"
        rates = {arm: rates[arm] + further.get(str(arm), []) for arm in study.arms}


def other_recipe(
    study: StudySpec, folder: StudyFolder, results: Results, recipe: Recipe, source: Source
) -> OtherRecipe:
    """Train the study's two best arms under another recipe, at the same seeds."""
    pair = best_two(results)
    if not pair:
        return OtherRecipe(recipe=recipe, pair=())
    other = replace(study, arms=tuple(parse_arm(arm) for arm in pair), recipe=recipe)
    place = recipe_folder(folder, recipe)
    records = source.records(f"{listed(pair)} under the recipe {recipe.name}:", other, place)
    return OtherRecipe(recipe=recipe, pair=pair, results=_results(records, other, place, source.splits))


def take_over(study: StudySpec, given: StudyFolder, folder: StudyFolder) -> None:
    """Copy the runs that both studies have: arms without a learning rate of their own are trained alike in both."""
    for run in study.runs():
        if run.arm.learning_rate is None and given.record(run).exists() and not folder.record(run).exists():
            for of in (StudyFolder.weights, StudyFolder.record):  # the record last: with it the run counts as done
                if of(given, run).exists():
                    write_in_one_step(of(folder, run), of(given, run).read_bytes())


def _results(
    records: Sequence[RunRecord] | None, study: StudySpec, folder: StudyFolder, splits: Splits
) -> Results | None:
    if records is None:
        return None
    shared, labels = study.shared_dict(splits.digest), splits.test.labels.tolist()
    return summarize(records, shared, splits.class_names, labels, folder.root)
