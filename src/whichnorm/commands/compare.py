"""`whichnorm compare`: the main study."""

import argparse
from collections.abc import Sequence
from dataclasses import asdict

from rich.console import Console

from whichnorm import stats
from whichnorm.analyses.sensitivity.plan import PlannedFollowUp, plan_follow_ups
from whichnorm.api import DEFAULT_NORMS, execute, prepare
from whichnorm.commands.options import data_name
from whichnorm.commands.study_options import (
    add_data_and_split,
    add_machine_and_output,
    add_network_and_seeds,
    add_norms,
    add_recipe,
    norm_names,
    study_options,
)
from whichnorm.errors import SpecError
from whichnorm.results.until_sure import parse_budget
from whichnorm.specs.recipe import batch_text
from whichnorm.specs.study import UntilSure
from whichnorm.study.plan import Plan, plan_study
from whichnorm.study.progress import console_progress, duration
from whichnorm.study.study import Study

NAME = "compare"
HELP = "train one network once per norm and seed, and say which norm to use"
DESCRIPTION = (
    "Train one network once per normalization layer and per seed, under one recipe, and say which layer to use, "
    "with intervals and a report."
)
EPILOG = """\
examples:
  whichnorm compare
      BN, LN and GN on the 8x8 digits that ship with scikit-learn, 3 seeds each
  whichnorm compare --data cifar10 --model session08 --norms bn,ln,gn:8 --seeds 3 --epochs 20
  whichnorm compare --data photos/ --image-size 64 --model mynet:make --norms bn,gn:c16,bn+l1:0.001 --dry-run

The same command given again goes on where it stopped.
Exit code: 0 done, 1 done but a run failed, diverged or stayed at chance, 2 input that cannot be used.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    what = parser.add_argument_group("what to compare")
    add_norms(what, ",".join(DEFAULT_NORMS))
    add_network_and_seeds(what)
    sure = parser.add_argument_group("until sure, in place of --seeds")
    sure.add_argument("--until-sure", action="store_true", help="add seeds until every difference is called or known "
                      "to be less than the margin, at an error rate of 5 %% for all looks together")  # fmt: skip
    sure.add_argument("--margin", type=float, metavar="POINTS", help="a smaller difference need not be told, in "
                      f"percentage points (default {100 * UntilSure().margin:g})")  # fmt: skip
    sure.add_argument("--max-seeds", type=int, metavar="N", help=f"(default {UntilSure().max_seeds})")
    sure.add_argument("--budget", metavar="TIME", help="of training and evaluation, such as 30m, 90s or 2h; the first "
                      "3 seeds are always trained")  # fmt: skip
    add_data_and_split(parser.add_argument_group("data"))
    training = parser.add_argument_group("training")
    add_recipe(training)
    training.add_argument("--batch-size", type=int, metavar="N", help="images per step, instead of the recipe's")
    training.add_argument("--device-batch-size", type=int, metavar="N",
                          help="images per forward pass, which BatchNorm sees; gradients add up to a step of "
                          "--batch-size (default: all of a step)")  # fmt: skip
    follow = parser.add_argument_group("whether the answer holds, trained after the study")
    follow.add_argument("--tune-lr", action="store_true",
                        help="look for each arm's own learning rate by validation accuracy, from 1/4 to 4 times the "
                        "recipe's and beyond where the best is at an end; the verdict is given for both")  # fmt: skip
    follow.add_argument("--recipes", metavar="A,B,...",
                        help="in place of --recipe: A is the study's, and under each other one the two best arms are "
                        "trained again")  # fmt: skip
    add_machine_and_output(parser.add_argument_group("machine and output"))


def run(args: argparse.Namespace, console: Console) -> int:
    budget = None if args.budget is None else parse_budget(args.budget)
    study = prepare(
        data_name(args),
        norms=norm_names(args.norms),
        until_sure=_until_sure(args),
        batch_size=args.batch_size,
        device_batch_size=args.device_batch_size,
        **study_options(args),
        tune_lr=args.tune_lr,
        recipes=[] if args.recipes is None else _recipes(args.recipes),
    )
    if args.dry_run:
        plan = plan_study(study.spec, study.splits, args.max_params)
        show_plan(plan, study, console, plan_follow_ups(plan, study.splits, args.max_params))
        return 0
    from whichnorm.analyses.accuracy.terminal import print_results

    results = execute(
        study,
        max_params=args.max_params,
        progress=console_progress(console),
        tensorboard=args.tensorboard,
        diagnostics=args.diagnostics,
        budget=budget,
        latency=not args.no_latency,
    )
    print_results(results, results.found, console)
    console.print(f"report: {results.folder / 'report' / 'index.html'}", markup=False, highlight=False, soft_wrap=True)
    return 0 if results.ok else 1


def show_plan(plan: Plan, study: Study, console: Console, follow_ups: Sequence[PlannedFollowUp] = ()) -> None:
    """Print the runs, parameters and estimated time of a study that is not run."""
    recipe, machine = study.spec.recipe, study.spec.machine
    lines = [
        f"data      {study.spec.data.name}: {len(study.splits.train):,} training, {len(study.splits.val):,} validation,"
        f" {len(study.splits.test):,} test images of {'x'.join(map(str, study.splits.image_shape))}",
        f"network   {study.spec.model.name}",
        f"recipe    {recipe.name}: {recipe.epochs} epochs, batch {batch_text(asdict(recipe))}, "
        f"{plan.steps_per_epoch:,} steps per epoch",
        f"machine   {machine.device}, {machine.threads} threads, {machine.precision}",
        f"folder    {study.folder.root}",
        "",
        f"{'norm':<20}{'parameters':>11}{'seeds':>7}{'s per run':>11}  norm layers",
    ]
    for arm in plan.arms:
        layers = ", ".join(f"{count} {name}" for name, count in arm.norm_layers.items()) or "none"
        seconds = plan.run_seconds(arm)
        lines.append(f"{arm.arm!s:<20}{arm.params:>11,}{len(study.spec.seeds):>7}{seconds:>11,.1f}  {layers}")
    if study.spec.until_sure:
        looks = ", ".join(map(str, stats.looks(study.spec.until_sure.max_seeds)))
        lines += ["", f"This is the first look; seeds are added until sure, with looks at {looks} seeds."]
    lines += ["", *(f"{f.title}: {f.runs}; about {duration(f.seconds)}" for f in follow_ups)] if follow_ups else []
    which = "all of these" if follow_ups else "all"
    seconds = plan.seconds + sum(planned.seconds for planned in follow_ups)
    done = sum(study.folder.record(run).exists() for run in study.spec.runs())
    lines += [
        "",
        f"{len(study.spec.runs())} runs, {done} of them finished; about {duration(seconds)} for {which}, "
        "from a few steps timed on this machine. Nothing was trained or written.",
    ]
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _until_sure(args: argparse.Namespace) -> UntilSure | None:
    """Return the rule by which seeds are added; options of it without --until-sure are a SpecError."""
    given = {"--margin": args.margin, "--max-seeds": args.max_seeds, "--budget": args.budget}
    if not args.until_sure:
        for option, value in given.items():
            if value is not None:
                raise SpecError(f"{option} {value}: has a meaning with --until-sure only; add that, or leave it out")
        return None
    default = UntilSure()
    return UntilSure(
        margin=default.margin if args.margin is None else args.margin / 100,
        max_seeds=default.max_seeds if args.max_seeds is None else args.max_seeds,
    )


def _recipes(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise SpecError(f"--recipes {text!r}: expected two or more, such as default,session08")
    return names
