"""`whichnorm resume`: goes on with a study or a sweep from its folder alone."""

import argparse
from typing import TYPE_CHECKING

from whichnorm.api import resume
from whichnorm.commands.arguments import FOLDER, add_options, read_options
from whichnorm.commands.ending import EXIT_CODES, end, going_on
from whichnorm.files import expand
from whichnorm.specs.study_options import ResumeOptions

if TYPE_CHECKING:
    from rich.console import Console

NAME = "resume"
HELP = "go on with a study or a sweep from its folder alone"
DESCRIPTION = (
    "Train what a study or a sweep still lacks and write its report. What is trained is what its folder says; the "
    "options are those that change no run."
)
EPILOG = f"""\
examples:
  whichnorm resume runs/demo
  whichnorm resume runs/sweep --data-dir data

{EXIT_CODES}
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", metavar="DIR", help=FOLDER)
    add_options(parser, ResumeOptions)


def read(args: argparse.Namespace) -> ResumeOptions:
    return read_options(args, ResumeOptions)


def run(args: argparse.Namespace, options: ResumeOptions, console: "Console") -> int:
    from whichnorm.study.progress import console_progress

    with going_on(expand(args.folder)):
        results = resume(args.folder, options=options, progress=console_progress(console))
    return end(results, console)
