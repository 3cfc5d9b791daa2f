"""The folder of a sweep: sweep.json, and a study per point."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from whichnorm.errors import StudyError
from whichnorm.files import write_in_one_step
from whichnorm.study.folder import SWEEP_FILE, StudyFolder, first_difference

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
        if found := first_difference({**self._held(), **last_call}, wanted):
            raise StudyError(f"{self.root} holds another sweep: {found}; choose another --out, or give its options")

    def _held(self) -> dict[str, Any]:
        try:
            held = json.loads(self.file.read_bytes())
            if not isinstance(held, dict):
                raise ValueError("not a JSON object")
            return held
        except (OSError, ValueError) as error:
            raise StudyError(
                f"{self.file}: not a readable sweep ({error}); choose another --out, or delete it"
            ) from None

    def of_point(self, name: str) -> StudyFolder:
        return StudyFolder(self.root / name)
