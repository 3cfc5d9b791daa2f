"""`whichnorm curves`: loss and accuracy over epochs, and the arms' accuracies with their differences."""

import argparse
from typing import Any

from rich.console import Console

from whichnorm.commands.options import add_study_arguments, study_of
from whichnorm.commands.pictures import add_picture_arguments, chosen_arms, picture_place, show
from whichnorm.job import read_results
from whichnorm.results import Results

NAME = "curves"
HELP = "draw loss and accuracy over epochs, and the arms' accuracies and differences"
DESCRIPTION = """\
Draw the curves of a study: loss and accuracy of all arms over epochs, training
beside validation for each arm, and the test accuracies with their differences.
"""
EPILOG = """\
examples:
  whichnorm curves runs/demo
  whichnorm curves results/session08 --data-dir data --norms bn,gn:8 --out figures

Exit code: 0 done, 2 input that cannot be used.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_study_arguments(parser)
    add_picture_arguments(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    from whichnorm.report.curve_tables import curve_table
    from whichnorm.report.pictures.curves import arm_curves_picture, curve_pictures
    from whichnorm.report.pictures.forests import forest_pictures

    picture_place(args)
    results = read_results(study_of(args))
    arms = chosen_arms(args, results)
    pictures = [
        *forest_pictures(results, arms).values(),
        *curve_pictures(results, arms),
        *filter(None, (arm_curves_picture(results, arm) for arm in arms)),
    ]
    notes = [f"{arm}: no finished run" for arm in arms if not results.finished(arm)]
    show(args, console, [curve_table(results, arms)], pictures, _content(results, arms), notes)
    return 0


def _content(results: Results, arms: list[str]) -> dict[str, Any]:
    from whichnorm.report.curves import Split, accuracy_curve, drawn_runs, loss_curve

    splits: tuple[Split, Split] = ("train", results.curves_split)
    runs = {arm: drawn_runs(results, arm) for arm in arms}
    return {
        "split": results.curves_split,
        "arms": {
            arm: {
                f"{split}_{quantity}": estimate(of_arm, split).to_dict()
                for quantity, estimate in (("loss", loss_curve), ("accuracy", accuracy_curve))
                for split in splits
            }
            for arm, of_arm in runs.items()
            if of_arm
        },
    }
