"""A study on disk: its folder, the plan that is checked before any training, and the runs that are still to be made."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from whichnorm import audit
from whichnorm.checkpoint import read_weights, write_weights
from whichnorm.data.augment import augment, draw
from whichnorm.data.batches import check_batch_size
from whichnorm.errors import ModelError, StudyError, WhichnormError, in_a_line
from whichnorm.evaluate import BATCH, evaluate
from whichnorm.machine import autocast, synchronize
from whichnorm.progress import Progress
from whichnorm.randomness import generator
from whichnorm.record import RunRecord, check_predictions, read_record, write_in_one_step, write_record
from whichnorm.spec import ArmSpec, RunSpec, StudySpec
from whichnorm.train import Splits, build_network, train_run

SWEEP_FILE = "sweep.json"


@dataclass(frozen=True)
class StudyFolder:
    """Where a study's files are."""

    root: Path

    def record(self, run: RunSpec) -> Path:
        return self.root / "runs" / f"{run.key}.json"

    def weights(self, run: RunSpec) -> Path:
        return self.root / "runs" / f"{run.key}.safetensors"

    def checkpoint(self, run: RunSpec) -> Path:
        return self.root / "checkpoints" / f"{run.key}.safetensors"

    def diagnostics(self, run: RunSpec) -> Path:
        return self.root / "diagnostics" / f"{run.key}.json"

    def claim(self, study: StudySpec, data_digest: str) -> None:
        """Make the folder this study's; a folder that holds another study is a StudyError that names the difference.

        Arms, seeds and follow-ups may differ: those of the last call are what the folder's report is about.
        """
        path = self.root / "study.json"
        if path.exists():
            self.check(study, data_digest)
        self._check_no_sweep()
        text = (json.dumps(study.to_dict(data_digest), indent=2) + "\n").encode()
        if not path.exists() or path.read_bytes() != text:
            write_in_one_step(path, text)

    def check(self, study: StudySpec, data_digest: str) -> None:
        """Raise StudyError where the folder's study differs from this one in more than arms, seeds and follow-ups."""
        wanted = json.loads(json.dumps(study.to_dict(data_digest)))
        same_grid = {key: wanted.get(key) for key in ("arms", "seeds", "ended", "follow_ups")}
        if found := difference({**self.description(), **same_grid}, wanted):
            looks = " (its looks share one error rate, planned before the first)" if "until_sure" in found else ""
            raise StudyError(
                f"{self.root} holds another study: {found}{looks}; choose another --out, or give its options"
            )

    def description(self) -> dict[str, Any]:
        """Return study.json: what all runs share, and the arms and seeds of the last call."""
        path = self.root / "study.json"
        self._check_no_sweep()
        if not path.exists():
            raise StudyError(f"{self.root}: holds no study (no study.json), expected the --out of whichnorm compare")
        try:
            held = json.loads(path.read_bytes())
            if not isinstance(held, dict):
                raise ValueError("not a JSON object")
            return held
        except (OSError, ValueError) as error:
            reason = (error.strerror if isinstance(error, OSError) else None) or error
            raise StudyError(f"{path}: not a readable study ({reason}); choose another folder, or delete it") from None

    def _check_no_sweep(self) -> None:
        if (self.root / SWEEP_FILE).exists():
            names = ", ".join(sorted(path.parent.name for path in self.root.glob("*/study.json"))) or "none yet"
            raise StudyError(f"{self.root}: holds a sweep, expected one study; its studies are its folders: {names}")

    def of_another_version(self, error: Exception) -> StudyError:
        """Return what to say where study.json lacks something, or holds something of another kind."""
        return StudyError(
            f"{self.root / 'study.json'}: not a study of this version ({type(error).__name__}: {error}); "
            "give the whichnorm compare command that made it again: finished runs are kept"
        )

    def network(self, run: RunSpec, splits: Splits) -> nn.Module:
        """Return the trained network of a finished run, on the CPU and in evaluation mode."""
        network = _own_network(run, splits, read_record(self.record(run)), self.record(run))
        read_weights(self.weights(run), network)
        return network.eval()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep a second process out of the folder, which is made where it is not there, for as long as this one works.

        study.json is claimed inside, so that a process that is kept out does not change what the other one trains.
        """
        if self.root.exists() and not self.root.is_dir():
            raise StudyError(f"{self.root} is a file, expected a folder or a new name; choose another --out")
        self.root.mkdir(parents=True, exist_ok=True)
        try:
            import fcntl
        except ImportError:  # not on Windows; two processes would still only train the same runs twice
            yield
            return
        with (self.root / ".lock").open("a") as file:
            for patience in (0.02, 0.1, 0.0):  # an onlooker holds the lock for a moment
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except OSError:
                    time.sleep(patience)
            else:
                raise StudyError(
                    f"{self.root}: another process is running this study; wait for it, or choose another --out"
                )
            for half_written in self.root.glob("*/.*.partial"):  # by a process that was killed
                half_written.unlink(missing_ok=True)
            yield

    def at_work(self) -> bool | None:
        """Tell whether a process trains in the folder; None where the system cannot tell."""
        try:
            import fcntl
        except ImportError:
            return None
        try:
            with (self.root / ".lock").open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)  # given back when the file is closed
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        except OSError:
            return None
        return False


def difference(there: dict[str, Any], here: dict[str, Any], prefix: str = "") -> str:
    """Return the first difference of two nested dicts as text, or ""."""
    for key in dict.fromkeys([*there, *here]):
        a, b = there.get(key), here.get(key)
        if isinstance(a, dict) and isinstance(b, dict):
            if inner := difference(a, b, f"{prefix}{key}."):
                return inner
        elif a != b:
            return f"{prefix}{key} is {a!r} there and {b!r} here"
    return ""


@dataclass(frozen=True, kw_only=True)
class PlannedArm:
    """What is known of an arm before training: its size, its norm layers, and the measured time of its steps."""

    arm: ArmSpec
    params: int
    norm_params: int
    norm_layers: dict[str, int]
    initial_weights: str
    step_seconds: float  # of one training step
    image_seconds: float  # of evaluating one image


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A study that can be run: every arm was built, checked and timed for a few steps on a throw-away copy."""

    study: StudySpec
    arms: tuple[PlannedArm, ...]
    steps_per_epoch: int
    num_eval_images: int  # per epoch

    def run_seconds(self, arm: PlannedArm) -> float:
        """Estimate the wall-clock seconds of one run of an arm."""
        epoch = self.steps_per_epoch * arm.step_seconds + self.num_eval_images * arm.image_seconds
        return self.study.recipe.epochs * epoch

    @property
    def seconds(self) -> float:
        """Estimate the wall-clock seconds of the whole study."""
        return len(self.study.seeds) * sum(self.run_seconds(arm) for arm in self.arms)


