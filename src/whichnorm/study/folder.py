"""Where a study's files are."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from whichnorm.errors import SpecError, StudyError
from whichnorm.files import expand, is_locked, locked, place, write_in_one_step
from whichnorm.specs.codec import decode
from whichnorm.specs.json_files import read_json
from whichnorm.specs.study import RunSpec, StudySpec, completed, read_study
from whichnorm.specs.value_types import misfit

STUDY_FILE = "study.json"
SWEEP_FILE = "sweep.json"
TEST_SPLIT_FILE = "test_split.json"
T = TypeVar("T")


def existing(folder: str | Path) -> Path:
    """Return the path of a study's or a sweep's folder, its ~ replaced; an error for what is no folder."""
    if fault := misfit(folder, str | Path, "folder"):
        raise SpecError(fault)
    root = expand(folder)
    if str(folder) and root.is_dir():
        return root
    found = "is a file" if str(folder) and root.exists() else "no such folder"
    named = place(root) if str(folder) else "''"
    raise StudyError(f"{named}: {found}, expected that of a study, --out of whichnorm compare")


@dataclass(frozen=True)
class TestSplit:
    """What a study's folder keeps of the test split, so that records can be judged without the images."""

    __test__ = False  # no test case

    digest: str  # of the whole data set, as study.json has it
    class_names: tuple[str, ...]
    labels: tuple[int, ...]  # in the order of the records' predictions


