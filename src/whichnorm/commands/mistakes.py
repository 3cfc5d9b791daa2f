"""`whichnorm mistakes`: what the arms of a study got wrong, together and alone."""

import argparse
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.console import Console

from whichnorm.commands.options import add_study_arguments, study_of
from whichnorm.commands.pictures import add_picture_arguments, finished_arms, picture_place, show
from whichnorm.job import read_results
from whichnorm.results import Results

if TYPE_CHECKING:
    from whichnorm.report.label_issues import LabelIssues
    from whichnorm.report.shared_mistakes import SharedMistakes

NAME = "mistakes"
HELP = "show misclassified test images: of each arm, of all arms, of one arm only"
DESCRIPTION = """\
Show what the arms of a study got wrong: the most confident mistakes of each
arm, the images that every arm misses, those that one arm alone misses, and
among the former candidates for a wrong label.
"""
EPILOG = """\
examples:
  whichnorm mistakes runs/demo
  whichnorm mistakes results/session08 --data-dir data --norms bn,gn:8 --out figures
  whichnorm mistakes results/session08 --norms bn --out mistakes.png

Wrong labels are looked for by cleanlab (pip install 'whichnorm[labels]'), which
needs every trained network to be evaluated once more; --no-labels leaves it out.
Exit code: 0 done, 2 input that cannot be used.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_study_arguments(parser)
    add_picture_arguments(parser)
    parser.add_argument("--no-labels", action="store_true", help="do not look for wrong labels")


def run(args: argparse.Namespace, console: Console) -> int:
    from whichnorm.report import mistake_tables, tables
    from whichnorm.report.findings import label_issues_or_reason
    from whichnorm.report.pictures.mistakes import arm_mistakes, mistakes_picture
    from whichnorm.report.pictures.shared_mistakes import shared_pictures
    from whichnorm.report.shared_mistakes import shared_mistakes

    picture_place(args)
    job = study_of(args)
    results, test = read_results(job), job.splits.test.to("cpu")
    arms = finished_arms(args, results)
    found = shared_mistakes(results, test.labels.tolist(), arms)
    issues, note = (None, "") if args.no_labels else label_issues_or_reason(job, results, arms)
    own = [mistakes_picture(results, test, arm) for arm in arms]
    pictures = [*filter(None, own), *shared_pictures(results, test, arms, issues, note)]
    shown = [
        *(tables.mistakes_table(arm_mistakes(results, test, arm), results.class_names, arm) for arm in arms),
        mistake_tables.label_issues_table(found, issues, results.class_names) if issues else None,
        mistake_tables.shared_mistakes_table(found),
    ]
    show(args, console, shown, pictures, _content(results, found, issues), [note] if note else [])
    return 0


def _content(results: Results, found: "SharedMistakes", issues: "LabelIssues | None") -> dict[str, Any]:
    several = len(found.arms) > 1
    return {
        "num_test_images": len(found.labels),
        "class_names": list(results.class_names),
        "arms": {
            arm: {"runs": len(runs), "missed": int(missed.sum())}
            for arm, runs, missed in zip(found.arms, found.runs, found.missed, strict=True)
        },
        "missed_by_all": {**asdict(found.share_by_all()), "images": found.by_all.tolist()} if several else None,
        "missed_only_by": {
            arm: {**asdict(found.share_only_by(arm)), "images": found.only_by(arm).tolist()}
            for arm in found.arms if several
        },
        "label_candidates": issues.among(found.by_all) if issues else None,
    }  # fmt: skip
