"""The main job: from options to data, study, records, results and report."""

import hashlib
import inspect
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from whichnorm.analyses.sensitivity.plan import plan_follow_ups
from whichnorm.analyses.sensitivity.run import check_folders, train_follow_ups
from whichnorm.errors import SpecError
from whichnorm.models import factory_name, load_factory
from whichnorm.norms import NormSpec
from whichnorm.results.results import Results, summarize, write_results
from whichnorm.results.until_sure import affordable, ending, next_look
from whichnorm.results.verdict import rule_of
from whichnorm.specs.arm import ArmSpec, parse_arm
from whichnorm.specs.data import DataSpec
from whichnorm.specs.model import ModelSpec
from whichnorm.specs.recipe import Recipe
from whichnorm.specs.recipes import default_recipe, find_recipe
from whichnorm.specs.study import FollowUps, StudySpec, UntilSure
from whichnorm.stats import looks
from whichnorm.study.folder import StudyFolder
from whichnorm.study.images import StudyImages
from whichnorm.study.plan import plan_study
from whichnorm.study.progress import Progress
from whichnorm.study.run import run_study
from whichnorm.study.study import Study
from whichnorm.study_results import StudyResults
from whichnorm.training.machine import choose_machine, keep_freed_memory
from whichnorm.training.record import RunRecord

if TYPE_CHECKING:
    from whichnorm.architecture.show import ShownArchitecture

DEFAULT_NORMS = ("bn", "ln", "gn:8")


DEFAULT_SEEDS = 3


DEFAULT_MODELS = {"digits": "digits_net", "mnist": "mnist_s6", "fashion-mnist": "mnist_s6"}


def compare(
    data: str = "digits",
    *,
    norms: Sequence[str | NormSpec | ArmSpec] = DEFAULT_NORMS,
    model: str | Callable[..., nn.Module] | None = None,
    model_options: dict[str, bool | int | float | str] | None = None,
    seeds: int | Sequence[int] | None = None,
    until_sure: UntilSure | None = None,
    budget: float | None = None,
    recipe: str | Recipe | None = None,
    epochs: int | None = None,
    batch_size: int | None = None,
    device_batch_size: int | None = None,
    val: float = 0.1,
    train_limit: int | None = None,
    image_size: int | None = None,
    data_dir: str | Path | None = None,
    download: bool = True,
    max_params: int | None = None,
    device: str = "cpu",
    threads: int | None = None,
    precision: str = "auto",
    out: str | Path | None = None,
    tensorboard: bool = False,
    diagnostics: bool = False,
    latency: bool = True,
    tune_lr: bool = False,
    recipes: Sequence[str | Recipe] = (),
    progress: Progress | None = None,
) -> StudyResults:
    """Train one network once per norm and per seed, write the report, and return the results.

    data is a data set's name or a folder of class folders. A norm is a text form ("gn:8", "bn+l1:0.001") or a spec.
    model is a name, "package.module:factory" or a function `factory(norm, num_classes, in_channels)` that makes each
    norm layer with `norm(num_channels)`. seeds is a count or the seeds themselves, None is 3. until_sure adds seeds
    until every difference is settled, or a budget in seconds of training and evaluation is spent. batch_size is the
    images of an optimizer step, device_batch_size those of a forward pass: with fewer, gradients add up over several
    passes. val is the share of the training images kept for validation; with 0 the curves are the test set's.
    max_params refuses larger networks. tensorboard writes event files into the study's folder, live while it trains.
    diagnostics measures gradient norms, dead ReLU channels and the distance of activations after every epoch. latency
    exports the network of each arm and times it, which takes seconds per arm.
    tune_lr trains every arm at learning rates of its own after the study, and all arms again at the one with the best
    validation accuracy. recipes, in place of recipe, are the study's and others, under which the two best arms are
    trained again.
    Given again, the same call goes on where an earlier one stopped. Raises WhichnormError for input that cannot be
    used; runs that fail are in `results.faults`.
    """
    study = prepare(
        data, norms=norms, model=model, model_options=model_options, seeds=seeds, until_sure=until_sure,
        recipe=recipe, epochs=epochs, batch_size=batch_size, device_batch_size=device_batch_size, val=val,
        train_limit=train_limit, image_size=image_size, data_dir=data_dir, download=download,
        device=device, threads=threads, precision=precision, out=out, tune_lr=tune_lr, recipes=recipes,
    )  # fmt: skip
    return execute(
        study, max_params=max_params, progress=progress or Progress(), tensorboard=tensorboard, diagnostics=diagnostics,
        latency=latency, budget=budget,
    )  # fmt: skip


