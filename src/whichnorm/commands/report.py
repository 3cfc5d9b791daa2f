"""`whichnorm report`: write a study's report again, from its records."""

import argparse

from rich.console import Console

from whichnorm.commands.options import add_study_arguments, study_of
from whichnorm.job import read_results, report_on, with_examined
from whichnorm.results import write_results

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
    from whichnorm.report.terminal import print_results

    job = study_of(args)
    results = with_examined(job, read_results(job))
    write_results(results)
    page = report_on(job, results)
    print_results(results, console)
    console.print(f"report: {page}", markup=False, highlight=False, soft_wrap=True)
    return 0 if results.ok else 1
