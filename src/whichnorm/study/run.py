"""The runs of a study that are still to be made, and the records of those that are there."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from torch import nn

from whichnorm.data.splits import Splits
from whichnorm.errors import SpecError, StudyError
from whichnorm.files import place
from whichnorm.specs.arm import run_key
from whichnorm.specs.study import RunSpec, StudySpec, completed
from whichnorm.study.events import Listener, StudyStarted, StudyStopped, ignore
from whichnorm.study.executors import Executor
from whichnorm.study.executors.serial import serial
from whichnorm.study.folder import StudyFolder, TestSplit, first_difference
from whichnorm.study.pending import Beside, PendingRun
from whichnorm.training import audit
from whichnorm.training.checkpoint import read_weights
from whichnorm.training.network import build_network
from whichnorm.training.record import RunRecord, check_predictions, read_record


def run_study(
    study: StudySpec, splits: Splits, test_split: TestSplit, folder: StudyFolder, listener: Listener = ignore, *,
    beside: Sequence[Beside] = (), executor: Executor = serial,
) -> list[RunRecord]:  # fmt: skip
    """Make the runs that have no record yet and return the records of all runs, in the study's order.

    `listener` hears in this process what happens; `beside` are listeners that are made where each run is made.
    """
    runs = {run.key: run for run in study.runs()}
    done = {key: run for key, run in runs.items() if folder.record(run).exists()}
    records = {key: _own_record(run, test_split, folder.record(run)) for key, run in done.items()}
    for key, run in done.items():
        if records[key].audit:
            _own_network(run, splits, records[key], folder.record(run))
    pending = [PendingRun(run=run, folder=folder, beside=tuple(beside)) for key, run in runs.items() if key not in done]
    listener(StudyStarted(num_runs=len(runs), done=tuple((record.arm, record.seed) for record in records.values())))
    try:
        for record in executor(pending, splits, listener):
            key = run_key(record.arm, record.seed)
            records[key] = _checked(record, runs[key], test_split, folder.record(runs[key]))
    finally:
        listener(StudyStopped())
    ordered = [records[key] for key in runs]
    check_paired(ordered)
    return ordered


def on_cpu(run: RunSpec) -> RunSpec:
    """Return the run as this machine can always look at it, wherever it was trained."""
    return replace(run, machine=replace(run.machine, device="cpu"))


def read_records(study: StudySpec, test_split: TestSplit, folder: StudyFolder) -> list[RunRecord]:
    """Return the records that a study has so far, in its order."""
    runs = [run for run in study.runs() if folder.record(run).exists()]
    if not runs:
        raise StudyError(f"{folder.root}: no run has finished yet; whichnorm compare with the same --out trains them")
    return [_own_record(run, test_split, folder.record(run)) for run in runs]


def _own_record(run: RunSpec, test_split: TestSplit, path: Path) -> RunRecord:
    """Read a run's record; one of another run is a StudyError."""
    return _checked(read_record(path), run, test_split, path)


def _checked(record: RunRecord, run: RunSpec, test_split: TestSplit, path: Path) -> RunRecord:
    """Return a record, which may be made by another process on images of its own; another run's is a StudyError."""
    if (record.arm, record.seed) != (str(run.arm), run.seed):
        raise StudyError(
            f"{path}: holds {record.arm} at seed {record.seed}, expected {run.arm} at seed {run.seed}; "
            "delete it to train this run again"
        )
    try:
        there = completed(json.loads(json.dumps(record.spec)), f"{place(path)}, spec")
    except SpecError as error:
        raise StudyError(f"{error}; delete it to train this run again") from None
    if difference := first_difference(there, json.loads(json.dumps(run.shared_dict(test_split.digest)))):
        raise StudyError(f"{path}: is of another study: {difference}; delete it to train this run again")
    check_predictions(record, len(test_split.labels), len(test_split.class_names), path)
    return record


def read_network(run: RunSpec, splits: Splits, folder: StudyFolder) -> nn.Module:
    """Return the trained network of a finished run, on the CPU and in evaluation mode."""
    network = _own_network(run, splits, read_record(folder.record(run)), folder.record(run))
    read_weights(folder.weights(run), network)
    return network.eval()


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
