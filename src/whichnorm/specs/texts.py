"""What is given as text on the command line: readers, each of which says what it expected, and writers back to it."""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from whichnorm.errors import SpecError
from whichnorm.specs.json_files import MAX_DIGITS

MAX_SEEDS = 10_000
_UNITS = {"s": 1, "m": 60, "h": 3600}
Value = bool | int | float | str


def whole_number(text: str) -> int:
    if not re.fullmatch(rf"[+-]?[0-9]{{1,{MAX_DIGITS}}}", text.strip()):
        raise SpecError(f"expected a whole number of at most {MAX_DIGITS} digits, such as 3")
    return int(text)


def number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise SpecError("expected a number, such as 0.1")
    return value


def whole_numbers(text: str) -> tuple[int, ...]:
    """Read "2,4,8"."""
    try:
        return tuple(whole_number(part) for part in text.split(","))
    except SpecError:
        raise SpecError("expected whole numbers with commas between them, such as 2,4,8") from None


def names(text: str) -> tuple[str, ...]:
    """Read "bn,gn:8"; empty names are left out."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def two_or_more(text: str) -> tuple[str, ...]:
    """Read names of which there are several."""
    found = names(text)
    if len(found) < 2:
        raise SpecError("expected two or more, the study's first, such as default,session08; one alone is --recipe")
    return found


def joined(items: Sequence[Any]) -> str:
    """Write "bn,gn:8"."""
    return ",".join(map(str, items))


def groups(text: str) -> tuple[int | str, ...]:
    """Read numbers of groups, and c for as many as channels."""
    parts = [part.strip() for part in text.split(",")]
    try:
        return tuple(part if part == "c" else whole_number(part) for part in parts)
    except SpecError:
        raise SpecError("expected numbers of groups, or c for as many groups as channels, such as 1,4,c") from None


def seeds(text: str) -> int | tuple[int, ...]:
    """Read a number of seeds, "3", or the seeds themselves, "5,6,7"; a comma marks a single one, "5,"."""
    try:
        numbers = whole_numbers(text.removesuffix(","))
    except SpecError:
        number = f"a number of seeds up to {MAX_SEEDS:,} (3)"
        raise SpecError(f"expected {number}, or the seeds themselves (5,6,7)") from None
    return numbers if "," in text else numbers[0]


def seeds_text(seeds: int | Sequence[int]) -> str:
    """Write seeds so that `seeds` reads them back."""
    if isinstance(seeds, int):
        return str(seeds)
    return joined(seeds) + ("," if len(seeds) == 1 else "")


def seconds(text: str) -> float:
    """Read a time such as "30m", "1.5h" or "90s" in seconds."""
    found = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)([smh])", text.strip())
    if not found or not float(found[1]):
        raise SpecError("expected a time above 0 such as 90s, 30m or 1.5h")
    return float(found[1]) * _UNITS[found[2]]


def points(text: str) -> float:
    """Read percentage points as a fraction."""
    return number(text) / 100


def key_value(text: str) -> tuple[str, Value]:
    """Read KEY=VALUE; the value is a truth value, a number or a text."""
    key, equals, value = text.partition("=")
    if not equals or not key.isidentifier():
        raise SpecError("expected KEY=VALUE, such as add_skip=true")
    if value.lower() in ("true", "false"):
        return key, value.lower() == "true"
    for read in (whole_number, number):
        try:
            return key, read(value)
        except SpecError:
            pass
    return key, value


def key_value_texts(options: Mapping[str, Value]) -> list[str]:
    """Write options of a network so that `key_value` reads them back."""
    return [f"{key}={str(value).lower() if isinstance(value, bool) else value}" for key, value in options.items()]


def number_text(value: float) -> str:
    """Write a number so that it reads back exactly: "0.1", "0"."""
    return repr(value).removesuffix(".0")
