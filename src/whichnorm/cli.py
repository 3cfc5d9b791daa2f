"""The command line: finds the command, and turns every expected error into one line and exit code 2."""

import argparse
import sys
from collections.abc import Sequence
from typing import NoReturn

from rich.console import Console

from whichnorm.commands import classes, compare, confusion, curves, explain, mistakes, report, reproduce, show
from whichnorm.errors import SpecError, WhichnormError
from whichnorm.version import __version__

COMMANDS = (compare, report, mistakes, confusion, classes, curves, reproduce, show, explain)
DESCRIPTION = "Which normalization layer should this network use, on this data, at this batch size?"


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        raise SpecError(f"{message} ({self.prog} --help shows the options)")


def build_parser() -> Parser:
    parser = Parser(
        prog="whichnorm",
        description=DESCRIPTION,
        epilog="example: whichnorm compare --data cifar10 --norms bn,gn:8   (whichnorm compare --help for more)",
    )
    parser.add_argument("--version", action="version", version=f"whichnorm {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=Parser)
    for command in COMMANDS:
        command.add_arguments(
            commands.add_parser(
                command.NAME,
                help=command.HELP,
                description=command.DESCRIPTION,
                epilog=command.EPILOG,
                formatter_class=argparse.RawDescriptionHelpFormatter,
            )
        )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code."""
    console = Console()
    parser = build_parser()
    try:
        args = parser.parse_args(argv)
        if args.command is None:
            parser.print_help()
            return 0
        (command,) = [command for command in COMMANDS if args.command == command.NAME]
        return command.run(args, console)
    except WhichnormError as error:
        print(f"whichnorm: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"whichnorm: {error.filename or 'a file'}: {error.strerror or error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nwhichnorm: stopped; the same command goes on from here", file=sys.stderr)
        return 130