@dataclass(frozen=True)
class Folder:
    """A folder whose file says what was made in it: a study or a sweep."""

    FILE: ClassVar[str]
    THING: ClassVar[str]
    OF_THE_LAST_CALL: ClassVar[Sequence[str]]  # may change from call to call; finished runs are kept
    OTHERWISE: ClassVar[str]  # what to do with a file that is not readable

    root: Path

    @property
    def file(self) -> Path:
        return self.root / self.FILE

    def description(self) -> dict[str, Any]:
        """Return the file's content: what all runs share, and the grid of the last call."""
        where = f"{place(self.file)}: not a readable {self.THING}"
        try:
            return decode(read_json(self.file, where), dict[str, Any], where)
        except SpecError as error:
            raise StudyError(f"{error}; {self.OTHERWISE}, or delete it") from None

    def digest(self) -> str:
        """Return the hash of the images that were trained on, "" where it is not known."""
        data = self.description().get("data")
        return str(data.get("digest", "")) if isinstance(data, dict) else ""

    def test_split(self) -> TestSplit | None:
        """Return what the folder holds of the test split; None where it holds nothing readable of these images."""
        raise NotImplementedError

    def _spec(self, read: Callable[[Any, str], T], command: str) -> T:
        """Return what the file holds, made by a command."""
        try:
            return read(self.description(), f"{place(self.file)}: not a {self.THING} of this version")
        except SpecError as error:
            again = f"give the whichnorm {command} command that made it again"
            raise StudyError(f"{error}; {again}: finished runs are kept") from None

    def _check_same(self, wanted: dict[str, Any]) -> None:
        """Raise StudyError where the folder holds another study or sweep than this, the grid of its last call aside."""
        there = self.description()
        try:
            shared = completed(there, place(self.file))
        except SpecError as error:
            raise StudyError(f"{error}; choose another --out") from None
        last_call = {key: wanted.get(key) for key in self.OF_THE_LAST_CALL}
        if found := first_difference({**there, **shared, **last_call}, wanted):
            looks = " (its looks share one error rate, planned before the first)" if "until_sure" in found else ""
            raise StudyError(
                f"{self.root} holds another {self.THING}: {found}{looks}; choose another --out, or give its options"
            )

    def _put(self, name: str, content: str) -> None:
        """Write a file where it does not hold this text already."""
        path, text = self.root / name, f"{content}\n".encode()
        if not path.exists() or path.read_bytes() != text:
            write_in_one_step(path, text)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep a second process out of the folder, which is made where it is not there, for as long as this one works.

        study.json is claimed inside, so that a process that is kept out does not change what the other one trains.
        """
        if self.root.exists() and not self.root.is_dir():
            raise StudyError(f"{self.root} is a file, expected a folder or a new name; choose another --out")
        try:
            self.root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StudyError(f"{place(self.root)}: cannot be made ({error.strerror}); choose another --out") from None
        taken = f"{self.root}: another process is running this study; wait for it, or choose another --out"
        with locked(self._lock, refusal=taken):
            for half_written in self.root.glob("*/.*.partial"):  # by a process that was killed
                half_written.unlink(missing_ok=True)
            yield

    def at_work(self) -> bool | None:
        """Tell whether a process trains in the folder; None where the system cannot tell."""
        return is_locked(self._lock)

    @property
    def _lock(self) -> Path:
        return self.root / ".lock"


@dataclass(frozen=True)
class StudyFolder(Folder):
    """Where a study's files are."""

    FILE, THING, OTHERWISE = STUDY_FILE, "study", "choose another folder"
    OF_THE_LAST_CALL = ("arms", "seeds", "ended", "looks", "follow_ups")

    def record(self, run: RunSpec) -> Path:
        return self.root / "runs" / f"{run.key}.json"

    def weights(self, run: RunSpec) -> Path:
        return self.root / "runs" / f"{run.key}.safetensors"

    def checkpoint(self, run: RunSpec) -> Path:
        return self.root / "checkpoints" / f"{run.key}.safetensors"

    def diagnostics(self, run: RunSpec) -> Path:
        return self.root / "diagnostics" / f"{run.key}.json"

    def claim(self, study: StudySpec, test_split: TestSplit) -> None:
        """Make the folder this study's; a folder that holds another study is a StudyError that names the difference.

        Arms, seeds and follow-ups may differ: those of the last call are what the folder's report is about.
        """
        if self.file.exists():
            self.check(study, test_split.digest)
        self._check_no_sweep()
        self._put(STUDY_FILE, json.dumps(study.to_dict(test_split.digest), indent=2))
        self._put(TEST_SPLIT_FILE, json.dumps(asdict(test_split)))

    def test_split(self) -> TestSplit | None:
        """Return what the folder holds of the test split; None where it holds nothing readable of this study's."""
        try:
            found = decode(read_json(self.root / TEST_SPLIT_FILE), TestSplit, TEST_SPLIT_FILE)
        except SpecError:
            return None
        return found if found.digest == self.digest() else None

    def check(self, study: StudySpec, data_digest: str) -> None:
        """Raise StudyError where the folder's study differs from this one in more than arms, seeds and follow-ups."""
        self._check_same(study.to_dict(data_digest))

    def description(self) -> dict[str, Any]:
        """Return study.json: what all runs share, and the arms and seeds of the last call."""
        self._check_no_sweep()
        if not self.file.exists():
            raise StudyError(f"{self.root}: holds no study (no study.json), expected the --out of whichnorm compare")
        found = super().description()
        if isinstance(rule := found.get("until_sure"), dict):
            found["until_sure"] = {"goal": "all", **rule}  # which older files do not say
        return found

    def spec(self) -> StudySpec:
        """Return the study that the folder holds."""
        return self._spec(read_study, "compare")

    def _check_no_sweep(self) -> None:
        if (self.root / SWEEP_FILE).exists():
            names = ", ".join(sorted(path.parent.name for path in self.root.glob("*/study.json"))) or "none yet"
            raise StudyError(f"{self.root}: holds a sweep, expected one study; its studies are its folders: {names}")


def first_difference(there: dict[str, Any], here: dict[str, Any], prefix: str = "") -> str:
    """Return the first difference of two nested dicts as text, or ""."""
    for key in dict.fromkeys([*there, *here]):
        a, b = there.get(key), here.get(key)
        if isinstance(a, dict) and isinstance(b, dict):
            if inner := first_difference(a, b, f"{prefix}{key}."):
                return inner
        elif a != b:
            return f"{prefix}{key} is {a!r} there and {b!r} here"
    return ""
