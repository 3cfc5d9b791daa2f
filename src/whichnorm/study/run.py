"""The runs of a study that are still to be made."""

from collections.abc import Sequence

from whichnorm.errors import StudyError
from whichnorm.specs.arm import run_key
from whichnorm.study.events import Listener, StudyStarted, StudyStopped, ignore
from whichnorm.study.executors import Executor
from whichnorm.study.executors.serial import serial
from whichnorm.study.pending import Beside, PendingRun
from whichnorm.study.study import Study
from whichnorm.training.record import RunRecord


def run_study(
    study: Study, listener: Listener = ignore, *, beside: Sequence[Beside] = (), executor: Executor = serial
) -> list[RunRecord]:
    """Make the runs that have no record yet and return the records of all runs, in the study's order.

    `listener` hears in this process what happens; `beside` are listeners that are made where each run is made.
    """
    runs = {run.key: run for run in study.spec.runs()}
    records = {key: study.record(run) for key, run in runs.items() if study.folder.record(run).exists()}
    for key, record in records.items():
        study.folder.checkpoint(runs[key]).unlink(missing_ok=True)  # of a process that was killed after the record
        if record.audit:
            study.start_of(runs[key], record)
    waiting = [run for key, run in runs.items() if key not in records]
    pending = [PendingRun(run=run, folder=study.folder, beside=tuple(beside)) for run in waiting]
    listener(StudyStarted(num_runs=len(runs), done=tuple((record.arm, record.seed) for record in records.values())))
    try:
        for record in executor(pending, study.splits, listener):
            key = run_key(record.arm, record.seed)
            records[key] = study.checked(record, runs[key])
    finally:
        listener(StudyStopped())
    ordered = [records[key] for key in runs]
    check_paired(ordered)
    return ordered


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
