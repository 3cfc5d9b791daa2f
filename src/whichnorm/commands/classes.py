"""`whichnorm classes`: accuracy per class, with intervals."""

import argparse

from rich.console import Console

from whichnorm.commands.options import add_study_arguments, study_of
from whichnorm.commands.pictures import add_picture_arguments, finished_arms, picture_place, show
from whichnorm.job import read_results

NAME = "classes"
HELP = "show the accuracy on each class, with intervals"
DESCRIPTION = "Show the test accuracy of every arm of a study on each class, with 95 % intervals."
EPILOG = """\
examples:
  whichnorm classes runs/demo
  whichnorm classes results/session08 --data-dir data --norms bn,gn:8 --out classes.svg

Exit code: 0 done, 2 input that cannot be used.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_study_arguments(parser)
    add_picture_arguments(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    from whichnorm.report.class_accuracy import class_accuracies
    from whichnorm.report.mistake_tables import classes_table
    from whichnorm.report.pictures.classes import classes_picture

    picture_place(args)
    job = study_of(args)
    results, test = read_results(job), job.splits.test.to("cpu")
    arms, labels = finished_arms(args, results), test.labels.tolist()
    found = class_accuracies(results, labels, arms)
    picture = classes_picture(results, test, arms)
    content = {
        "class_names": list(results.class_names),
        "num_images": [labels.count(k) for k in range(len(results.class_names))],
        "arms": {
            arm.arm: {
                "seeds": list(arm.seeds),
                "accuracy": [i and {"mean": i.estimate, "ci95": [i.low, i.high]} for i in arm.intervals],
            }
            for arm in found
        },
    }
    show(args, console, [classes_table(results, found, labels)], [picture] if picture else [], content)
    return 0
