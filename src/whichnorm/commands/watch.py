"""`whichnorm watch`: a running, interrupted or finished study in the terminal."""

import argparse
import time
from contextlib import suppress

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from whichnorm.errors import SpecError
from whichnorm.files import expand
from whichnorm.watch.state import Reader, StudyState
from whichnorm.watch.view import render

NAME = "watch"
HELP = "show how far a running, stopped or finished study is"
DESCRIPTION = (
    "Show how far a study is, from the files in its folder; another process may be training in it. On a terminal it "
    "follows the study until it is finished; Ctrl-C leaves, and disturbs nothing."
)
EPILOG = """\
examples:
  whichnorm watch runs/demo
  whichnorm watch runs/demo --once

Exit code: 0 done, 2 a folder without a study.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("study", metavar="DIR", help="the folder of a study, --out of whichnorm compare")
    parser.add_argument("--once", action="store_true", help="show the present state and end")
    parser.add_argument("--interval", type=float, default=1.0, metavar="SECONDS", help="between two looks at the "
                        "folder (default %(default)g)")  # fmt: skip


def run(args: argparse.Namespace, console: Console) -> int:
    if not 0 < args.interval < float("inf"):
        raise SpecError(f"--interval {args.interval:g}: expected seconds above 0, such as 1")
    reader = Reader(expand(args.study))
    state = reader.read()
    if args.once or not console.is_terminal:
        show(state, console)
        return 0
    with suppress(KeyboardInterrupt):  # the way out
        follow(reader, state, console, args.interval)
    return 0


def show(state: StudyState, console: Console) -> None:
    """Print a state; sentences and commands are whole lines, which a terminal wraps and a pipe does not."""
    for part in render(state):
        console.print(part, soft_wrap=isinstance(part, Text))


def follow(reader: Reader, state: StudyState, console: Console, interval: float) -> None:
    """Show a study until it is finished, drawn again only where it or the terminal changed."""
    shown: object = None
    with Live(console=console, auto_refresh=False) as live:
        while True:
            if (state, console.size) != shown:
                live.update(Group(*render(state, console.height)), refresh=True)
                shown = (state, console.size)
            if state.finished:
                return
            time.sleep(interval)
            state = reader.read()
