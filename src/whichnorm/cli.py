"""The command line: finds the command, and turns every expected error into one line and exit code 2."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from whichnorm import interrupts
from whichnorm.commands import compare, explain, report, reproduce, resume, show, sweep, watch
from whichnorm.commands.analysis import analysis_commands
from whichnorm.errors import SpecError, WhichnormError, shortened
from whichnorm.files import escaped, place
from whichnorm.version import __version__

DESCRIPTION = "Which normalization layer should this network use, on this data, at this batch size?"
MAX_MESSAGE = 1000  # characters; every part that repeats an input is cut already


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        raise SpecError(f"{shortened(message, 200)} ({self.prog} --help shows the options)")


def load_commands() -> tuple[Any, ...]:
    """Return all commands, in the order of --help."""
    return compare, sweep, resume, watch, report, *analysis_commands(), reproduce, show, explain


def build_parser(commands: Sequence[Any]) -> Parser:
    parser = Parser(
        prog="whichnorm",
        description=DESCRIPTION,
        epilog="example: whichnorm compare --data cifar10 --norms bn,gn:8   (whichnorm compare --help for more)",
    )
    parser.add_argument("--version", action="version", version=f"whichnorm {__version__}")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=Parser)
    for command in commands:
        command.add_arguments(
            subparsers.add_parser(
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
    with interrupts.raised():
        try:
            return run_command(argv)
        except WhichnormError as error:
            return say(str(error))
        except BrokenPipeError:  # the reader has seen enough, as `head` does
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0
        except OSError as error:
            where = place(Path(os.fsdecode(error.filename))) if isinstance(error.filename, str | bytes) else "a file"
            return say(f"{where}: {error.strerror or shortened(str(error))}")
        except KeyboardInterrupt as stopped:
            print(f"\nwhichnorm: {'; '.join(['stopped', *map(str, stopped.args)])}", file=sys.stderr)
            return 130


def run_command(argv: Sequence[str] | None) -> int:
    """Read the command line, and run the command that it names."""
    commands = load_commands()
    parser = build_parser(commands)
    args = parser.parse_args(argv)
    if args.command is None:
        parser.print_help()
        return 0
    (command,) = [command for command in commands if args.command == command.NAME]
    options = command.read(args)
    with interrupts.silent():
        import torch  # noqa: F401 - takes a second or more: after what is wrong with the arguments has been said
    from rich.console import Console

    return int(command.run(args, options, Console()))


def say(message: str) -> int:
    """Print what is wrong as one line that a terminal shows as it is, and return the exit code that goes with it."""
    print(f"whichnorm: {shortened(escaped(' '.join(message.split())), MAX_MESSAGE)}", file=sys.stderr)
    return 2
