"""The main job: from options to data, study, records, results and report."""

import hashlib
import inspect
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from whichnorm.data import channel_statistics, load_data, split_validation
from whichnorm.data.dataset import Dataset
from whichnorm.errors import SpecError, WhichnormError
from whichnorm.follow_ups import check_folders, plan_follow_ups, read_follow_ups, train_follow_ups
from whichnorm.machine import choose_machine, keep_freed_memory
from whichnorm.models import factory_name, load_factory
from whichnorm.norms import NormSpec
from whichnorm.progress import Progress
from whichnorm.recipes import default_recipe, find_recipe, recipe_from_json
from whichnorm.record import RunRecord
from whichnorm.results import Results, summarize, write_results
from whichnorm.spec import ArmSpec, DataSpec, FollowUps, MachineSpec, ModelSpec, Recipe, StudySpec, UntilSure, parse_arm
from whichnorm.stats import looks
from whichnorm.study import StudyFolder, plan_study, read_records, run_study
from whichnorm.train import Splits
from whichnorm.until_sure import affordable, ending, next_look
from whichnorm.verdict import rule_of

DEFAULT_NORMS = ("bn", "ln", "gn:8")
DEFAULT_SEEDS = 3
DEFAULT_MODELS = {"digits": "digits_net", "mnist": "mnist_s6", "fashion-mnist": "mnist_s6"}


@dataclass(frozen=True, kw_only=True)
class Job:
    """A study with its data in memory and its folder named; nothing is trained or written yet."""

    study: StudySpec
    splits: Splits
    folder: StudyFolder

    def shared(self) -> dict[str, Any]:
        """Return what all runs of the study share, as JSON values."""
        return self.study.shared_dict(self.splits.digest)


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
) -> Results:
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
    job = prepare(
        data, norms=norms, model=model, model_options=model_options, seeds=seeds, until_sure=until_sure,
        recipe=recipe, epochs=epochs, batch_size=batch_size, device_batch_size=device_batch_size, val=val,
        train_limit=train_limit, image_size=image_size, data_dir=data_dir, download=download,
        device=device, threads=threads, precision=precision, out=out, tune_lr=tune_lr, recipes=recipes,
    )  # fmt: skip
    return execute(
        job, max_params=max_params, progress=progress or Progress(), tensorboard=tensorboard, diagnostics=diagnostics,
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
) -> Job:
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
    study = StudySpec(
        arms=tuple(as_arm(norm) for norm in norms),
        seeds=_as_seeds(seeds, until_sure),
        data=data_spec,
        model=_as_model(model or DEFAULT_MODELS.get(data, "session08"), model_options or {}),
        recipe=first,
        machine=choose_machine(device, threads, precision),
        until_sure=until_sure,
        follow_ups=FollowUps(tune_lr=tune_lr, recipes=tuple(others)) if tune_lr or others else None,
    )
    dataset = load_data(data_spec)
    folder = Path(out).expanduser() if out is not None else Path("runs") / default_name(study)
    splits = split_data(dataset, data_spec, study.machine.device)
    return Job(study=study, splits=splits, folder=StudyFolder(folder))


def reopen(folder: str | Path, data_dir: str | Path | None = None, download: bool = True) -> Job:
    """Return the study that a folder holds, with its data in memory on the CPU; nothing is trained.

    The network is not built: records can be read where its code is not there or has changed, and StudyFolder.network
    checks it. Raises StudyError for a folder without a readable study, and for data that are not the study's.
    """
    place = StudyFolder(Path(folder).expanduser())
    study = _described(place, None if data_dir is None else str(data_dir), download)
    splits = split_data(load_data(study.data), study.data, "cpu")
    place.check(study, splits.digest)
    return Job(study=study, splits=splits, folder=place)


