"""What the commands that draw a study's pictures share: their options, and how they show what they drew."""

import argparse
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from whichnorm.errors import SpecError, StudyError
from whichnorm.results import Results
from whichnorm.spec import parse_arm

if TYPE_CHECKING:  # drawing is slow to import, and other commands do without
    from whichnorm.report.pictures import Picture
    from whichnorm.report.tables import Table


def add_picture_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arms to look at, where to write their pictures, and JSON."""
    parser.add_argument("--norms", metavar="A,B,...", help="arms of the study, such as bn,gn:8 (default: all)")
    parser.add_argument("--out", metavar="PATH", help="a folder for the pictures as PNG and SVG, or a file for a "
                        "single one, .png or .svg (default DIR/pictures)")  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print everything as one JSON object")


def chosen_arms(args: argparse.Namespace, results: Results) -> list[str]:
    """Return the arms that --norms names, in its order, or all of the study; an arm it lacks is a SpecError."""
    there = list(dict.fromkeys(record.arm for record in results.records))
    if args.norms is None:
        return there
    named = [str(parse_arm(name.strip())) for name in args.norms.split(",") if name.strip()]
    for name in named or [""]:
        if name not in there:
            raise SpecError(f"--norms {args.norms}: {name or 'nothing'} is no arm with a run in {args.study}; "
                            f"it has {', '.join(there)}")  # fmt: skip
    return list(dict.fromkeys(named))


def finished_arms(args: argparse.Namespace, results: Results) -> list[str]:
    """Return the chosen arms that have a finished run; none at all is a StudyError."""
    arms = chosen_arms(args, results)
    finished = [arm for arm in arms if results.finished(arm)]
    if not finished:
        raise StudyError(f"{args.study}: no run of {', '.join(arms)} finished, so there is nothing to show; "
                         f"whichnorm report {args.study} shows why")  # fmt: skip
    return finished


def picture_place(args: argparse.Namespace) -> Path:
    """Return where the pictures go; checked before anything is computed.

    Those of the report stay as they are: its texts are about all arms, and a command's pictures may be of some.
    """
    from whichnorm.report.files import check_place

    return Path(args.study) / "pictures" if args.out is None else check_place(args.out)


def show(
    args: argparse.Namespace, console: Console, tables: Iterable["Table | None"], pictures: Sequence["Picture"],
    content: dict[str, Any], notes: Sequence[str] = (),
) -> None:  # fmt: skip
    """Write the pictures, then print the tables and notes, or `content` as JSON."""
    from whichnorm.report.files import write_pictures
    from whichnorm.report.terminal import print_table, say

    paths = write_pictures(pictures, picture_place(args))
    if args.json:
        print(json.dumps({**content, "notes": list(notes), "pictures": [str(path) for path in paths]}, allow_nan=False))
        return
    for table in filter(None, tables):
        print_table(table, console)
    for note in notes:
        say(console, note)
    for path in paths:
        say(console, f"picture: {path}")
