"""How numbers and names are written, on the page and in the terminal."""

import re
from typing import Any

from whichnorm.errors import count, shortened
from whichnorm.signs import signed

# What is read as one thing: intervals, p-values, and a number with its unit or its "n =".
UNITS = r"%|h|min|s|ms|MiB|points?|seeds?|groups?"
UNBROKEN = re.compile(rf"\[[^][]*\]|\b[np] [=<>] [\d.,]*\d(?: seeds?)?|\d (?:{UNITS})(?!\w)")


def percent(value: float) -> str:
    return f"{100 * value:.2f} %"


def percent_interval(ci95: tuple[float, float] | None) -> str:
    """Write an interval in percent, or "" if there is none."""
    return f"[{100 * ci95[0]:.2f}, {100 * ci95[1]:.2f}]" if ci95 else ""


def points(value: float) -> str:
    """Write a difference of accuracies in percentage points, signed."""
    return signed(100 * value, 2)


def signed_count(value: float) -> str:
    """Write a difference of counts, with a decimal if it is a mean that needs one."""
    return signed(value, 0 if value == round(value) else 1)


def points_interval(ci95: tuple[float, float]) -> str:
    return f"[{points(ci95[0])}, {points(ci95[1])}]"


def seconds(value: float) -> str:
    return f"{value:.2f} s" if value < 10 else f"{value:.1f} s"


def elapsed(value: float) -> str:
    """Write a time that was taken in its own unit: "45.2 s", "39.1 min", "2.5 h"."""
    if value < 120:
        return seconds(value)
    return f"{value / 60:.1f} min" if value < 7200 else f"{value / 3600:.1f} h"


def num_seeds(number: int) -> str:
    return f"n = {count(number, 'seed')}"


def expected(number: float) -> str:
    """Write a number of images that was worked out: whole from ten on, with a decimal below."""
    if 0 < number < 0.1:
        return "fewer than 0.1"
    return f"{number:,.0f}" if number >= 10 or not number else f"{number:.1f}"


def unbroken(text: str) -> str:
    """Return text with no-break spaces inside intervals, p-values, and between a number and its unit."""
    return UNBROKEN.sub(lambda found: found[0].replace(" ", "\N{NO-BREAK SPACE}"), text)


def printable(name: str) -> str:
    """Replace what cannot be drawn or written, such as control characters and undecodable bytes, by U+FFFD."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in name)


def encodable(code: str) -> str:
    """Replace only what a UTF-8 file cannot hold: bytes of a path that are no text."""
    return code.encode("utf-8", "replace").decode()


def capitalized(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


def shorten(name: str, limit: int) -> str:
    """Return a printable name of at most `limit` characters, cut with an ellipsis."""
    return shortened(printable(name), limit)


def value(item: Any) -> str:
    """Write a setting's value for people."""
    if item is None:
        return "not set"
    if isinstance(item, bool):
        return "yes" if item else "no"
    return f"{item:g}" if isinstance(item, float) else printable(str(item))