def plan_study(study: StudySpec, splits: Splits, max_params: int | None = None) -> Plan:
    """Build and check every arm before anything is trained, and time a few steps of each.

    Refused are too few images for a batch, norms that do not fit the network, networks over max_params, arms that
    differ outside their norm layers, and parameters that the loss does not reach.
    """
    check_batch_size(len(splits.train), study.recipe.batch_size)
    first_seed = replace(study, seeds=study.seeds[:1]).runs()
    arms = tuple(_plan_arm(run, splits, max_params) for run in first_seed)
    normed = [arm for arm in arms if arm.norm_layers]
    for arm in normed[1:]:
        if sum(arm.norm_layers.values()) != sum(normed[0].norm_layers.values()):
            raise ModelError(
                f"arms {normed[0].arm} and {arm.arm} have {sum(normed[0].norm_layers.values())} and "
                f"{sum(arm.norm_layers.values())} norm layers; the factory must place the same number for every norm"
            )
    for arm in arms[1:]:
        if arm.initial_weights != arms[0].initial_weights:
            raise ModelError(
                f"arms {arms[0].arm} and {arm.arm} differ outside their norm layers "
                f"({arms[0].params - arms[0].norm_params:,} and {arm.params - arm.norm_params:,} parameters there, or "
                "other initial values); the factory must build the same network for every norm"
            )
    return Plan(
        study=study,
        arms=arms,
        steps_per_epoch=len(splits.train) // study.recipe.batch_size,
        num_eval_images=len(splits.val) + len(splits.test),
    )


