"""`whichnorm report`: write the report of a study or a sweep again, from its records."""

import argparse
from typing import TYPE_CHECKING

from whichnorm.api import report_again
from whichnorm.commands.arguments import FOLDER, add_options, read_options
from whichnorm.commands.ending import end
from whichnorm.specs.data import DataPlace

if TYPE_CHECKING:
    from rich.console import Console

NAME = "report"
HELP = "write the report of a study or a sweep again"
DESCRIPTION = (
    "Write the report of a study or a sweep from the runs that have finished so far; nothing is trained. Of a sweep, "
    "the reports of its points are written too where their weights are there."
)
EPILOG = """\
examples:
  whichnorm report runs/demo
  whichnorm report results/session08 --data-dir data
  whichnorm report results/sweep_batch
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", metavar="DIR", help=FOLDER)
    add_options(parser, DataPlace)


def read(args: argparse.Namespace) -> DataPlace:
    return read_options(args, DataPlace)


def run(args: argparse.Namespace, place: DataPlace, console: "Console") -> int:
    return end(report_again(args.folder, place), console)
