"""The command line: finds the command, and turns every expected error into one line and exit code 2."""

import argparse
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

from whichnorm.errors import SpecError, WhichnormError
from whichnorm.version import __version__

DESCRIPTION = "Which normalization layer should this network use, on this data, at this batch size?"

GOING_ON = ("compare", "sweep", "reproduce")  # commands that go on where they were stopped


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        raise SpecError(f"{message} ({self.prog} --help shows the options)")


def load_commands() -> tuple[Any, ...]:
    """Import the commands, and with them PyTorch, which takes a second or more."""
    with silent_interrupt():
        from whichnorm.commands import compare, explain, report, reproduce, show, sweep, watch
        from whichnorm.commands.analysis import analysis_commands
    return compare, sweep, watch, report, *analysis_commands(), reproduce, show, explain


@contextmanager
def silent_interrupt() -> Iterator[None]:
    """Let Ctrl-C end the process at once, as it ends one without Python.

    An exception in the middle of an import ends in a traceback, or in a library that turns it into another error.
    """
    in_main = threading.current_thread() is threading.main_thread()  # no other thread may set a handler
    if not in_main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


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
    commands = load_commands()
    from rich.console import Console  # with the commands, not before

    parser, name = build_parser(commands), ""
    try:
        args = parser.parse_args(argv)
        if args.command is None:
            parser.print_help()
            return 0
        name = args.command
        (command,) = [command for command in commands if name == command.NAME]
        return command.run(args, Console())
    except WhichnormError as error:
        print(f"whichnorm: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"whichnorm: {error.filename or 'a file'}: {error.strerror or error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        going_on = "; the same command goes on from here" if name in GOING_ON else ""
        print(f"\nwhichnorm: stopped{going_on}", file=sys.stderr)
        return 130
