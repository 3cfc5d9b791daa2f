"""The folder of a sweep: sweep.json, and a study per point."""

import json
from dataclasses import dataclass
from typing import Any

from whichnorm.errors import StudyError
from whichnorm.study.folder import STUDY_FILE, SWEEP_FILE, Folder, StudyFolder, TestSplit
from whichnorm.sweeps.spec import SweepSpec, read_sweep


@dataclass(frozen=True)
class SweepFolder(Folder):
    """Where a sweep's files are."""

    FILE, THING, OTHERWISE = SWEEP_FILE, "sweep", "choose another --out"
    OF_THE_LAST_CALL = ("axes", "arms", "seeds", "refine", "points")

    def claim(self, description: dict[str, Any]) -> None:
        """Make the folder this sweep's; one that holds another sweep, or a study, is a StudyError."""
        self.check(description)
        self._put(SWEEP_FILE, json.dumps(description, indent=2))

    def check(self, description: dict[str, Any]) -> None:
        """Raise StudyError if the folder holds anything but this sweep, its last call's arms and points aside."""
        if (self.root / STUDY_FILE).exists():
            raise StudyError(f"{self.root} holds a study, not a sweep; choose another --out")
        if self.file.exists():
            self._check_same(description)

    def spec(self) -> SweepSpec:
        """Return the sweep that the folder holds."""
        return self._spec(read_sweep, "sweep")

    def test_split(self) -> TestSplit | None:
        """Return what the folders of the points hold of the test split; None where none holds it of these images."""
        names = [point.batch.name for point in self.spec().points()]
        there = [folder.test_split() for folder in map(self.of_point, names) if folder.file.exists()]
        return next((split for split in there if split and split.digest == self.digest()), None)

    def of_point(self, name: str) -> StudyFolder:
        return StudyFolder(self.root / name)
