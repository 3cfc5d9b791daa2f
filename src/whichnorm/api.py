"""compare, resume, sweep: from options to data, study, records, results and report; open_results reads them again."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from whichnorm.errors import SpecError
from whichnorm.specs.data import DataPlace
from whichnorm.specs.keywords import takes
from whichnorm.specs.study_options import CompareOptions, ResumeOptions, RunOptions, SweepOptions

if TYPE_CHECKING:  # training is slow to import: rooms that need PyTorch are imported where a study is made
    from rich.console import Console
    from torch import nn

    from whichnorm.architecture.show import ShownArchitecture
    from whichnorm.norms import NormSpec
    from whichnorm.results.results import Results
    from whichnorm.study.events import Listener
    from whichnorm.study.pending import Beside
    from whichnorm.study.study import Study
    from whichnorm.study_results import StudyResults
    from whichnorm.sweeps.results import SweepResults
    from whichnorm.training.record import RunRecord


@takes(CompareOptions, positional=["data"])
def compare(options: CompareOptions, *, progress: "Listener | None" = None) -> "StudyResults":
    """Train one network once per norm and per seed, write the report, and return the results.

    Given again, the same call goes on where an earlier one stopped. Raises WhichnormError for input that cannot be
    used; runs that fail are in `results.faults`. `progress`, such as `whichnorm.console_progress()`, shows how far it
    is.
    """
    return execute(prepare(options=options), options=options, progress=progress, budget=options.budget)


@takes(ResumeOptions)
def resume(
    folder: str | Path, options: ResumeOptions, *, progress: "Listener | None" = None
) -> "StudyResults | SweepResults":
    """Go on with the study or the sweep that a folder holds, and end as `compare` or `sweep` would have.

    What is trained, and on which machine settings, is what the folder says. Raises WhichnormError for a folder that
    holds neither, for a network whose code has changed, and for other images.
    """
    from whichnorm.sweeps.run import execute_sweep, reopen_sweep

    if found := reopen_sweep(folder, options):
        return execute_sweep(found, options, progress, execute)
    return execute(live_study(folder, options), options=options, progress=progress, budget=options.budget)


@takes(DataPlace)
def open_results(folder: str | Path, options: DataPlace) -> "StudyResults | SweepResults":
    """Return the results of the runs that the study or the sweep in a folder has so far; nothing is trained or written.

    Such as of a study that `whichnorm compare` made. Networks and images are needed only for an analysis that asks
    them: each is measured when it is first shown. Raises StudyError for a folder without either or a finished run.
    """
    from whichnorm.study.study import reopen
    from whichnorm.study_results import StudyResults
    from whichnorm.sweeps.run import read_sweep_results, stored_sweep

    if found := stored_sweep(folder, options):
        return read_sweep_results(found, read_results)
    study = reopen(folder, options.data_dir, options.download)
    return StudyResults.of(study, read_results(study), {})


@takes(SweepOptions, positional=["data"])
def sweep(options: SweepOptions, *, progress: "Listener | None" = None) -> "SweepResults":
    """Compare norms at several batch sizes or numbers of groups, write the report, and return the results.

    Give one of `batch_sizes`, `device_batch_sizes` and `accumulations`, or two, which are crossed. `groups` and
    `channels_per_group` add GroupNorm arms, alone or with them.

    Every point is a study in a folder of its own inside `out`. Given again, with more sizes, arms or seeds too, the
    call trains only what is new. An arm that is undefined at a point, BatchNorm at one image, is skipped there.
    """
    from whichnorm.sweeps.run import execute_sweep, prepare_sweep

    return execute_sweep(prepare_sweep(options), options, progress, execute)


def console_progress(console: "Console | None" = None) -> "Listener":
    """Return what shows how far a call is: bars on a terminal, plain lines on anything else."""
    from whichnorm.study.progress import console_progress as of_console

    return of_console(console)


@takes(CompareOptions, positional=["data"])
def prepare(options: CompareOptions) -> "Study":
    """Return the study that `compare` would make of the same options; nothing is loaded, trained or written."""
    from whichnorm.study.prepare import study_of

    return study_of(options)


def live_study(folder: str | Path, options: ResumeOptions) -> "Study":
    """Return the study of a folder with its network's present code, on its device."""
    from whichnorm.study.prepare import live
    from whichnorm.study.study import reopen

    study = reopen(folder, options.data_dir, options.download)
    if options.budget is not None and not study.spec.until_sure:
        raise SpecError(f"--budget {options.budget:g}s: {study.folder.root} has seeds that are fixed; leave it out")
    return live(study)


