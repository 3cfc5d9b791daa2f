"""What was found about a run's weights, kept in the study's folder so that a network is asked once.

A file names the weights by their hash, so that a run that was trained again is asked again. A file that is damaged, of
another version or of other weights counts as not there.
"""

import hashlib
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from whichnorm.errors import WhichnormError
from whichnorm.files import write_in_one_step
from whichnorm.specs.codec import decode, encode

SCHEMA = 1

# What a file can hold in place of findings: other JSON values, numbers out of range, lists nested without end.
DAMAGE = (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError, WhichnormError)


@dataclass(frozen=True)
class Kept:
    """What a file holds; its value is None if that is the answer."""

    found: Any


def weights_digest(path: Path) -> str:
    """Return the SHA-256 of a file of weights, "" if it cannot be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


def write_kept(path: Path, weights: str, found: Any) -> None:
    """Put in place what was found about these weights."""
    content = {"schema": SCHEMA, "weights": weights, "found": encode(found)}
    write_in_one_step(path, (json.dumps(content, indent=1, allow_nan=False) + "\n").encode())


def read_kept(path: Path, weights: str, kind: Any, key: str = "") -> Kept | None:
    """Return what was found about these weights as an object of a type, None if there is no such file.

    `key` names the part of a file that holds what several questions found. Weights that are not there, "", cannot
    differ from those of the file: what was found about them stands.
    """
    try:
        content = _parsed(path.read_bytes())
        if content["schema"] != SCHEMA or weights not in ("", content["weights"]):
            return None
        return Kept(decode(content["found"][key] if key else content["found"], kind))
    except DAMAGE:
        return None


def check_fractions(*values: float | None) -> None:
    """Raise ValueError for a number outside [0, 1], as only a file that was changed by hand holds."""
    for value in values:
        if value is not None and not 0 <= value <= 1:
            raise ValueError(f"{value} is no fraction: expected 0 to 1")


def _parsed(data: bytes) -> Any:
    """Read JSON; a ValueError for numbers that are not finite."""
    return json.loads(data, parse_constant=_refused, parse_float=_finite, parse_int=_whole)


def _refused(text: str) -> NoReturn:
    raise ValueError(f"{text} is not a finite number")


def _finite(text: str) -> float:
    value = float(text)
    return value if math.isfinite(value) else _refused(text)


def _whole(text: str) -> int:
    _finite(text)  # later arithmetic is that of floats
    return int(text)
