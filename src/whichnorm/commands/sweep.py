"""`whichnorm sweep`: the main study at several batch sizes or numbers of groups."""

import argparse
from typing import TYPE_CHECKING

from whichnorm.api import execute, read_results
from whichnorm.commands.arguments import add_options, read_options
from whichnorm.commands.ending import EXIT_CODES, end, going_on
from whichnorm.specs.study_options import OUTPUT, SweepOptions
from whichnorm.sweeps.spec import check_sweep

if TYPE_CHECKING:
    from rich.console import Console

NAME = "sweep"
HELP = "compare norms at several batch sizes or numbers of groups, and say where they cross"
DESCRIPTION = (
    "Compare norms at several batch sizes, or GroupNorm at several numbers of groups, and say below which batch one is "
    "better than another, with intervals. Every point is a study in a folder of its own."
)
EPILOG = f"""\
examples:
  whichnorm sweep --batch-sizes 2,4,8,16,32,64,128 --norms bn,gn:8
  whichnorm sweep --data cifar10 --model wynet --batch-sizes 32,128 --device-batch-sizes 2,8,32 --norms bn,gn:2
      images per optimizer step crossed with images per forward pass, which BatchNorm sees
  whichnorm sweep --batch-sizes 2,8,32,128 --norms bn,gn:8 --seeds 5 --refine
      then also between the two sizes at which they change places, until these are neighbours
  whichnorm sweep --data cifar10 --groups 1,2,4,8,c --dry-run

The same command given again goes on where it stopped, as whichnorm resume with its folder does; with more sizes,
norms or seeds it trains only what is new.
{EXIT_CODES}
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    groups = add_options(parser, SweepOptions)
    groups[OUTPUT].add_argument("--dry-run", action="store_true", help="show the plan and train nothing")


def read(args: argparse.Namespace) -> SweepOptions:
    options = read_options(args, SweepOptions)
    check_sweep(options)
    return options


def run(args: argparse.Namespace, options: SweepOptions, console: "Console") -> int:
    from whichnorm.study.progress import console_progress
    from whichnorm.sweeps.run import execute_sweep, plan_sweep, prepare_sweep, refined_so_far

    sweep = prepare_sweep(options)
    if args.dry_run:
        from whichnorm.sweeps.terminal import print_plan

        sweep = refined_so_far(sweep, read_results)
        print_plan(sweep, plan_sweep(sweep, options.max_params), console)
        return 0
    with going_on(sweep.folder.root):
        results = execute_sweep(sweep, options, console_progress(console), execute)
    return end(results, console)
