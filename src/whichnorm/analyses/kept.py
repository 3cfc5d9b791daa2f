"""What was found about a run's weights, or about those of several, kept in the study's folder: networks are asked once.

A file names the weights by their hash, so that a run that was trained again is asked again. A file that is damaged, of
another version or of other weights counts as not there.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from whichnorm.errors import SpecError
from whichnorm.files import write_in_one_step
from whichnorm.specs.codec import decode, encode
from whichnorm.specs.json_files import read_json

SCHEMA = 1
FOLDER = "examined"
DIGITS = 6  # significant ones, as many as float32 has


@dataclass(frozen=True, kw_only=True)
class KeptFile:
    """A file of findings."""

    schema: int
    weights: Any
    found: Any


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


def write_kept(path: Path, weights: Any, found: Any, indent: int | None = 1) -> None:
    """Put in place what was found about these weights: a digest, or several as JSON values."""
    content = {"schema": SCHEMA, "weights": weights, "found": encode(found)}
    write_in_one_step(path, (json.dumps(content, indent=indent, allow_nan=False) + "\n").encode())


def read_kept(path: Path, weights: Any, kind: Any, key: str = "") -> Kept | None:
    """Return what was found about these weights as an object of a type, None if there is no such file.

    `key` names the part of a file that holds what several questions found. Weights that are not there, "", cannot
    differ from those of the file: what was found about them stands.
    """
    try:
        content = decode(read_json(path), KeptFile, path.name)
        if content.schema != SCHEMA or weights not in ("", content.weights):
            return None
        found = decode(content.found, dict[str, Any], path.name).get(key) if key else content.found
        return Kept(decode(found, kind, path.name))
    except SpecError:
        return None


def significant(value: float) -> float:
    """Return a number with as many digits as are kept."""
    return float(f"{value:.{DIGITS}g}")


def check_fractions(*values: float | None) -> None:
    """Raise ValueError for a number outside [0, 1], as only a file that was changed by hand holds."""
    for value in values:
        if value is not None and not 0 <= value <= 1:
            raise ValueError(f"{value} is no fraction: expected 0 to 1")
