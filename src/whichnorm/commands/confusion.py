"""`whichnorm confusion`: who was taken for whom, and where two arms differ."""

import argparse

from rich.console import Console

from whichnorm.commands.options import add_study_arguments, study_of
from whichnorm.commands.pictures import add_picture_arguments, finished_arms, picture_place, show
from whichnorm.job import read_results

NAME = "confusion"
HELP = "draw confusion matrices, and where those of two arms differ beyond chance"
DESCRIPTION = """\
Draw the confusion matrix of every arm of a study, and for every pair of arms
the difference of their matrices, with the cells framed that differ beyond
chance.
"""
EPILOG = """\
examples:
  whichnorm confusion runs/demo
  whichnorm confusion results/session08 --data-dir data --norms bn,gn:8

Cells are tested by an exact paired test on the test images of the true class
and corrected for their number; the noise between seeds is not covered.
Exit code: 0 done, 2 input that cannot be used.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_study_arguments(parser)
    add_picture_arguments(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    from whichnorm.report.mistake_tables import difference_table
    from whichnorm.report.pictures.confusion import (
        confusion_of,
        confusion_picture,
        difference_picture,
        differences_of,
    )
    from whichnorm.report.tables import confusions_table

    picture_place(args)
    job = study_of(args)
    results, test = read_results(job), job.splits.test.to("cpu")
    arms, names = finished_arms(args, results), results.class_names
    differences = differences_of(results, test, arms)
    counts = {arm: confusion_of(results, test, arm) for arm in arms}
    pictures = [
        *(confusion_picture(results, test, arm) for arm in arms),
        *(difference_picture(results, found) for found in differences),
    ]
    tables = [
        *(confusions_table(of_arm, names, arm) for arm, of_arm in counts.items()),
        *(difference_table(found, names) for found in differences),
    ]
    content = {
        "class_names": list(names),
        "counts": {arm: of_arm.tolist() for arm, of_arm in counts.items()},
        "differences": [
            {
                "a": found.a,
                "b": found.b,
                "seeds": list(found.seeds),
                "difference": found.difference.tolist(),
                "adjusted_p_values": found.p_values.tolist(),
                "beyond_chance": found.beyond_chance.tolist(),
            }
            for found in differences
        ],
    }
    notes = [
        f"{found.a} less {found.b}: no cell differs beyond chance"
        for found in differences
        if not found.beyond_chance.any()
    ]
    show(args, console, tables, pictures, content, notes)
    return 0
