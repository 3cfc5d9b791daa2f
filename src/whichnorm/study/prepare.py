"""From the options of a study to the study: what they leave open is filled in, and nothing is loaded or trained."""

import hashlib
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from whichnorm.errors import SpecError, StudyError, shown
from whichnorm.models import check_name, factory_name, load_factory
from whichnorm.norms import NormSpec
from whichnorm.specs.arm import ArmSpec, parse_arm
from whichnorm.specs.model import ModelSpec
from whichnorm.specs.options import choices
from whichnorm.specs.recipe import Recipe
from whichnorm.specs.recipes import default_recipe, find_recipe
from whichnorm.specs.require import require
from whichnorm.specs.study import FollowUps, MachineSpec, Shared, StudySpec, check_machine
from whichnorm.specs.study_options import DEFAULT_NORMS, DEFAULT_SEEDS, CompareOptions, StudyOptions
from whichnorm.specs.texts import MAX_SEEDS
from whichnorm.specs.value_types import Between, misfit
from whichnorm.stats import looks

if TYPE_CHECKING:  # what is wrong with options is said before PyTorch is imported
    from whichnorm.study.study import Study

DEFAULT_MODELS = {"digits": "digits_net", "mnist": "mnist_s6", "fashion-mnist": "mnist_s6"}


def study_of(options: CompareOptions) -> "Study":
    """Return the study that options ask for. Raises SpecError and ModelError for those that cannot be used."""
    from whichnorm.study.study import Study

    check(options)
    first, *_ = recipes_of(options)
    shared = shared_of(options, first)
    return Study.new(spec_of(options, shared), folder_of(options, shared))


def check(options: CompareOptions) -> None:
    """Raise SpecError or ModelError for options that cannot be used, as far as it shows without PyTorch."""
    first, *_ = recipes_of(options)
    spec_of(options, provisional(options, first))


def spec_of(options: CompareOptions, shared: Shared) -> StudySpec:
    _, *others = recipes_of(options)
    return StudySpec(
        **shared.shared(),
        arms=tuple(map(as_arm, DEFAULT_NORMS if options.norms is None else options.norms)),
        seeds=first_seeds(options),
        until_sure=options.rule if options.until_sure else None,
        follow_ups=FollowUps(tune_lr=options.tune_lr, recipes=tuple(others)) if options.tune_lr or others else None,
    )


def shared_of(options: StudyOptions, recipe: Recipe) -> Shared:
    """Return what all runs have in common."""
    from whichnorm.training.machine import choose_machine

    return Shared(
        data=options.data,
        model=as_model(network_of(options), options.model_options or {}),
        recipe=recipe,
        machine=choose_machine(options.device, options.threads, options.precision),
    )


def provisional(options: StudyOptions, recipe: Recipe) -> Shared:
    """Return what all runs have in common as far as it is known without PyTorch."""
    check_machine(options.device, options.precision)
    network = network_of(options)
    if isinstance(network, str):
        check_name(network)
    model = ModelSpec(options=tuple((options.model_options or {}).items()))
    machine = MachineSpec(threads=1 if options.threads is None else options.threads)
    return Shared(data=options.data, model=model, recipe=recipe, machine=machine)


def network_of(options: StudyOptions) -> str | Callable[..., Any]:
    """Return the network asked for, or the one that fits the data."""
    if options.model is None:
        return DEFAULT_MODELS.get(options.data.name, "session08")
    return options.model


def folder_of(options: StudyOptions, shared: Shared, prefix: str = "") -> Path:
    """Return the folder of the results: the one asked for, or one in runs that is named after what is special."""
    if options.out is not None:
        named = bool(str(options.out)) and "\0" not in str(options.out)
        require(named, f"out is {shown(str(options.out))}, expected the name of a folder; . is the present one")
        return Path(options.out).expanduser()
    return Path("runs") / "-".join(filter(None, [prefix, *_name_parts(options, shared)]))


def _name_parts(options: StudyOptions, shared: Shared) -> Iterator[str]:
    """Yield data, network and recipe, and what was changed in them."""
    recipe = shared.recipe
    yield Path(shared.data.name).name or "data"
    yield shared.model.name.replace(":", ".").replace("/", ".")
    yield recipe.name
    yield from (f"{key}-{value}" for key, value in shared.model.options)
    yield from (f"epochs-{recipe.epochs}", f"batch-{recipe.batch_size}")
    if recipe.accumulation > 1:
        yield f"device-{recipe.device_batch_size}"
    for choice in choices(type(options)):
        if choice.option.part and choice.of(options) != choice.default:
            yield f"{choice.option.part}-{choice.option.write(choice.of(options))}"


