"""The folder of a sweep: sweep.json, and a study per point."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from whichnorm.errors import SpecError, StudyError
from whichnorm.files import place, write_in_one_step
from whichnorm.specs.codec import decode
from whichnorm.specs.json_files import read_json
from whichnorm.specs.study import completed
from whichnorm.study.folder import STUDY_FILE, SWEEP_FILE, StudyFolder, TestSplit, first_difference
from whichnorm.sweeps.spec import SweepSpec, read_sweep

OF_THE_LAST_CALL = ("axes", "arms", "seeds", "points")  # these may change from call to call; finished runs are kept


@dataclass(frozen=True)
class SweepFolder:
    """Where a sweep's files are."""

    root: Path

    @property
    def file(self) -> Path:
        return self.root / SWEEP_FILE

    def claim(self, description: dict[str, Any]) -> None:
        """Make the folder this sweep's; one that holds another sweep, or a study, is a StudyError."""
        self.check(description)
        text = (json.dumps(description, indent=2) + "\n").encode()
        if not self.file.exists() or self.file.read_bytes() != text:
            write_in_one_step(self.file, text)

    def check(self, description: dict[str, Any]) -> None:
        """Raise StudyError if the folder holds anything but this sweep, its last call's arms and points aside."""
        if (self.root / "study.json").exists():
            raise StudyError(f"{self.root} holds a study, not a sweep; choose another --out")
        if not self.file.exists():
            return
        wanted = json.loads(json.dumps(description))
        last_call = {key: wanted[key] for key in OF_THE_LAST_CALL}
        there = self._held()
        try:
            shared = completed(there, place(self.file))
        except SpecError as error:
            raise StudyError(f"{error}; choose another --out") from None
        if found := first_difference({**there, **shared, **last_call}, wanted):
            raise StudyError(f"{self.root} holds another sweep: {found}; choose another --out, or give its options")

    def spec(self) -> SweepSpec:
        """Return the sweep that the folder holds."""
        try:
            return read_sweep(self._held(), f"{place(self.file)}: not a sweep of this version")
        except SpecError as error:
            raise StudyError(
                f"{error}; give the whichnorm sweep command that made it again: finished runs are kept"
            ) from None

    def digest(self) -> str:
        """Return the hash of the images that the folder's sweep was trained on, "" where it is not known."""
        data = self._held().get("data")
        return str(data.get("digest", "")) if isinstance(data, dict) else ""

    def test_split(self) -> TestSplit | None:
        """Return what the folders of the points hold of the test split; None where none holds it of these images."""
        there = [folder for folder in map(self.of_point, self._names()) if (folder.root / STUDY_FILE).exists()]
        return next((split for split in (folder.test_split() for folder in there)
                     if split and split.digest == self.digest()), None)  # fmt: skip

    def _names(self) -> list[str]:
        return [point.batch.name for point in self.spec().points()]

    def _held(self) -> dict[str, Any]:
        where = f"{place(self.file)}: not a readable sweep"
        try:
            return decode(read_json(self.file, where), dict[str, Any], where)
        except SpecError as error:
            raise StudyError(f"{error}; choose another --out, or delete it") from None

    def of_point(self, name: str) -> StudyFolder:
        return StudyFolder(self.root / name)