def _described(place: StudyFolder, data_dir: str | None, download: bool) -> StudySpec:
    """Turn the description of a folder's study back into its spec."""
    held = place.description()
    try:
        data = {key: value for key, value in held["data"].items() if key != "digest"}
        return StudySpec(
            arms=tuple(parse_arm(arm) for arm in held["arms"]),
            seeds=tuple(held["seeds"]),
            data=DataSpec(**data, data_dir=data_dir, download=download),
            model=ModelSpec(
                name=held["model"]["name"],
                options=tuple(sorted(held["model"]["options"].items())),
                source=held["model"].get("source", ""),
            ),
            recipe=recipe_from_json(held["recipe"], f"{place.root / 'study.json'}, recipe"),
            machine=MachineSpec(**held["machine"]),
            until_sure=UntilSure(**held["until_sure"]) if held.get("until_sure") else None,
            ended=tuple(held.get("ended", {}).items()),
            follow_ups=_asked(held["follow_ups"], f"{place.root / 'study.json'}") if held.get("follow_ups") else None,
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise place.of_another_version(error) from None


def _asked(held: dict[str, Any], where: str) -> FollowUps:
    others = (recipe_from_json(recipe, f"{where}, recipes") for recipe in held["recipes"])
    return FollowUps(tune_lr=held["tune_lr"], recipes=tuple(others))


def read_results(job: Job) -> Results:
    """Return the results of the runs that a study has so far; nothing is written."""
    results = _summarize(job, read_records(job.study, job.splits, job.folder))
    return replace(results, follow_ups=read_follow_ups(job.study, job.splits, job.folder, results))


def _summarize(job: Job, records: Sequence[RunRecord]) -> Results:
    labels, rule = job.splits.test.labels.tolist(), rule_of(job.study.until_sure)
    results = summarize(records, job.shared(), job.splits.class_names, labels, job.folder.root, rule)
    if not job.study.until_sure:
        return results
    return replace(results, until_sure=job.study.until_sure, ending=ending(job.study, results))


def with_examined(job: Job, results: Results, *, latency: bool = True) -> Results:
    """Ask the networks of the finished runs what they were not asked yet; see `whichnorm.examine`."""
    from whichnorm.examine.study import examine_study

    return replace(results, examined=examine_study(job, results, latency=latency))


def report_on(job: Job, results: Results) -> Path:
    """Write the report of a study's results into its folder and return the path of the page."""
    from whichnorm.report import write_report
    from whichnorm.report.findings import find

    return write_report(results, job.splits.test.to("cpu"), find(job, results))


def execute(
    job: Job,
    *,
    max_params: int | None,
    progress: Progress,
    tensorboard: bool = False,
    diagnostics: bool = False,
    latency: bool = True,
    budget: float | None = None,
) -> Results:
    """Train what is not trained yet, the study's follow-ups last, examine the networks, write results and report."""
    shown = progress
    if tensorboard:
        from whichnorm.tensorboard import TensorBoardProgress

        progress = TensorBoardProgress(progress, job.folder)
    if diagnostics:
        from whichnorm.diagnostics.progress import DiagnosticsProgress

        progress = DiagnosticsProgress(progress, job.folder, job.splits)
    before = torch.get_num_threads()
    torch.set_num_threads(job.study.machine.threads)
    keep_freed_memory()
    try:
        plan_follow_ups(plan_study(job.study, job.splits, max_params), job.splits, max_params)
        with job.folder.locked():
            check_folders(job.study, job.splits, job.folder)
            job, results = _train(job, progress, budget)
            write_results(results)  # already there where the rest is interrupted
            try:
                follow_ups = train_follow_ups(job.study, job.splits, job.folder, results, shown)
            except WhichnormError:  # the study itself is done, and its report is due
                _finish(job, read_results(job), progress, latency)
                raise
            results = replace(results, follow_ups=follow_ups)
            results = _finish(job, results, progress, latency)
    finally:
        torch.set_num_threads(before)
    return results


def _finish(job: Job, results: Results, progress: Progress, latency: bool) -> Results:
    """Examine a study's networks, and write its results and report."""
    progress.start_report()
    results = with_examined(job, results, latency=latency)
    write_results(results)
    report_on(job, results)
    return results


def _train(job: Job, progress: Progress, budget: float | None) -> tuple[Job, Results]:
    """Train a study's runs, adding seeds where it wants them; return it as it has become, and its results."""
    while True:
        job.folder.claim(job.study, job.splits.digest)
        records = run_study(job.study, job.splits, job.folder, progress)
        results = _summarize(job, records)
        grown = next_look(job.study, results) if job.study.until_sure else None
        if not grown or not affordable(job.study, grown, records, budget):
            return job, results
        progress.add_seeds(job.study, grown)
        job = replace(job, study=grown)


def split_data(dataset: Dataset, spec: DataSpec, device: str) -> Splits:
    """Split off the validation images, measure the training images' mean and deviation, and move all to the device."""
    train, val = split_validation(dataset.train, spec.val_fraction)
    mean, std = channel_statistics(train.images)
    return Splits(
        train=train.to(device),
        val=val.to(device),
        test=dataset.test.to(device),
        class_names=dataset.class_names,
        mean=mean,
        std=std,
        digest=data_digest(dataset),
    )


def data_digest(dataset: Dataset) -> str:
    """Hash a data set's images, labels and class names."""
    digest = hashlib.blake2b(repr(dataset.class_names).encode(), digest_size=8)
    for part in (dataset.train, dataset.test):
        digest.update(part.images.contiguous().numpy().data)
        digest.update(part.labels.contiguous().numpy().data)
    return digest.hexdigest()


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
