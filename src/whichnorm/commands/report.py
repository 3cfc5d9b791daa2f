"""`whichnorm report`: write a study's report again, from its records."""

import argparse
from typing import TYPE_CHECKING

from whichnorm.api import read_results, report_on
from whichnorm.commands.arguments import read_options
from whichnorm.commands.ending import end_study
from whichnorm.commands.study_folder import add_study_arguments, study_of
from whichnorm.specs.data import DataPlace

if TYPE_CHECKING:
    from rich.console import Console

NAME = "report"
HELP = "write the report of a study's finished runs again"
DESCRIPTION = "Write the report of a study from the runs that have finished so far; nothing is trained."
EPILOG = """\
examples:
  whichnorm report runs/demo
  whichnorm report results/session08 --data-dir data
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_study_arguments(parser)


def read(args: argparse.Namespace) -> DataPlace:
    return read_options(args, DataPlace)


def run(args: argparse.Namespace, place: DataPlace, console: "Console") -> int:
    study = study_of(args.study, place)
    return end_study(report_on(study, read_results(study)), console)