def as_arm(norm: str | NormSpec | ArmSpec) -> ArmSpec:
    """Return an arm from its text form or from a norm's spec."""
    if isinstance(norm, ArmSpec):
        return norm
    return parse_arm(norm) if isinstance(norm, str) else ArmSpec(norm=norm)


def first_seeds(options: CompareOptions) -> tuple[int, ...]:
    """Return the seeds of a study, or of its first look where it adds them itself."""
    if not options.until_sure:
        return seeds_of(options.seeds)
    if options.seeds is not None:
        raise SpecError("seeds are given and to be added until sure; leave out one of the two")
    return tuple(range(looks(options.rule.max_seeds)[0]))


def seeds_of(seeds: int | Sequence[int] | None) -> tuple[int, ...]:
    """Return seeds from their number or themselves."""
    if not isinstance(seeds, int | None):
        return tuple(seeds)
    number = DEFAULT_SEEDS if seeds is None else seeds
    fault = misfit(number, Annotated[int, Between(1, MAX_SEEDS)], "number of seeds")
    require(not fault, fault)
    return tuple(range(number))


def as_model(model: str | Callable[..., Any], options: Mapping[str, Any]) -> ModelSpec:
    """Return a network by its name or as a function, with the hash of its source where it is the user's own."""
    given = tuple(sorted(options.items()))
    if isinstance(model, str):
        factory = load_factory(model)  # an error in the name comes before the images are read
        source = source_digest(model.partition(":")[0], factory) if ":" in model else ""
        in_script = factory if model.startswith("__main__:") else None
        return ModelSpec(name=model, options=given, source=source, factory=in_script)
    name = factory_name(model)
    return ModelSpec(name=name, options=given, factory=model, source=source_digest(name.partition(":")[0], model))


def source_digest(module: str, factory: Callable[..., Any]) -> str:
    """Hash the source text of a network's module, of a script's or notebook's the factory's alone, "" without one."""
    thing = factory if module == "__main__" else sys.modules.get(module, factory)
    try:
        return hashlib.sha256(inspect.getsource(thing).encode()).hexdigest()[:12]
    except (OSError, TypeError):
        return ""


def recipes_of(options: CompareOptions) -> list[Recipe]:
    """Return the study's recipe, then the others, each with the changes."""
    named: list[str | Recipe | None] = list(options.recipes)
    if named and options.recipe is not None:
        raise SpecError("--recipe and --recipes are given; the first of --recipes is the study's: leave --recipe out")
    if len(named) == 1:
        only = named[0].name if isinstance(named[0], Recipe) else named[0]
        raise SpecError(f"--recipes {only}: expected two or more, the study's first; for one alone give --recipe")
    return [as_recipe(found, options) for found in named or [options.recipe]]


def as_recipe(recipe: str | Recipe | None, options: StudyOptions) -> Recipe:
    """Return a recipe from its name or file, with the changes; None is the data set's default."""
    if recipe is None:
        found = default_recipe(options.data.name)
    else:
        found = recipe if isinstance(recipe, Recipe) else find_recipe(recipe)
    return found.changed(**options.changes)


def live(study: "Study") -> "Study":
    """Return a study that was opened again, with its network's present code, on the device of its runs.

    Raises StudyError where that code is not there any more or has changed since the first runs.
    """
    from whichnorm.training.machine import choose_machine

    spec = study.spec
    model, machine = _live_model(spec.model, study.folder.root), choose_machine(**asdict(spec.machine))
    images = replace(study.images, device=machine.device)
    return replace(study, spec=replace(spec, model=model, machine=machine), images=images)


def _live_model(held: ModelSpec, folder: Path) -> ModelSpec:
    module, _, name = held.name.partition(":")
    if module == "__main__" and not hasattr(sys.modules["__main__"], name):
        raise StudyError(
            f"{folder}: its network {shown(name)} is known only to the script or notebook that trained it; give the "
            "same call there again"
        )
    model = as_model(held.name, dict(held.options))
    if held.source not in ("", model.source):
        raise StudyError(
            f"{folder}: the source of its network {shown(held.name)} has changed since the first runs; put it back, or "
            "start anew with whichnorm compare and another --out"
        )
    return replace(model, source=held.source)
