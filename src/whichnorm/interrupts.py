"""Ctrl-C ends a command without a traceback, also before the command line is read and while libraries are imported.

An exception in the middle of an import ends in a traceback, or in a library that turns it into another error; so does
one while Python itself ends. There the process ends at once, as one without Python does.
"""

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import PurePath
from typing import Any


def is_program() -> bool:
    """Tell whether this process is the command `whichnorm`, or `python -m whichnorm`, which is "-m" as it starts."""
    name = sys.argv[0] if sys.argv else ""
    return name == "-m" or PurePath(name).stem == "whichnorm"


def end_at_once() -> None:
    """Have Ctrl-C end the process at once from here on, where it is the program and has no handler of its own."""
    if is_program() and _may_set():
        signal.signal(signal.SIGINT, signal.SIG_DFL)


@contextmanager
def silent() -> Iterator[None]:
    """Let Ctrl-C end the process at once."""
    with _handled(signal.SIG_DFL):
        yield


@contextmanager
def raised() -> Iterator[None]:
    """Let Ctrl-C be a KeyboardInterrupt."""
    with _handled(signal.default_int_handler):
        yield


@contextmanager
def _handled(handler: Callable[..., Any] | signal.Handlers) -> Iterator[None]:
    if not _may_set():
        yield
        return
    before = signal.signal(signal.SIGINT, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _may_set() -> bool:
    """Tell whether the handler may be changed: by the main thread alone, and not one that the caller has set."""
    usual = (signal.default_int_handler, signal.SIG_DFL)
    return threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGINT) in usual