@takes(RunOptions)
def execute(
    study: "Study", options: RunOptions, *, progress: "Listener | None" = None, budget: float | None = None
) -> "StudyResults":
    """Train what is not trained yet, the study's follow-ups last, examine the networks, write results and report."""
    from whichnorm.analyses.sensitivity.plan import plan_follow_ups
    from whichnorm.analyses.sensitivity.run import check_folders, train_follow_ups
    from whichnorm.results.results import write_results
    from whichnorm.study.events import ReportStarted, ignore
    from whichnorm.study.plan import plan_study
    from whichnorm.training.machine import as_specified

    progress = progress or ignore
    listener = _with_event_files(study, options, progress)  # a package that is missing is said before all else
    with as_specified(study.spec.machine):
        plan_follow_ups(plan_study(study.spec, study.splits, options.max_params), study.splits, options.max_params)
        with study.folder.locked():
            check_folders(study)
            study, results = _train(study, options, listener, budget)
            write_results(results)  # already there where the rest is interrupted
            try:
                train_follow_ups(study, results, progress)
            finally:  # where a follow-up cannot be made the study itself is done, and its report is due
                progress(ReportStarted())
                found = report_on(study, results, latency=options.latency)
    return found


def _train(study: "Study", options: RunOptions, listener: "Listener", budget: float | None) -> "tuple[Study, Results]":
    """Train a study's runs, adding seeds where it wants them; return it as it has become, and its results."""
    from whichnorm.results.until_sure import affordable, next_look
    from whichnorm.study.events import SeedsAdded
    from whichnorm.study.run import run_study

    beside, study = _beside(options), study.with_looks()
    while True:
        study.folder.claim(study.spec, study.test_split)
        records = run_study(study, listener, beside=beside)
        results = _summarize(study, records)
        grown = next_look(study.spec, results) if study.spec.until_sure else None
        if not grown or not affordable(study.spec, grown, records, budget):
            return study, results
        listener(SeedsAdded.between(study.spec, grown))
        study = study.with_spec(grown)


def _with_event_files(study: "Study", options: RunOptions, progress: "Listener") -> "Listener":
    """Return a listener that also writes event files for TensorBoard, where they are asked for."""
    if not options.tensorboard:
        return progress
    from whichnorm.study.events import together
    from whichnorm.watch.event_files import EventFiles

    return together(EventFiles(study.spec, study.folder), progress)


def _beside(options: RunOptions) -> "Sequence[Beside]":
    """Return what is made where each run is made."""
    if not options.diagnostics:
        return ()
    from whichnorm.analyses.diagnostics.listener import Diagnosing

    return (Diagnosing,)


def report_on(study: "Study", results: "Results", *, latency: bool = True) -> "StudyResults":
    """Ask the networks of the finished runs what they were not asked yet, and write results and report."""
    from whichnorm.analyses.cost import CostOptions
    from whichnorm.report import measure_all, write_report
    from whichnorm.results.results import write_results
    from whichnorm.study_results import StudyResults

    found = dict(measure_all(study, results, {"cost": CostOptions(latency=latency)}))
    held = StudyResults.of(study, results, found)
    write_results(held)
    write_report(held, found)
    return held


def report_again(folder: str | Path, place: DataPlace) -> "StudyResults | SweepResults":
    """Write results and report of the study or the sweep in a folder again from the runs that have finished so far.

    Of a sweep, so are those of the points whose weights are all there.
    """
    from whichnorm.study.study import reopen
    from whichnorm.sweeps.run import report_sweep, stored_sweep

    if found := stored_sweep(folder, place):
        return report_sweep(found, _report_on_point)
    study = reopen(folder, place.data_dir, place.download)
    return report_on(study, read_results(study))


def _report_on_point(study: "Study") -> "Results":
    """Write the report of a sweep's point again where its networks are there to be asked, and return its results."""
    results = read_results(study)
    there = all(study.folder.weights(run).exists() for run in study.finished_runs())
    return report_on(study, results) if there else results


def read_results(study: "Study") -> "Results":
    """Return the results of the runs that a study has so far; nothing is written."""
    return _summarize(study, study.records())


def _summarize(study: "Study", records: "Sequence[RunRecord]") -> "Results":
    from whichnorm.results.comparisons import rule_of
    from whichnorm.results.results import summarize
    from whichnorm.results.until_sure import ending

    test, rule = study.test_split, rule_of(study.spec)
    results = summarize(records, study.shared(), test.class_names, test.labels, study.folder.root, rule)
    if not study.spec.until_sure:
        return results
    return replace(results, until_sure=study.spec.until_sure, ending=ending(study.spec, results))


def show(
    model: "str | Callable[..., nn.Module]",
    norm: "str | NormSpec" = "bn",
    *,
    num_classes: int = 10,
    input_shape: tuple[int, int, int] | None = None,
    **options: Any,
) -> "ShownArchitecture":
    """Describe a network with a norm: layers, parameters, multiply-adds and receptive fields; a picture in a notebook.

    model is a name ("session08"), "package.module:factory" or a factory; input_shape is channels, height and width of
    an image, None the network's own; options are those of the network. Raises WhichnormError for what cannot be built.
    """
    from whichnorm.architecture.show import describe_network

    return describe_network(model, norm, num_classes, input_shape, options)[1]
