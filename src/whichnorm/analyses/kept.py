"""What was found about a run's weights, or about those of several, kept in the study's folder: networks are asked once.

A file names the weights by their hashes, so that a run that was trained again is asked again. A file of another version
or of other weights counts as not there. So does one that is damaged, which is said where its findings are shown.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from whichnorm.errors import SpecError, count
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
    weights: Any  # a hash, or several by their runs' keys
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


def read_kept(path: Path, weights: Any, kind: Any, key: str = "") -> Kept | str:
    """Return what was found about these weights as an object of a type, or what is wrong with the file.

    "" stands for no file of these weights. `key` names the part of a file that holds what several questions found.
    Weights that are not there, "", cannot differ from those of the file: what was found about them stands.
    """
    if not path.exists():
        return ""
    where = f"{FOLDER}/{path.name}"
    try:
        content = decode(read_json(path, where), KeptFile, where)
        if content.schema != SCHEMA or weights not in ("", content.weights):
            return ""
        found = decode(content.found, dict[str, Any], where).get(key) if key else content.found
        return Kept(decode(found, kind, where))
    except SpecError as error:
        return str(error)


def damage_text(damages: Sequence[str]) -> str:
    """Say that kept files are damaged, with what is wrong with the first."""
    return f"{count(len(damages), 'kept file')} could not be read, so the networks were asked again. {damages[0]}"


def significant(value: float) -> float:
    """Return a number with as many digits as are kept."""
    return float(f"{value:.{DIGITS}g}")
