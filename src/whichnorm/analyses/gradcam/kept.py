"""Maps that were made once, in the study's folder: networks are run again if what is asked or their weights change."""

import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from whichnorm.analyses.gradcam import GradCamOptions
from whichnorm.analyses.gradcam.found import StudyMaps
from whichnorm.errors import SpecError, StudyError
from whichnorm.files import write_in_one_step
from whichnorm.specs.codec import decode, encode
from whichnorm.specs.json_files import read_json
from whichnorm.specs.study import RunSpec
from whichnorm.study.study import Study

SCHEMA = 1


def kept_path(study: Study, options: GradCamOptions, arms: Sequence[str]) -> Path:
    """Return where the maps are kept that are made of these arms with these options."""
    asked = json.dumps({"options": encode(options), "arms": sorted(arms)}, sort_keys=True)
    return study.folder.root / "examined" / f"gradcam.{_sha256(asked.encode())[:12]}.json"


def weights_digests(study: Study, runs: Sequence[RunSpec]) -> dict[str, str]:
    """Return the SHA-256 of each run's weights by its key, "" if they cannot be read."""
    digests = dict.fromkeys((run.key for run in runs), "")
    for run in runs:
        with suppress(OSError):
            digests[run.key] = _sha256(study.folder.weights(run).read_bytes())
    return digests


def read_maps(path: Path, weights: dict[str, str]) -> StudyMaps | None:
    """Return the maps that were made with these weights; None if there is no readable file of them."""
    try:
        content = decode(read_json(path), dict[str, Any], path.name)
        if content.get("schema") != SCHEMA or content.get("weights") != weights:
            return None
        return decode(content.get("found"), StudyMaps, path.name)
    except SpecError:
        return None


def write_maps(path: Path, weights: dict[str, str], maps: StudyMaps) -> None:
    """Keep the maps that were made with these weights."""
    content = {"schema": SCHEMA, "weights": weights, "found": encode(maps)}
    with suppress(StudyError):  # a study that may only be read has maps all the same: they are made again
        write_in_one_step(path, (json.dumps(content, allow_nan=False) + "\n").encode())


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
