"""`whichnorm report`: write a study's report again, from its records."""

import argparse

from rich.console import Console

from whichnorm.api import read_results, report_on
from whichnorm.commands.options import add_study_arguments, study_of

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


def run(args: argparse.Namespace, console: Console) -> int:
    from whichnorm.analyses.accuracy.terminal import print_results

    study = study_of(args)
    results = report_on(study, read_results(study))
    print_results(results, results.found, console)
    console.print(f"report: {results.folder / 'report' / 'index.html'}", markup=False, highlight=False, soft_wrap=True)
    return 0 if results.ok else 1
