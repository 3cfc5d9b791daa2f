"""`whichnorm reproduce`: train a published comparison again, published beside measured."""

import argparse
from typing import TYPE_CHECKING

from whichnorm.commands.arguments import add_options, read_options
from whichnorm.commands.ending import EXIT_CODES, print_page
from whichnorm.reproduce import NAMES, check_name, reproduce
from whichnorm.specs.study_options import ReproduceOptions

if TYPE_CHECKING:
    from rich.console import Console

NAME = "reproduce"
HELP = "train a published comparison again and set its figures beside the measured ones"
DESCRIPTION = (
    "Train a published comparison of norms again, with its network, recipe and augmentation, and set the published "
    "figures beside the measured ones, with what is known to be wrong with the published."
)
EPILOG = f"""\
examples:
  whichnorm reproduce wynet --quick
  whichnorm reproduce session08 --data-dir data

The same command given again goes on where it stopped.
{EXIT_CODES}
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help=f"which one: {', '.join(NAMES)}")
    add_options(parser, ReproduceOptions)


def read(args: argparse.Namespace) -> ReproduceOptions:
    check_name(args.name)
    return read_options(args, ReproduceOptions)


def run(args: argparse.Namespace, options: ReproduceOptions, console: "Console") -> int:
    from whichnorm.analyses.accuracy.terminal import print_results
    from whichnorm.reproduce.text import print_reproduction
    from whichnorm.study.progress import console_progress

    try:
        done = reproduce(args.name, options=options, progress=console_progress(console))
    except KeyboardInterrupt:
        raise KeyboardInterrupt("the same command goes on from here") from None
    results = done.results
    print_results(results, results.found, console)
    console.print()
    print_reproduction(done.published, done.rows, results.records, results.num_test_images, console)
    console.print(f"report: {done.page}", markup=False, highlight=False, soft_wrap=True)
    print_page(results.folder, console)
    if options.quick:  # too short to leave chance behind
        return 0 if all(run.status == "finished" for run in results.records) else 1
    return 0 if results.ok else 1