def _plan_arm(run: RunSpec, splits: Splits, max_params: int | None) -> PlannedArm:
    model = build_network(run, splits)
    params = audit.count_params(model)
    if max_params is not None and params > max_params:
        raise ModelError(
            f"{run.model.name} with {run.arm} has {params:,} parameters, {params - max_params:,} over "
            f"--max-params {max_params:,}; choose a smaller network or raise the limit"
        )
    norm_layers = audit.check_norm_layers(model, run.arm.norm)
    digest = audit.shared_weights_digest(model)
    try:
        with audit.calls_of_norm_layers(model) as calls:
            step_seconds = _time_steps(run, splits, model)
            audit.check_called(calls, run.arm.norm, "training")
    except WhichnormError:
        raise
    except Exception as error:  # anything that a network of the user's own raises
        raise ModelError(
            f"{run.model.name} with {run.arm} fails in a training step on {run.recipe.images_per_forward} images of "
            f"{'x'.join(map(str, splits.image_shape))}: {in_a_line(error, limit=300)}"
        ) from error
    audit.check_gradients(model)
    part = splits.test.subset(torch.arange(min(BATCH, len(splits.test)), device=splits.test.labels.device))
    seconds = []
    with audit.calls_of_norm_layers(model) as calls:
        for _ in range(2):  # the first warms up
            synchronize(run.machine)
            started = time.perf_counter()
            evaluate(model, part, splits.mean, splits.std, run.machine).loss.item()
            seconds.append(time.perf_counter() - started)
        audit.check_called(calls, run.arm.norm, "evaluation")
    return PlannedArm(
        arm=run.arm,
        params=params,
        norm_params=audit.count_norm_params(model),
        norm_layers=norm_layers,
        initial_weights=digest,
        step_seconds=step_seconds,
        image_seconds=min(seconds) / len(part),
    )


def _time_steps(run: RunSpec, splits: Splits, model: nn.Module, num_steps: int = 3) -> float:
    """Return the least time of a step's forward and backward passes on real images; gradients are left on the model."""
    size, seconds = run.recipe.images_per_forward, []
    pixels, labels = splits.train.images[:size], splits.train.labels[:size]
    draws = draw(run.recipe.augmentation, size, splits.image_shape, generator(run.seed, "augmentation"))
    draws = draws.to(run.machine.device)
    for _ in range(num_steps):
        model.zero_grad()
        started = time.perf_counter()
        images = augment(pixels, draws, run.recipe.augmentation, splits.mean, splits.std)
        with autocast(run.machine):
            logits = model(images)
        F.cross_entropy(logits.float(), labels).backward()
        synchronize(run.machine)
        seconds.append(time.perf_counter() - started)
    return min(seconds) * run.recipe.accumulation


def run_study(study: StudySpec, splits: Splits, folder: StudyFolder, progress: Progress) -> list[RunRecord]:
    """Train the runs that have no record yet and return the records of all runs, in the study's order."""
    runs = study.runs()
    pending = [run for run in runs if not folder.record(run).exists()]
    records = {run.key: _own_record(run, splits, folder.record(run)) for run in runs if run not in pending}
    for run in runs:
        if run.key in records and records[run.key].audit:
            _own_network(run, splits, records[run.key], folder.record(run))
    progress.start_study(study, num_done=len(records))
    with progress:
        for run in pending:
            records[run.key] = _run_once(run, splits, folder, progress)
    ordered = [records[run.key] for run in runs]
    check_paired(ordered)
    return ordered


