"""The errors a user can meet: each message is one line that says what, where, what was expected and the remedy."""

import difflib
import re
from collections.abc import Iterable

CPP_STACK = re.compile(r"Exception raised from |C\+\+ CapturedTraceback|#\d+ \w+::|frame #\d+: ")


class WhichnormError(Exception):
    """Base of every error that whichnorm raises on purpose; the command line prints it and exits with code 2."""


class SpecError(WhichnormError):
    """A normalization, recipe, arm or option that cannot be built as it is written."""


class DataError(WhichnormError):
    """A data set that is absent, damaged or not usable for the study."""


class ModelError(WhichnormError):
    """A network that cannot be built, or that breaks the rules of a fair comparison."""


class StudyError(WhichnormError):
    """A folder, record or checkpoint that does not fit the study being run."""


class MissingExtraError(WhichnormError):
    """A feature whose optional packages are not installed; the message names the extra that brings them."""


def nearest(name: str, choices: Iterable[str]) -> str:
    """Return " (did you mean 'x'?)" for the choice closest to name, or "" when none is close."""
    close = difflib.get_close_matches(name.lower(), list(choices), n=1, cutoff=0.5)
    return f" (did you mean {close[0]!r}?)" if close else ""


def in_a_line(error: Exception, limit: int = 300) -> str:
    """Return an error's type and text without line breaks, cut, and without the C++ stack that PyTorch's may have."""
    text = " ".join(CPP_STACK.split(str(error))[0].split())
    return f"{type(error).__name__}: {shortened(text, limit)}"


def shortened(text: str, limit: int = 60) -> str:
    """Return a text of at most `limit` characters, cut with an ellipsis: messages repeat what they were given."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def shown(value: object, limit: int = 60) -> str:
    """Return a value as Python writes it, cut to `limit` characters: what a message repeats of what it was given."""
    try:
        return shortened(repr(value[: 2 * limit] if isinstance(value, str) else value), limit)
    except ValueError:  # Python writes no whole number of more than some thousand digits
        return "a number of very many digits"


def count(number: int, thing: str) -> str:
    """Write a number of things: "1 seed", "3 seeds"."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"
