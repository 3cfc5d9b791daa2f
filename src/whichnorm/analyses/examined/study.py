"""Examine the networks of a study's finished runs: only what is not examined yet."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from torch import nn

from whichnorm.analyses.batch_dependence.measure import companions
from whichnorm.analyses.batch_statistics.measure import batch_statistics
from whichnorm.analyses.calibration.measure import calibration
from whichnorm.analyses.corruptions.measure import corruption_scores
from whichnorm.analyses.cost.measure import Cost, measure_cost
from whichnorm.analyses.examined.record import (
    Examination,
    Examined,
    ExaminedArm,
    ExaminedRun,
    read_found,
    weights_digest,
    write_found,
)
from whichnorm.analyses.network import Subject
from whichnorm.data.splits import Splits
from whichnorm.errors import ModelError, StudyError, WhichnormError, in_a_line
from whichnorm.results.results import Results
from whichnorm.specs.arm import file_stem
from whichnorm.specs.study import RunSpec
from whichnorm.study.run import on_cpu
from whichnorm.study.study import Study


def examine_study(study: Study, results: Results, *, latency: bool = True) -> Examined:
    """Return what the networks of all finished runs were asked, and what their arms cost; new findings are written.

    A network that cannot be examined has a reason in place of its numbers, and is tried again the next time. latency
    says whether arms are exported and timed where this has not been done; it takes seconds per arm.
    """
    runs = list(_finished_runs(study, results))
    first_of_arms = {str(run.arm): run for run in reversed(runs)}
    arms = [arm.norm for arm in results.arms]
    on_the_cpu = _on_cpu(study.splits) if runs else study.splits
    return Examined(
        runs=tuple(_examined_run(study, run, on_the_cpu) for run in runs),
        arms=tuple(_examined_arm(study, first_of_arms[arm], latency) for arm in arms if arm in first_of_arms),
    )


def examine_run(run: RunSpec, splits: Splits, network: nn.Module) -> Examination:
    """Ask one trained network everything; network and splits are on the CPU."""
    subject = Subject(network, splits.mean, splits.std, on_cpu(run).machine)
    size = run.recipe.images_per_forward
    return Examination(
        batch_statistics=batch_statistics(subject, splits.train.images, splits.test, size),
        calibration=calibration(subject.logits_in_parts(splits.test.images), splits.test.labels),
        corruptions=corruption_scores(subject, splits.test),
        companions=companions(subject, splits.test.images, size),
    )


def examined_path(study: Study, run: RunSpec) -> Path:
    return study.folder.root / "examined" / f"{run.key}.json"


def cost_path(study: Study, arm: str) -> Path:
    return study.folder.root / "examined" / f"{file_stem(arm)}.cost.json"


def _finished_runs(study: Study, results: Results) -> Iterator[RunSpec]:
    finished = {(record.arm, record.seed) for record in results.records if record.status == "finished"}
    yield from (run for run in study.spec.runs() if (str(run.arm), run.seed) in finished)


def _on_cpu(splits: Splits) -> Splits:
    return replace(splits, train=splits.train.to("cpu"), val=splits.val.to("cpu"), test=splits.test.to("cpu"))


def _examined_run(study: Study, run: RunSpec, splits: Splits) -> ExaminedRun:
    path, weights = examined_path(study, run), weights_digest(study.folder.weights(run))
    found, reason = read_found(path, weights, Examination), ""
    if found is None:
        try:
            found = _asked(run, splits, study.network(run))
        except WhichnormError as error:
            reason = str(error)
        else:
            write_found(path, weights, found)
    return ExaminedRun(arm=str(run.arm), seed=run.seed, found=found, reason=reason)


def _asked(run: RunSpec, splits: Splits, network: nn.Module) -> Examination:
    try:
        return examine_run(run, splits, network)
    except WhichnormError:
        raise
    except Exception as error:  # anything that a network of the user's own raises
        raise ModelError(f"run {run.key} cannot be examined: {in_a_line(error, limit=300)}") from error


def _examined_arm(study: Study, run: RunSpec, latency: bool) -> ExaminedArm:
    """Measure an arm by its first finished run; a latency that is missing, for whatever reason, is tried again."""
    arm = str(run.arm)
    path, weights = cost_path(study, arm), weights_digest(study.folder.weights(run))
    found, reason = read_found(path, weights, Cost), ""
    if found is None or (latency and found.latency is None):
        try:
            found = _measured(study, run, latency)
        except WhichnormError as error:
            reason = str(error)
        else:
            write_found(path, weights, found)
    return ExaminedArm(arm=arm, cost=found, reason=reason)


def _measured(study: Study, run: RunSpec, latency: bool) -> Cost:
    """Measure an arm on the device that the study's images are on: its own, or the CPU where it was opened again."""
    device = study.splits.train.images.device.type
    try:
        here = replace(run, machine=replace(run.machine, device=device))
        return measure_cost(here, study.splits, study.network(run), latency=latency)
    except WhichnormError:
        raise
    except Exception as error:  # out of memory, or anything that a network of the user's own raises
        raise StudyError(f"the cost of {run.arm} cannot be measured: {in_a_line(error, limit=300)}") from error
