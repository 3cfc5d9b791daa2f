"""The options of compare, sweep, resume and reproduce, each said once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar

from whichnorm.norms import FORMS, NormSpec
from whichnorm.specs import texts
from whichnorm.specs.arm import ArmSpec
from whichnorm.specs.checked import Checked
from whichnorm.specs.data import DATA_GROUP, DataPlace, DataSpec
from whichnorm.specs.json_files import MAX_INT
from whichnorm.specs.options import again, changes_of, option, part
from whichnorm.specs.recipe import TRAINING_GROUP, Recipe
from whichnorm.specs.recipes import RECIPES
from whichnorm.specs.study import MAX_THREADS, UNTIL_SURE_GROUP, UntilSure
from whichnorm.specs.value_types import Between

AXES = "axes: one of the first three, or two crossed; groups alone or with them"
WHAT = "what to compare"
FOLLOW_UPS = "whether the answer holds, trained after the study"
OUTPUT = "machine and output"

DEFAULT_NORMS = ("bn", "ln", "gn:8")
DEFAULT_SEEDS = 3
MAX_BUDGET = 1_000_000_000  # seconds

Norms = Sequence[str | NormSpec | ArmSpec]


@dataclass(frozen=True, kw_only=True)
class WhatOptions(Checked):
    """What is trained."""

    norms: Norms | None = option(
        DEFAULT_NORMS, f"norms: {', '.join(FORMS)}, each with :noaffine, +l1:0.001, +l2:0.001 or +lr:0.1",
        group=WHAT, metavar="A,B,...", parse=texts.names, write=texts.joined,
    )  # fmt: skip
    model: str | Callable[..., Any] | None = option(
        None, "a network of whichnorm.models, or package.module:factory, a function factory(norm, num_classes, "
        "in_channels) that makes each norm layer with norm(num_channels) (default: one that fits the data)",
        in_python="also the function itself", group=WHAT, metavar="NAME", parse=str,
    )  # fmt: skip
    model_options: Mapping[str, texts.Value] | None = option(
        None, "an option of the network, such as add_skip=true; may be given again", group=WHAT, metavar="KEY=VALUE",
        flag="--model-option", parse=texts.key_value, write=texts.key_value_texts, repeated=dict,
    )  # fmt: skip
    seeds: int | Sequence[int] | None = option(
        None, f"number of seeds, or the seeds themselves: 3 or 5,6,7 (default {DEFAULT_SEEDS})", group=WHAT,
        metavar="N", parse=texts.seeds, write=texts.seeds_text,
    )  # fmt: skip
    data: DataSpec = part(DataSpec)
    recipe: str | Recipe | None = option(
        None, f"{', '.join(RECIPES)}, or a JSON file (default: one that fits the data)", group=TRAINING_GROUP,
        metavar="NAME", parse=str,
    )  # fmt: skip
    changes: Mapping[str, Any] = changes_of(Recipe)


@dataclass(frozen=True, kw_only=True)
class MachineOptions(Checked):
    """Where it is trained, and where the results go."""

    device: str = option("cpu", "cpu or cuda", group=OUTPUT, metavar="NAME", parse=str)
    threads: Annotated[int, Between(1, MAX_THREADS)] | None = option(
        None, "processor threads (default: all cores)", group=OUTPUT, metavar="N", parse=texts.whole_number
    )
    precision: str = option(
        "auto", "float32, bfloat16 (convolutions and stored activations), or auto: bfloat16 where the processor has it",
        group=OUTPUT, metavar="NAME", parse=str,
    )  # fmt: skip
    out: str | Path | None = option(
        None, "folder of the results (default runs/NAME)", group=OUTPUT, metavar="DIR", parse=str
    )


@dataclass(frozen=True, kw_only=True)
class RunOptions(Checked):
    """What changes no run: a study may be gone on with under others, and its record does not hold them."""

    max_params: Annotated[int, Between(1, MAX_INT)] | None = option(
        None, "refuse networks with more parameters", group=WHAT, metavar="N", parse=texts.whole_number
    )
    diagnostics: bool = option(
        False, "measure gradient norms, dead ReLU channels and the distance of activations after every epoch, for the "
        "report", group=OUTPUT,
    )  # fmt: skip
    tensorboard: bool = option(
        False, "write TensorBoard event files too, live (extra tensorboard)", group=OUTPUT
    )  # fmt: skip
    latency: bool = option(
        True, "do not export and time the trained networks, seconds per arm", group=OUTPUT, flag="--no-latency"
    )


@dataclass(frozen=True, kw_only=True)
class BudgetOptions(Checked):
    """When a study that adds seeds itself ends."""

    budget: Annotated[float, Between(0, MAX_BUDGET, above=True)] | None = option(
        None, "time of training and evaluation, such as 30m, 90s or 2h; the first 3 seeds are always trained",
        in_python="a number of seconds", group=UNTIL_SURE_GROUP, metavar="TIME", parse=texts.seconds,
        needs="until_sure", write=lambda seconds: f"{seconds:g}s",
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class StudyOptions(RunOptions, MachineOptions, WhatOptions):
    """What compare and sweep have in common."""

    GROUPS: ClassVar[Sequence[str]] = (AXES, WHAT, UNTIL_SURE_GROUP, DATA_GROUP, TRAINING_GROUP, FOLLOW_UPS, OUTPUT)


@dataclass(frozen=True, kw_only=True)
class UntilSureOptions(Checked):
    """Whether a study adds seeds itself."""

    until_sure: bool = option(
        False, "add seeds until every difference is beyond chance or known to be less than the margin, at an error "
        "rate of 5 % for all looks together", group=UNTIL_SURE_GROUP,
    )  # fmt: skip
    rule: UntilSure = part(UntilSure)


@dataclass(frozen=True, kw_only=True)
class CompareOptions(BudgetOptions, UntilSureOptions, StudyOptions):
    """The options of a study."""

    tune_lr: bool = option(
        False, "look for each arm's own learning rate by validation accuracy, from 1/4 to 4 times the recipe's and "
        "beyond where the best is at an end; the verdict is given for both", group=FOLLOW_UPS,
    )  # fmt: skip
    recipes: Sequence[str | Recipe] = option(
        (), "in place of a recipe: A is the study's, and under each other one the two best arms are trained again",
        group=FOLLOW_UPS, metavar="A,B,...", parse=texts.two_or_more, write=texts.joined,
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class SweepOptions(StudyOptions):
    """The options of a sweep over batch sizes or numbers of groups."""

    batch_sizes: Sequence[int] = option(
        (), "images per optimizer step", group=AXES, metavar="N,...", parse=texts.whole_numbers, write=texts.joined
    )
    device_batch_sizes: Sequence[int] = option(
        (), "images per forward pass, which BatchNorm sees", group=AXES, metavar="N,...", parse=texts.whole_numbers,
        write=texts.joined,
    )  # fmt: skip
    accumulations: Sequence[int] = option(
        (), "forward passes per optimizer step", group=AXES, metavar="N,...", parse=texts.whole_numbers,
        write=texts.joined,
    )  # fmt: skip
    groups: Sequence[int | str] = option(
        (), "GroupNorm with these numbers of groups; c: one per channel", group=AXES, metavar="N,...,c",
        parse=texts.groups, write=texts.joined,
    )  # fmt: skip
    channels_per_group: Sequence[int] = option(
        (), "GroupNorm with groups of so many channels", group=AXES, metavar="N,...", parse=texts.whole_numbers,
        write=texts.joined,
    )  # fmt: skip
    refine: bool = option(
        False, "then train between the two sizes at which two norms change places, in the middle on a log axis, until "
        "they are neighbours or the middle cannot be told", group=AXES,
    )  # fmt: skip
    norms: Norms | None = again(
        WhatOptions, "norms", None, f" (default {','.join(DEFAULT_NORMS)}; bn with --groups or --channels-per-group)"
    )
    lr_rule: str | None = option(
        None, "how the learning rate follows the images per step, from the recipe's own batch: linear, sqrt or none "
        "(default: linear for SGD, sqrt for AdamW)", group=TRAINING_GROUP, metavar="NAME", parse=str,
    )  # fmt: skip
    changes: Mapping[str, Any] = changes_of(Recipe, but=("batch_size", "device_batch_size"))


@dataclass(frozen=True, kw_only=True)
class ResumeOptions(BudgetOptions, RunOptions, DataPlace):
    """What can be chosen where a study or a sweep goes on: the rest is in its folder."""


@dataclass(frozen=True, kw_only=True)
class ReproduceOptions(MachineOptions, DataPlace):
    """What can be chosen of a published comparison that is trained again."""

    seeds: int | Sequence[int] = again(WhatOptions, "seeds", 1, " (default 1)")
    quick: bool = option(False, "smoke run: 1 epoch on 2,000 images; its accuracies say nothing")
