"""JSON files read strictly: what Python's reader lets pass, and what it fails at in ways of its own, is one error."""

import json
import math
from pathlib import Path
from typing import Any, NoReturn

from whichnorm.errors import SpecError, shortened
from whichnorm.files import place

MAX_DEPTH = 50  # of arrays and objects in one another; what whichnorm writes has fewer than ten
MAX_DIGITS = 18  # of a whole number, so that it fits into 64 bits
MAX_INT = 10**MAX_DIGITS - 1


def read_json(path: Path, where: str = "") -> Any:
    """Return what a JSON file holds; `where` begins the message, "" names the file.

    Raises SpecError, one line, for a file that cannot be read or is not UTF-8, and for text that `parse_json` refuses.
    """
    where = where or place(path)
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise SpecError(f"{where}: not readable ({error.strerror or error})") from None
    except UnicodeDecodeError:
        raise SpecError(f"{where}: not readable as JSON (it is not UTF-8 text)") from None
    return parse_json(text, where)


def parse_json(text: str, where: str) -> Any:
    """Return the value of a JSON text; `where` begins the message.

    Raises SpecError for what is not JSON, for NaN and infinity, numbers out of range, names that an object has twice,
    and nesting that is too deep.
    """
    try:
        value = json.loads(
            text, parse_int=_whole_number, parse_float=_number, parse_constant=_no_number, object_pairs_hook=_object
        )
        _check_depth(value)
    except RecursionError:
        raise SpecError(f"{where}: not readable as JSON (nested more than {MAX_DEPTH} deep)") from None
    except ValueError as error:
        raise SpecError(f"{where}: not readable as JSON ({shortened(str(error), 120)})") from None
    return value


def _whole_number(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise ValueError(f"a whole number of {len(text.lstrip('-')):,} digits, at most {MAX_DIGITS} are expected")
    return int(text)


def _number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{shortened(text, 30)} is out of range")
    return value


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number in JSON")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{shortened(twice, 40)!r} is given twice")
    return value


def _check_depth(value: Any) -> None:
    """Raise RecursionError for a value nested deeper than MAX_DEPTH, without recursion."""
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        held = [one for one in level if isinstance(one, dict | list)]
        level = [item for one in held for item in (one.values() if isinstance(one, dict) else one)]
        if not level:
            return
    raise RecursionError
