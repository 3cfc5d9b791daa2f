"""`whichnorm compare`: the main study."""

import argparse
from typing import TYPE_CHECKING

from whichnorm.api import execute, prepare
from whichnorm.commands.arguments import add_options, read_options
from whichnorm.commands.ending import EXIT_CODES, end, going_on
from whichnorm.specs.study_options import OUTPUT, CompareOptions
from whichnorm.study.prepare import check

if TYPE_CHECKING:
    from rich.console import Console

NAME = "compare"
HELP = "train one network once per norm and seed, and say which norm to use"
DESCRIPTION = (
    "Train one network once per normalization layer and per seed, under one recipe, and say which layer to use, "
    "with intervals and a report."
)
EPILOG = f"""\
examples:
  whichnorm compare
      BN, LN and GN on the 8x8 digits that ship with scikit-learn, 3 seeds each
  whichnorm compare --data cifar10 --model session08 --norms bn,ln,gn:8 --seeds 3 --epochs 20
  whichnorm compare --data photos/ --image-size 64 --model mynet:make --norms bn,gn:c16,bn+l1:0.001 --dry-run

The same command given again, or whichnorm resume with its folder, goes on where it stopped.
{EXIT_CODES}
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    groups = add_options(parser, CompareOptions)
    groups[OUTPUT].add_argument("--dry-run", action="store_true", help="show the plan and train nothing")


def read(args: argparse.Namespace) -> CompareOptions:
    options = read_options(args, CompareOptions)
    check(options)
    return options


def run(args: argparse.Namespace, options: CompareOptions, console: "Console") -> int:
    study = prepare(options=options)
    if args.dry_run:
        from whichnorm.analyses.sensitivity.plan import plan_follow_ups
        from whichnorm.commands.plan import show_plan
        from whichnorm.study.plan import plan_study

        plan = plan_study(study.spec, study.splits, options.max_params)
        show_plan(plan, study, console, plan_follow_ups(plan, study.splits, options.max_params))
        return 0
    from whichnorm.study.progress import console_progress

    with going_on(study.folder.root):
        results = execute(study, options=options, progress=console_progress(console), budget=options.budget)
    return end(results, console)
