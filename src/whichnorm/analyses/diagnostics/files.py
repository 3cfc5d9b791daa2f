"""The diagnostics of a run as a file beside its record: one row per epoch, and one from before the first."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Annotated

from whichnorm.analyses.diagnostics.diagnose import Diagnosis
from whichnorm.analyses.kept import significant
from whichnorm.errors import SpecError, StudyError, shown
from whichnorm.files import place, write_in_one_step
from whichnorm.specs.checked import Checked
from whichnorm.specs.codec import decode
from whichnorm.specs.json_files import read_json
from whichnorm.specs.recipe import MAX_EPOCHS
from whichnorm.specs.value_types import Between, Count

SCHEMA = 1


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
        return replace(self, rows={**earlier, num_epochs: diagnosis})


@dataclass(frozen=True, kw_only=True)
class HeldRow(Diagnosis):
    """An epoch's row of the file; 0 is before the first."""

    epoch: Annotated[int, Between(0, MAX_EPOCHS)]

    @property
    def diagnosis(self) -> Diagnosis:
        return Diagnosis(**{one.name: getattr(self, one.name) for one in fields(Diagnosis)})


@dataclass(frozen=True, kw_only=True)
class HeldDiagnoses(Checked):
    """The file."""

    schema: int
    arm: str
    seed: int
    num_images: Count
    epochs: tuple[HeldRow, ...]


def write_diagnoses(path: Path, run: RunDiagnoses) -> None:
    """Put the diagnostics of a run in place: JSON with one epoch per line."""
    head = json.dumps({"schema": SCHEMA, "arm": run.arm, "seed": run.seed, "num_images": run.num_images})
    rows = (json.dumps({"epoch": epoch, **_rounded(row)}, allow_nan=False) for epoch, row in run.rows.items())
    write_in_one_step(path, (head[:-1] + ',\n"epochs": [\n' + ",\n".join(rows) + "\n]}\n").encode())


def read_diagnoses(path: Path, arm: str, seed: int) -> RunDiagnoses:
    """Read the diagnostics of a run back; a damaged file, or one of another run, is a StudyError that names it."""
    where = f"{place(path)}: not the readable diagnostics of {arm} at seed {seed}"
    try:
        held = decode(read_json(path, where), HeldDiagnoses, where)
        if (held.schema, held.arm, held.seed) != (SCHEMA, arm, seed):
            raise SpecError(f"{where}: holds {shown(held.arm)} at seed {held.seed} in schema {held.schema}")
        epochs = [row.epoch for row in held.epochs]
        if not epochs or epochs != sorted(set(epochs)):
            raise SpecError(f"{where}: no epochs, or epochs that are out of order")
    except SpecError as error:
        raise StudyError(f"{error}; delete it: the run itself is kept") from None
    rows = {row.epoch: row.diagnosis for row in held.epochs}
    return RunDiagnoses(arm=arm, seed=seed, num_images=held.num_images, rows=rows)


def _rounded(row: Diagnosis) -> dict[str, dict[str, float | None]]:
    return {
        name: {path: None if value is None else significant(value) for path, value in part.items()}
        for name, part in asdict(row).items()
    }
