"""`whichnorm watch`: a running, interrupted or finished study or sweep in the terminal."""

import argparse
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from whichnorm.commands.arguments import FOLDER, add_options, read_options
from whichnorm.errors import SpecError
from whichnorm.specs import texts
from whichnorm.specs.options import option

if TYPE_CHECKING:  # reading checkpoints is slow to import
    from rich.console import Console, RenderableType

    from whichnorm.sweeps.state import SweepReader, SweepState
    from whichnorm.watch.state import Reader, StudyState

MAX_INTERVAL = 86_400.0

NAME = "watch"
HELP = "show how far a running, stopped or finished study or sweep is"
DESCRIPTION = (
    "Show how far a study or a sweep is, from the files in its folder; another process may be training in it. On a "
    "terminal it is followed until it is finished; Ctrl-C leaves, and disturbs nothing."
)
EPILOG = """\
examples:
  whichnorm watch runs/demo
  whichnorm watch runs/sweep --once

Exit code: 0 done, 2 a folder with neither.
"""


def interval(text: str) -> float:
    """Read the seconds between two looks."""
    seconds = texts.number(text)
    if not 0 < seconds <= MAX_INTERVAL:
        raise SpecError("expected seconds above 0, and a day at most, such as 1")
    return seconds


@dataclass(frozen=True, kw_only=True)
class WatchOptions:
    """How a study or a sweep is watched."""

    once: bool = option(False, "show the present state and end")
    interval: float = option(
        1.0, "between two looks at the folder", metavar="SECONDS", parse=interval, write="{:g}".format
    )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", metavar="DIR", help=FOLDER)
    add_options(parser, WatchOptions)


def read(args: argparse.Namespace) -> WatchOptions:
    return read_options(args, WatchOptions)


def run(args: argparse.Namespace, options: WatchOptions, console: "Console") -> int:
    from whichnorm.study.folder import existing

    reader = reader_of(existing(args.folder))
    state = reader.read()
    if options.once or not console.is_terminal:
        show(state, console)
        return 0
    with suppress(KeyboardInterrupt):  # the way out
        follow(reader, state, console, options.interval)
    return 0


def reader_of(folder: Path) -> "Reader | SweepReader":
    """Return what reads the state of the study or the sweep in a folder."""
    from whichnorm.sweeps.state import SweepReader
    from whichnorm.watch.state import Reader

    return SweepReader(folder) if (folder / "sweep.json").exists() else Reader(folder)


def parts(state: "StudyState | SweepState", height: int | None = None) -> "list[RenderableType]":
    """Return what is shown of a state, from top to bottom."""
    from whichnorm.sweeps.state import SweepState
    from whichnorm.sweeps.view import render_sweep
    from whichnorm.watch.view import render

    return render_sweep(state, height) if isinstance(state, SweepState) else render(state, height)


def show(state: "StudyState | SweepState", console: "Console") -> None:
    """Print a state; sentences and commands are whole lines, which a terminal wraps and a pipe does not."""
    from rich.text import Text

    for part in parts(state):
        console.print(part, soft_wrap=isinstance(part, Text))


def follow(
    reader: "Reader | SweepReader", state: "StudyState | SweepState", console: "Console", interval: float
) -> None:
    """Show a study or a sweep until it is finished, drawn again only where it or the terminal changed."""
    from rich.console import Group
    from rich.live import Live

    shown: object = None
    with Live(console=console, auto_refresh=False) as live:
        while True:
            if (state, console.size) != shown:
                live.update(Group(*parts(state, console.height)), refresh=True)
                shown = (state, console.size)
            if state.finished:
                return
            time.sleep(interval)
            state = reader.read()
