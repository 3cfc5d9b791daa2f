"""The commands of the analyses: `whichnorm NAME DIR` prints an analysis's section and writes its figures."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from whichnorm.analyses.analysis import Analysis
from whichnorm.commands.arguments import add_options, read_options
from whichnorm.errors import SpecError, StudyError, shortened
from whichnorm.specs import texts
from whichnorm.specs.arm import parse_arm
from whichnorm.specs.codec import encode
from whichnorm.specs.data import DataPlace

if TYPE_CHECKING:  # drawing is slow to import, and --help does without
    from rich.console import Console

    from whichnorm.render.content import Folded, Section
    from whichnorm.results.results import Results


class AnalysisCommand:
    """A command made of an analysis: the same for each."""

    def __init__(self, analysis: Analysis) -> None:
        self.analysis = analysis
        self.NAME, self.HELP, self.DESCRIPTION = analysis.name, analysis.help, analysis.description
        examples = "\n".join(f"  {line}" for line in analysis.examples.splitlines())
        self.EPILOG = f"examples:\n{examples}\n\nExit code: 0 done, 2 input that cannot be used.\n"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("study", metavar="DIR", help="the folder of a study, --out of whichnorm compare")
        add_options(parser, DataPlace)
        parser.add_argument("--norms", metavar="A,B,...", help="arms of the study, such as bn,gn:8 (default: all)")
        parser.add_argument("--out", metavar="PATH", help="a folder for the figures as PNG and SVG, or a file for a "
                            "single one, .png or .svg (default DIR/pictures)")  # fmt: skip
        parser.add_argument("--json", action="store_true", help="print everything as one JSON object")
        add_options(parser, self.analysis.options)

    def read(self, args: argparse.Namespace) -> Any:
        for name in arm_names(args):
            parse_arm(name)
        return read_options(args, self.analysis.options)

    def run(self, args: argparse.Namespace, options: Any, console: "Console") -> int:
        from whichnorm.api import read_results
        from whichnorm.study.study import reopen

        place, data = figure_place(args), read_options(args, DataPlace)
        study = reopen(args.study, data.data_dir, data.download)
        results = chosen(args, read_results(study))
        found = self.analysis.measure(study, results, options)
        section = self.analysis.section(found, results)
        show(args, console, place, section, found, self.analysis.nothing)
        return 0


def chosen(args: argparse.Namespace, results: "Results") -> "Results":
    """Return the results of the arms that --norms names, or of all; an arm that the study lacks is a SpecError."""
    there = results.arm_names
    if args.norms is not None:
        named = [str(parse_arm(name)) for name in arm_names(args)]
        for name in named or [""]:
            if name not in there:
                raise SpecError(f"--norms {shortened(args.norms)}: {name or 'nothing'} is no arm with a run in "
                                f"{args.study}; it has {', '.join(there)}")  # fmt: skip
        results = results.only(list(dict.fromkeys(named)))
    if not any(record.epochs for record in results.records):
        raise StudyError(f"{args.study}: no run of {', '.join(results.arm_names)} got through an epoch, so there is "
                         f"nothing to show; whichnorm report {args.study} shows why")  # fmt: skip
    return results


def arm_names(args: argparse.Namespace) -> tuple[str, ...]:
    """Return what --norms names."""
    return () if args.norms is None else texts.names(args.norms)


def figure_place(args: argparse.Namespace) -> Path:
    """Return where the figures go; checked before anything is computed.

    Those of the report stay as they are: its texts are about all arms, and a command's figures may be of some.
    """
    from whichnorm.render.files import check_place

    return Path(args.study) / "pictures" if args.out is None else check_place(args.out)


def show(
    args: argparse.Namespace, console: "Console", place: Path, section: "Section | None", found: Any, nothing: str
) -> None:  # fmt: skip
    """Write the figures, then print tables and sentences, or what was found as JSON."""
    from whichnorm.render.files import write_pictures
    from whichnorm.render.terminal import say

    paths = write_pictures(section.pictures, place) if section and section.pictures else []
    title = section.title if section else nothing
    if args.json:
        said = {"title": title, "sentences": list(section.sentences) if section else []}
        print(json.dumps({"found": encode(found), **said, "pictures": [str(path) for path in paths]}, allow_nan=False))
        return
    say(console, title, "bold")
    if section:
        parts: list[Section | Folded] = [section, *section.folded]
        for part in parts:
            print_part(part, console)
    for path in paths:
        say(console, f"picture: {path}")
    if args.out is not None and not paths:
        say(console, f"no picture: nothing was written to {args.out}")


def print_part(part: "Section | Folded", console: "Console") -> None:
    from whichnorm.render.terminal import print_table, say

    for sentence in part.sentences:
        say(console, sentence)
    for table in part.tables:
        print_table(table, console)


def analysis_commands() -> list[AnalysisCommand]:
    """Return a command for every analysis, in the report's order."""
    from whichnorm.analyses import ANALYSES

    return [AnalysisCommand(analysis) for analysis in ANALYSES]