def prepare(
    data: str,
    *,
    norms: Sequence[str | NormSpec | ArmSpec] = DEFAULT_NORMS,
    model: str | Callable[..., nn.Module] | None = None,
    model_options: dict[str, bool | int | float | str] | None = None,
    seeds: int | Sequence[int] | None = None,
    until_sure: UntilSure | None = None,
    recipe: str | Recipe | None = None,
    epochs: int | None = None,
    batch_size: int | None = None,
    device_batch_size: int | None = None,
    val: float = 0.1,
    train_limit: int | None = None,
    image_size: int | None = None,
    data_dir: str | Path | None = None,
    download: bool = True,
    device: str = "cpu",
    threads: int | None = None,
    precision: str = "auto",
    out: str | Path | None = None,
    tune_lr: bool = False,
    recipes: Sequence[str | Recipe] = (),
) -> Study:
    """Check the options, load the data and split it; see `compare` for the arguments."""
    data_spec = DataSpec(
        name=data,
        data_dir=None if data_dir is None else str(data_dir),
        image_size=image_size,
        val_fraction=val,
        train_limit=train_limit,
        download=download,
    )
    first, *others = (
        found.changed(epochs=epochs, batch_size=batch_size, device_batch_size=device_batch_size)
        for found in _as_recipes(recipe, recipes, data)
    )
    spec = StudySpec(
        arms=tuple(as_arm(norm) for norm in norms),
        seeds=_as_seeds(seeds, until_sure),
        data=data_spec,
        model=_as_model(model or DEFAULT_MODELS.get(data, "session08"), model_options or {}),
        recipe=first,
        machine=choose_machine(device, threads, precision),
        until_sure=until_sure,
        follow_ups=FollowUps(tune_lr=tune_lr, recipes=tuple(others)) if tune_lr or others else None,
    )
    folder = Path(out).expanduser() if out is not None else Path("runs") / default_name(spec)
    images = StudyImages(spec.data, spec.machine.device)
    return Study(spec=spec, folder=StudyFolder(folder), images=images)


def read_results(study: Study) -> Results:
    """Return the results of the runs that a study has so far; nothing is written."""
    return _summarize(study, study.records())


def _summarize(study: Study, records: Sequence[RunRecord]) -> Results:
    test, rule = study.test_split, rule_of(study.spec.until_sure)
    results = summarize(records, study.shared(), test.class_names, test.labels, study.folder.root, rule)
    if not study.spec.until_sure:
        return results
    return replace(results, until_sure=study.spec.until_sure, ending=ending(study.spec, results))


def execute(
    study: Study,
    *,
    max_params: int | None,
    progress: Progress,
    tensorboard: bool = False,
    diagnostics: bool = False,
    latency: bool = True,
    budget: float | None = None,
) -> StudyResults:
    """Train what is not trained yet, the study's follow-ups last, examine the networks, write results and report."""
    shown = progress
    if tensorboard:
        from whichnorm.watch.event_files import TensorBoardProgress

        progress = TensorBoardProgress(progress, study.folder)
    if diagnostics:
        from whichnorm.analyses.diagnostics.progress import DiagnosticsProgress

        progress = DiagnosticsProgress(progress, study.folder, study.splits)
    before = torch.get_num_threads()
    torch.set_num_threads(study.spec.machine.threads)
    keep_freed_memory()
    try:
        plan_follow_ups(plan_study(study.spec, study.splits, max_params), study.splits, max_params)
        with study.folder.locked():
            check_folders(study)
            study, results = _train(study, progress, budget)
            write_results(results)  # already there where the rest is interrupted
            try:
                train_follow_ups(study, results, shown)
            finally:  # where a follow-up cannot be made the study itself is done, and its report is due
                progress.start_report()
                found = report_on(study, results, latency=latency)
    finally:
        torch.set_num_threads(before)
    return found


def report_on(study: Study, results: Results, *, latency: bool = True) -> StudyResults:
    """Ask the networks of the finished runs what they were not asked yet, and write results and report."""
    from whichnorm.analyses.cost.options import CostOptions
    from whichnorm.report import measure_all, write_report

    found = dict(measure_all(study, results, {"cost": CostOptions(latency=latency)}))
    write_results(results)
    write_report(results, found)
    return StudyResults.of(study, results, found)


