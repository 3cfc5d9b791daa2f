"""The state of a study, read from its folder. Files may change or vanish between two reads."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean
from typing import Any, Literal, TypeVar

from whichnorm.errors import SpecError, StudyError
from whichnorm.specs.arm import run_key
from whichnorm.specs.json_files import read_json
from whichnorm.specs.recipe import batch_text
from whichnorm.specs.study import Shared, StudySpec, grid
from whichnorm.study.command import resume_command
from whichnorm.study.folder import STUDY_FILE, StudyFolder
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
class FollowUpState:
    """A study inside a study's folder, which looks whether its answer holds."""

    name: str  # of its folder
    num_done: int
    num_runs: int
    at_work: bool


@dataclass(frozen=True, kw_only=True)
class FolderState:
    """A study or a sweep as the files of its folder show it."""

    root: Path
    spec: Shared
    at_work: bool | None  # None where the system cannot tell

    @property
    def num_epochs(self) -> int:
        return self.spec.recipe.epochs

    @property
    def split(self) -> Literal["val", "test"]:
        """The split that the curves come from."""
        return "val" if self.spec.data.val_fraction > 0 else "test"

    @property
    def command(self) -> str | None:
        """The command that goes on, None for a network that no command can name."""
        return None if self.spec.model.name.startswith("__main__:") else resume_command(self.root)


@dataclass(frozen=True, kw_only=True)
class StudyState(FolderState):
    """A study as its files show it."""

    runs: tuple[RunState, ...]  # in the order in which they are trained
    verdict: str | None  # of the results, where they are about all of these runs
    follow_ups: tuple[FollowUpState, ...] = ()  # those that have begun

    @property
    def title(self) -> str:
        """Say what the study is."""
        spec, recipe = self.spec, self.spec.recipe
        return (
            f"{spec.model.name} on {spec.data.name}: recipe {recipe.name}, {recipe.epochs} epochs, batch "
            f"{batch_text(asdict(recipe))}, {spec.machine.device}, {spec.machine.precision}"
        )

    @property
    def all_done(self) -> bool:
        return all(run.done for run in self.runs)

    @property
    def finished(self) -> bool:
        followed_up = all(one.num_done == one.num_runs for one in self.follow_ups)
        return self.all_done and self.verdict is not None and followed_up and not self.at_work

    @property
    def epochs_done(self) -> int:
        return sum(self.num_epochs if run.done else len(run.epochs) for run in self.runs)

    def accuracy(self, row: EpochRow) -> float:
        value = row.val_accuracy if self.split == "val" else row.test_accuracy
        return 0.0 if value is None else value

    def loss(self, row: EpochRow) -> float | None:
        return row.val_loss if self.split == "val" else row.test_loss


def seconds_per_epoch(state: StudyState) -> dict[str, float]:
    """Return what an epoch of each arm took so far, of those that have one."""
    by_arm: dict[str, list[float]] = {}
    for run in state.runs:
        if run.epochs:
            by_arm.setdefault(run.arm, []).append(run.seconds / len(run.epochs))
    return {arm: mean(values) for arm, values in by_arm.items()}


def seconds_left(state: StudyState, per_epoch: Mapping[str, float] | None = None) -> float | None:
    """Estimate the time until all runs are done from what epochs take; None where nothing is known of it.

    That is by default what they took so far. An arm without an epoch is taken to need the mean of the others.
    """
    per_epoch = per_epoch or seconds_per_epoch(state)
    if not per_epoch:
        return None
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
        return self.state_of(self.folder.spec(), at_work)

    def state_of(self, spec: StudySpec, at_work: bool | None) -> StudyState:
        """Return the present state of the runs of a study."""
        pairs = grid(list(map(str, spec.arms)), spec.seeds, dict(spec.ended))
        about, text = self.unchanged(self.root / "results.json", read_verdict) or (None, "")
        return StudyState(
            root=self.root,
            spec=spec,
            runs=self._runs(pairs, bool(at_work)),
            at_work=at_work,
            verdict=text if about == set(pairs) else None,
            follow_ups=tuple(self._follow_ups()),
        )

    def _follow_ups(self) -> Iterator[FollowUpState]:
        """Yield the studies inside the study's folder, as far as they can be read."""
        for path in sorted(self.root.glob(f"*/{STUDY_FILE}")):
            folder = StudyFolder(path.parent)
            at_work = bool(folder.at_work())
            spec = self.unchanged(path, lambda _, folder=folder: readable_spec(folder))  # type: ignore[misc]
            if spec:
                done = [folder.record(run).exists() for run in spec.runs()]
                yield FollowUpState(name=path.parent.name, num_done=sum(done), num_runs=len(done), at_work=at_work)

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
        progress = self.unchanged(self.root / "checkpoints" / f"{key}.safetensors", read_progress)
        run = self.unchanged(self.root / "runs" / f"{key}.json", lambda path: recorded_run(path, arm, seed))
        if run is not None:
            return run
        epochs, evaluate_seconds = progress or ((), 0.0)
        status: Status = "training" if at_work else "stopped" if epochs else "waiting"
        return RunState(arm=arm, seed=seed, status=status, epochs=epochs, evaluate_seconds=evaluate_seconds)

    def unchanged(self, path: Path, read: Callable[[Path], T | None]) -> T | None:
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


def readable_spec(folder: StudyFolder) -> StudySpec | None:
    """Read a folder's study; None for one that cannot be read."""
    try:
        return folder.spec()
    except StudyError:
        return None


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
