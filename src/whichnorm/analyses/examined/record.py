"""What was found about runs and arms, and its files: one per run and one per arm, each put in place in one step.

A file names the weights that it is about by their hash, so that a run that was trained again is examined again. One
that is damaged, of another version or of other weights counts as not there.
"""

import hashlib
import json
import types
from dataclasses import asdict, dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from whichnorm.analyses.batch_dependence.measure import Companions
from whichnorm.analyses.batch_statistics.measure import BatchStatistics
from whichnorm.analyses.calibration.measure import Calibration
from whichnorm.analyses.corruptions.measure import CorruptionScores
from whichnorm.analyses.cost.measure import Cost
from whichnorm.files import write_in_one_step

SCHEMA = 1

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Examination:
    """What the trained network of one run was asked; batch_statistics is None for one without BatchNorm."""

    batch_statistics: BatchStatistics | None
    calibration: Calibration
    corruptions: CorruptionScores
    companions: Companions


@dataclass(frozen=True, kw_only=True)
class ExaminedRun:
    """A finished run with its examination, or the reason why there is none."""

    arm: str
    seed: int
    found: Examination | None
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class ExaminedArm:
    """An arm with its cost, or the reason why there is none."""

    arm: str
    cost: Cost | None
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Examined:
    """All that the networks of a study were asked, in the order of its runs and arms."""

    runs: tuple[ExaminedRun, ...] = ()
    arms: tuple[ExaminedArm, ...] = ()

    def of_arm(self, arm: str) -> list[Examination]:
        """Return the examinations of an arm's runs, by seed."""
        return [run.found for run in self.runs if run.arm == arm and run.found]

    def cost(self, arm: str) -> Cost | None:
        """Return what an arm costs, None where it is not known."""
        return next((one.cost for one in self.arms if one.arm == arm), None)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Say why something is missing, each reason once."""
        reasons = [run.reason for run in self.runs] + [arm.reason for arm in self.arms]
        return tuple(dict.fromkeys(reason for reason in reasons if reason))

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return asdict(self)


def weights_digest(path: Path) -> str:
    """Return the SHA-256 of a file of weights, "" where it cannot be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


def write_found(path: Path, weights: str, found: Examination | Cost) -> None:
    """Put in place what was found about these weights."""
    content = {"schema": SCHEMA, "weights": weights, "found": asdict(found)}
    write_in_one_step(path, (json.dumps(content, indent=1, allow_nan=False) + "\n").encode())


def read_found(path: Path, weights: str, kind: type[T]) -> T | None:
    """Return what was found about these weights, None where there is no such file."""
    try:
        content = json.loads(path.read_bytes())
        if content["schema"] != SCHEMA or content["weights"] != weights:
            return None
        return _decoded(content["found"], kind)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _decoded(value: Any, kind: Any) -> Any:
    """Return JSON values as an object of a type; a ValueError for values of another type."""
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        return kind(**{field.name: _decoded(value[field.name], hints[field.name]) for field in fields(kind)})  # type: ignore[operator]
    if get_origin(kind) is tuple:
        return tuple(_decoded(item, get_args(kind)[0]) for item in value)
    if get_origin(kind) is dict:
        return {key: _decoded(item, get_args(kind)[1]) for key, item in value.items()}
    if get_origin(kind) is types.UnionType:
        return None if value is None else _decoded(value, get_args(kind)[0])
    if not isinstance(value, int | float if kind is float else kind) or isinstance(value, bool):
        raise ValueError(f"{value!r} is no {kind.__name__}")
    return value