def on_cpu(run: RunSpec) -> RunSpec:
    """Return the run as this machine can always look at it, wherever it was trained."""
    return replace(run, machine=replace(run.machine, device="cpu"))


def read_records(study: StudySpec, splits: Splits, folder: StudyFolder) -> list[RunRecord]:
    """Return the records that a study has so far, in its order."""
    runs = [run for run in study.runs() if folder.record(run).exists()]
    if not runs:
        raise StudyError(f"{folder.root}: no run has finished yet; whichnorm compare with the same --out trains them")
    return [_own_record(run, splits, folder.record(run)) for run in runs]


def _own_record(run: RunSpec, splits: Splits, path: Path) -> RunRecord:
    """Read a run's record; one of another run is a StudyError."""
    record = read_record(path)
    if (record.arm, record.seed) != (str(run.arm), run.seed):
        raise StudyError(
            f"{path}: holds {record.arm} at seed {record.seed}, expected {run.arm} at seed {run.seed}; "
            "delete it to train this run again"
        )
    if found := difference(record.spec, json.loads(json.dumps(run.shared_dict(splits.digest)))):
        raise StudyError(f"{path}: is of another study: {found}; delete it to train this run again")
    check_predictions(record, len(splits.test), len(splits.class_names), path)
    return record


def _own_network(run: RunSpec, splits: Splits, record: RunRecord, path: Path) -> nn.Module:
    """Build a run's network on the CPU; one that is built differently from the record's is a StudyError."""
    if run.model.factory is None and run.model.name.startswith("__main__:"):
        raise StudyError(
            f"{path}: its network {run.model.name} is known only to the script or notebook that trained it; put the "
            "factory into a module of its own"
        )
    model = build_network(on_cpu(run), splits)
    params, layers = audit.count_params(model), audit.check_norm_layers(model, run.arm.norm)
    found = (params, layers, audit.shared_weights_digest(model))
    if not record.audit or found != (record.audit.params, record.audit.norm_layers, record.audit.initial_weights):
        there = f"{record.audit.params:,} parameters" if record.audit else "no audit"
        raise StudyError(
            f"{path}: its network ({there}) did not start from the same weights and layers as this one "
            f"({params:,} parameters): the network's code has changed; choose another --out"
        )
    return model


def _run_once(run: RunSpec, splits: Splits, folder: StudyFolder, progress: Progress) -> RunRecord:
    checkpoint = folder.checkpoint(run)
    progress.start_run(run, num_steps=len(splits.train) // run.recipe.batch_size)
    try:
        record, model = train_run(run, splits, checkpoint, progress.on_step, progress.on_epoch, progress.on_weights)
    except WhichnormError:
        raise
    except Exception as error:  # of files or of building the network: what training raises is in the record
        raise StudyError(f"run {run.key} stopped: {in_a_line(error, limit=300)}; finished runs are kept") from error
    if record.status == "finished":
        write_weights(folder.weights(run), model)
    write_record(folder.record(run), record)
    checkpoint.unlink(missing_ok=True)
    progress.end_run(record)
    return record


def check_paired(records: list[RunRecord]) -> None:
    """Refuse records of one seed whose networks did not start from the same weights outside their norm layers."""
    by_seed: dict[int, tuple[str, str]] = {}
    for record in records:
        if record.audit is None:
            continue
        arm, digest = by_seed.setdefault(record.seed, (record.arm, record.audit.initial_weights))
        if digest != record.audit.initial_weights:
            raise StudyError(
                f"{arm} and {record.arm} at seed {record.seed} did not start from the same weights: the network's code "
                "has changed since the first runs; choose another --out"
            )
