"""The diagnostics of a run as a file beside its record: one row per epoch, and one from before the first."""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from whichnorm.analyses.diagnostics.measure import Diagnosis
from whichnorm.errors import StudyError
from whichnorm.files import write_in_one_step

SCHEMA = 1
DIGITS = 6  # significant ones, as many as float32 has


@dataclass(frozen=True, kw_only=True)
class RunDiagnoses:
    """What was measured in a run on `num_images` training images, by the number of epochs that were done."""

    arm: str
    seed: int
    num_images: int
    rows: Mapping[int, Diagnosis]

    def with_row(self, num_epochs: int, diagnosis: Diagnosis) -> "RunDiagnoses":
        """Return these with one more row, without any that is of the same epoch or a later one."""
        earlier = {epoch: row for epoch, row in self.rows.items() if epoch < num_epochs}
        return RunDiagnoses(
            arm=self.arm, seed=self.seed, num_images=self.num_images, rows={**earlier, num_epochs: diagnosis}
        )


def write_diagnoses(path: Path, run: RunDiagnoses) -> None:
    """Put the diagnostics of a run in place: JSON with one epoch per line."""
    head = json.dumps({"schema": SCHEMA, "arm": run.arm, "seed": run.seed, "num_images": run.num_images})
    rows = (json.dumps({"epoch": epoch, **_rounded(row)}, allow_nan=False) for epoch, row in run.rows.items())
    write_in_one_step(path, (head[:-1] + ',\n"epochs": [\n' + ",\n".join(rows) + "\n]}\n").encode())


def read_diagnoses(path: Path, arm: str, seed: int) -> RunDiagnoses:
    """Read the diagnostics of a run back; a damaged file, or one of another run, is a StudyError that names it."""
    try:
        raw = json.loads(path.read_bytes())
        if (raw["schema"], raw["arm"], raw["seed"]) != (SCHEMA, arm, seed):
            raise ValueError(f"holds {raw['arm']} at seed {raw['seed']} in schema {raw['schema']}")
        rows = {row["epoch"]: _checked(row) for row in raw["epochs"]}
        if not rows or list(rows) != sorted(rows) or len(rows) != len(raw["epochs"]):
            raise ValueError("no epochs, or epochs that are out of order")
        return RunDiagnoses(arm=arm, seed=seed, num_images=int(raw["num_images"]), rows=rows)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise StudyError(
            f"{path}: not the readable diagnostics of {arm} at seed {seed} ({type(error).__name__}: {error}); "
            "delete it: the run itself is kept"
        ) from None


def _checked(row: Mapping[str, Any]) -> Diagnosis:
    """Return a row's diagnosis; ValueError for values that no run leaves behind."""
    found = Diagnosis(**{key: row[key] for key in ("gradient_norm", "dead_relu", "cosine_distance")})
    values = [value for part in asdict(found).values() for value in part.values()]
    if type(row["epoch"]) is not int or not all(map(_is_number_or_none, values)):
        raise ValueError("a value that is no number")
    return found


def _is_number_or_none(value: object) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value))


def _rounded(row: Diagnosis) -> dict[str, dict[str, float | None]]:
    return {name: dict(_significant(part.items())) for name, part in asdict(row).items()}


def _significant(values: Iterable[tuple[str, float | None]]) -> Iterable[tuple[str, float | None]]:
    return ((path, None if value is None else float(f"{value:.{DIGITS}g}")) for path, value in values)