def _train(study: Study, progress: Progress, budget: float | None) -> tuple[Study, Results]:
    """Train a study's runs, adding seeds where it wants them; return it as it has become, and its results."""
    while True:
        study.folder.claim(study.spec, study.test_split)
        records = run_study(study.spec, study.splits, study.test_split, study.folder, progress)
        results = _summarize(study, records)
        grown = next_look(study.spec, results) if study.spec.until_sure else None
        if not grown or not affordable(study.spec, grown, records, budget):
            return study, results
        progress.add_seeds(study.spec, grown)
        study = study.with_spec(grown)


def default_name(study: StudySpec) -> str:
    """Name a study's folder after its data, network and recipe, and what was changed in them."""
    recipe, data = study.recipe, study.data
    parts = [Path(data.name).name or "data", study.model.name.replace(":", ".").replace("/", "."), recipe.name]
    parts += [f"{key}-{value}" for key, value in study.model.options]
    parts += [f"epochs-{recipe.epochs}", f"batch-{recipe.batch_size}"]
    parts += [f"device-{recipe.device_batch_size}"] if recipe.accumulation > 1 else []
    parts += ["val-0"] if data.val_fraction == 0 else []
    parts += [f"train-{data.train_limit}"] if data.train_limit else []
    return "-".join(parts)


def as_arm(norm: str | NormSpec | ArmSpec) -> ArmSpec:
    """Return an arm from its text form or from a norm's spec."""
    if isinstance(norm, ArmSpec):
        return norm
    return parse_arm(norm) if isinstance(norm, str) else ArmSpec(norm=norm)


def _as_seeds(seeds: int | Sequence[int] | None, until_sure: UntilSure | None) -> tuple[int, ...]:
    """Return the seeds of a study, or of its first look where it adds them itself."""
    if until_sure is not None:
        if seeds is not None:
            raise SpecError("seeds are given and to be added until sure; leave out one of the two")
        return tuple(range(looks(until_sure.max_seeds)[0]))
    if seeds is None:
        return tuple(range(DEFAULT_SEEDS))
    return tuple(range(seeds)) if isinstance(seeds, int) else tuple(seeds)


def _as_model(model: str | Callable[..., nn.Module], options: dict[str, bool | int | float | str]) -> ModelSpec:
    if isinstance(model, str):
        load_factory(model)  # an error in the name comes before the data are read
        source = _source_digest(model.partition(":")[0]) if ":" in model else ""
        return ModelSpec(name=model, options=tuple(sorted(options.items())), source=source)
    if not callable(model):
        raise SpecError(
            f"model is a {type(model).__name__}, expected a name or a factory(norm, num_classes, in_channels)"
        )
    name = factory_name(model)
    return ModelSpec(
        name=name,
        options=tuple(sorted(options.items())),
        factory=model,
        source=_source_digest(name.partition(":")[0], model),
    )


def _source_digest(module: str, factory: Callable[..., nn.Module] | None = None) -> str:
    """Hash the source text of a network's module, of a script's or notebook's the factory's alone, "" without one."""
    thing = factory if module == "__main__" else sys.modules.get(module, factory)
    try:
        return hashlib.sha256(inspect.getsource(thing).encode()).hexdigest()[:12]  # type: ignore[arg-type]
    except (OSError, TypeError):
        return ""


def _as_recipes(recipe: str | Recipe | None, recipes: Sequence[str | Recipe], data: str) -> list[Recipe]:
    """Return the study's recipe, then the others."""
    if not recipes:
        return [as_recipe(recipe, data)]
    if recipe is not None:
        raise SpecError("--recipe and --recipes are given; the first of --recipes is the study's: leave --recipe out")
    if len(recipes) < 2:
        raise SpecError(f"--recipes {recipes[0]}: expected two or more, the study's first; for one alone give --recipe")
    return [as_recipe(found, data) for found in recipes]


def as_recipe(recipe: str | Recipe | None, data: str) -> Recipe:
    """Return a recipe from its name or file; None is the data set's default."""
    if isinstance(recipe, Recipe):
        return recipe
    return default_recipe(data) if recipe is None else find_recipe(recipe)


def show(
    model: str | Callable[..., nn.Module],
    norm: str | NormSpec = "bn",
    *,
    num_classes: int = 10,
    input_shape: tuple[int, int, int] | None = None,
    **options: Any,
) -> "ShownArchitecture":
    """Describe a network with a norm: layers, parameters, multiply-adds and receptive fields; a picture in a notebook.

    model is a name ("session08"), "package.module:factory" or a factory; input_shape is channels, height and width of
    an image, None the network's own; options are those of the network. Raises WhichnormError for what cannot be built.
    """
    from whichnorm.architecture.show import describe_network

    return describe_network(model, norm, num_classes, input_shape, options)
