"""The state of a study, read from its folder. Files may change or vanish between two reads."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any, Literal, TypeVar

from whichnorm.errors import SpecError, StudyError
from whichnorm.specs.arm import run_key
from whichnorm.specs.json_files import read_json
from whichnorm.specs.recipe import batch_text
from whichnorm.specs.study import grid
from whichnorm.study.command import resume_command
from whichnorm.study.folder import StudyFolder
from whichnorm.training.checkpoint import read_progress
from whichnorm.training.record import EpochRow, RunRecord, read_record

Status = Literal["waiting", "training", "stopped", "finished", "diverged", "failed", "unreadable"]
DONE = ("finished", "diverged", "failed")
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class RunState:
    """A run as its files show it. `reason` is empty for a run without a fault."""

    arm: str
    seed: int
    status: Status
    epochs: tuple[EpochRow, ...] = ()
    evaluate_seconds: float = 0.0
    reason: str = ""

    @property
    def done(self) -> bool:
        return self.status in DONE

    @property
    def seconds(self) -> float:
        """Return the seconds of training and evaluation so far."""
        return sum(row.seconds for row in self.epochs) + self.evaluate_seconds


@dataclass(frozen=True, kw_only=True)
class StudyState:
    """A study as its files show it."""

    root: Path
    held: dict[str, Any]  # study.json
    runs: tuple[RunState, ...]  # in the order in which they are trained
    at_work: bool | None  # None where the system cannot tell
    verdict: str | None  # of the results, where they are about all of these runs

    @property
    def num_epochs(self) -> int:
        return int(self.held["recipe"]["epochs"])

    @property
    def split(self) -> Literal["val", "test"]:
        """The split that the curves come from."""
        return "val" if self.held["data"]["val_fraction"] > 0 else "test"

    @property
    def title(self) -> str:
        """Say what the study is."""
        recipe, machine = self.held["recipe"], self.held["machine"]
        return (
            f"{self.held['model']['name']} on {self.held['data']['name']}: recipe {recipe['name']}, "
            f"{self.num_epochs} epochs, batch {batch_text(recipe)}, {machine['device']}, {machine['precision']}"
        )

    @property
    def command(self) -> str | None:
        """The command that goes on, None for a network that no command can name."""
        return None if self.held["model"]["name"].startswith("__main__:") else resume_command(self.root)

    @property
    def all_done(self) -> bool:
        return all(run.done for run in self.runs)

    @property
    def finished(self) -> bool:
        return self.all_done and self.verdict is not None and not self.at_work

    @property
    def epochs_done(self) -> int:
        return sum(self.num_epochs if run.done else len(run.epochs) for run in self.runs)

    def accuracy(self, row: EpochRow) -> float:
        value = row.val_accuracy if self.split == "val" else row.test_accuracy
        return 0.0 if value is None else value

    def loss(self, row: EpochRow) -> float | None:
        return row.val_loss if self.split == "val" else row.test_loss


def seconds_left(state: StudyState) -> float | None:
    """Estimate the time until all runs are done from the epochs measured so far; None before the first.

    An arm without an epoch is taken to need the mean of the others.
    """
    by_arm: dict[str, list[float]] = {}
    for run in state.runs:
        if run.epochs:
            by_arm.setdefault(run.arm, []).append(run.seconds / len(run.epochs))
    if not by_arm:
        return None
    per_epoch = {arm: mean(values) for arm, values in by_arm.items()}
    elsewhere = mean(per_epoch.values())
    pending = [run for run in state.runs if not run.done]
    return sum(per_epoch.get(run.arm, elsewhere) * (state.num_epochs - len(run.epochs)) for run in pending)


class Reader:
    """Reads a study's state again and again; a file that is the same as before is not read twice."""

    def __init__(self, root: Path) -> None:
        self.folder = StudyFolder(root)
        self.seen: dict[Path, tuple[tuple[int, ...], Any]] = {}

    def read(self) -> StudyState:
        """Return the present state. Raises StudyError for a folder without a readable study."""
        at_work = self.folder.at_work()  # first: a study that ends meanwhile is then at work, not stopped
        spec = self.folder.spec()
        pairs = grid(list(map(str, spec.arms)), spec.seeds, dict(spec.ended))
        runs = self._runs(pairs, bool(at_work))
        about, text = self._unchanged(self.root / "results.json", read_verdict) or (None, "")
        verdict = text if about == set(pairs) else None
        return StudyState(root=self.root, held=spec.to_dict(""), runs=runs, at_work=at_work, verdict=verdict)

    @property
    def root(self) -> Path:
        return self.folder.root

    def _runs(self, pairs: list[tuple[str, int]], at_work: bool) -> tuple[RunState, ...]:
        """Read every run; where a process is at work, the first without a record is the one that it trains."""
        runs = []
        for arm, seed in pairs:
            run = self._run(arm, seed, at_work)
            at_work = at_work and run.status != "training"
            runs.append(run)
        return tuple(runs)

    def _run(self, arm: str, seed: int, at_work: bool) -> RunState:
        key = run_key(arm, seed)
        # The checkpoint first: a run that ends meanwhile has its record before its checkpoint goes.
        progress = self._unchanged(self.root / "checkpoints" / f"{key}.safetensors", read_progress)
        run = self._unchanged(self.root / "runs" / f"{key}.json", lambda path: recorded_run(path, arm, seed))
        if run is not None:
            return run
        epochs, evaluate_seconds = progress or ((), 0.0)
        status: Status = "training" if at_work else "stopped" if epochs else "waiting"
        return RunState(arm=arm, seed=seed, status=status, epochs=epochs, evaluate_seconds=evaluate_seconds)

    def _unchanged(self, path: Path, read: Callable[[Path], T | None]) -> T | None:
        """Return what a file held when it was read last, or read it where it changed; None where there is none."""
        try:
            stat = path.stat()
        except OSError:
            return None
        stamp = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
        if path not in self.seen or self.seen[path][0] != stamp:
            self.seen[path] = stamp, read(path)
        found: T | None = self.seen[path][1]
        return found


def recorded_run(path: Path, arm: str, seed: int) -> RunState | None:
    """Read a run from its record; None where it vanished meanwhile."""
    try:
        record: RunRecord = read_record(path)
    except StudyError as error:
        return RunState(arm=arm, seed=seed, status="unreadable", reason=str(error)) if path.exists() else None
    return RunState(
        arm=arm,
        seed=seed,
        status=record.status,
        epochs=tuple(record.epochs),
        evaluate_seconds=record.evaluate_seconds,
        reason="; ".join(filter(None, [record.reason, *record.warnings])),
    )


def read_verdict(path: Path) -> tuple[set[tuple[str, int]], str] | None:
    """Return the runs that results.json is about, and its verdict; None where it is not readable."""
    try:
        results = read_json(path)
        about = {(arm["norm"], seed) for arm in results["arms"] for seed in arm["seeds"]}
        about |= {(fault["norm"], fault["seed"]) for fault in results["faults"]}
        return about, str(results["verdict"]["text"])
    except (SpecError, LookupError, TypeError):
        return None
