"""A sweep from its options to its results: a study per point, one after the other."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from whichnorm.errors import SpecError, StudyError
from whichnorm.results.results import Results
from whichnorm.specs.data import DataPlace
from whichnorm.specs.study_options import ResumeOptions, RunOptions, SweepOptions
from whichnorm.study.command import resume_command
from whichnorm.study.events import Listener, PartStarted, ignore
from whichnorm.study.folder import existing
from whichnorm.study.plan import Plan, plan_study
from whichnorm.study.prepare import as_recipe, folder_of, live, shared_of
from whichnorm.study.study import Study, StudyImages
from whichnorm.sweeps.folder import SweepFolder
from whichnorm.sweeps.refine import refined
from whichnorm.sweeps.report import write_sweep_report
from whichnorm.sweeps.results import SweepResults, summarize_sweep, write_sweep_results
from whichnorm.sweeps.spec import Point, SweepSpec, sweep_spec

Execute = Callable[..., Results]
"""Makes a study with everything that belongs to it, from `options` and with a `progress`."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Sweep:
    """A sweep with its folder named; nothing is trained or written yet."""

    spec: SweepSpec
    base: Study  # of the first point that has an arm, in the sweep's folder; its images are those of all

    @classmethod
    def of(cls, spec: SweepSpec, folder: Path) -> "Sweep":
        """Return a sweep in a folder."""
        first = next(point for point in spec.points() if point.arms)
        return cls(spec=spec, base=Study.new(spec.study_at(first), folder))

    @property
    def folder(self) -> SweepFolder:
        return SweepFolder(self.base.folder.root)

    def to_dict(self) -> dict[str, Any]:
        """Return sweep.json's content."""
        return self.spec.to_dict(self.base.digest)

    def jobs(self) -> list[tuple[Point, Study]]:
        """Return the study of every point that has an arm to train."""
        return [(point, self._job(point)) for point in self.spec.points() if point.arms]

    def _job(self, point: Point) -> Study:
        spec = replace(self.base.spec, arms=point.arms, recipe=point.recipe)
        return self.base.with_spec(spec, self.folder.of_point(point.batch.name))


def prepare_sweep(options: SweepOptions) -> Sweep:
    """Return the sweep that options ask for. Raises SpecError and ModelError for those that cannot be used."""
    recipe = as_recipe(options.recipe, options)
    shared = shared_of(options, recipe)
    return Sweep.of(sweep_spec(options, shared), folder_of(options, shared, prefix="sweep"))


def stored_sweep(folder: str | Path, place: DataPlace) -> Sweep | None:
    """Return the sweep that a folder holds, to read its records, for which no images are needed; None without one."""
    there = SweepFolder(existing(folder))
    if not there.file.exists():
        return None
    held = there.spec()
    data = replace(held.data, data_dir=place.data_dir, download=place.download)
    found = Sweep.of(replace(held, data=data), there.root)
    return replace(found, base=replace(found.base, images=StudyImages.of(there, data)))


def reopen_sweep(folder: str | Path, options: ResumeOptions) -> Sweep | None:
    """Return the sweep that a folder holds, with its network's present code; None for a folder without one."""
    if options.budget is not None and SweepFolder(existing(folder)).file.exists():
        raise SpecError(f"--budget {options.budget:g}s: {folder} holds a sweep, whose seeds are fixed; leave it out")
    found = stored_sweep(folder, options)
    if found is None:
        return None
    base = live(found.base)
    return replace(found, base=base, spec=replace(found.spec, model=base.spec.model, machine=base.spec.machine))


def plan_sweep(sweep: Sweep, max_params: int | None) -> list[tuple[Point, Plan]]:
    """Check every point before any is trained: its arms can be built, and its folder holds nothing else."""
    sweep.folder.check(sweep.to_dict())
    for _, study in sweep.jobs():
        if study.folder.file.exists():
            study.folder.check(study.spec, study.digest)
    return [(point, plan_study(study.spec, study.splits, max_params)) for point, study in sweep.jobs()]


def execute_sweep(sweep: Sweep, options: RunOptions, progress: Listener | None, execute: Execute) -> SweepResults:
    """Train what is not trained yet, point by point, then write the sweep's results and report.

    A point is done, with its report, before the next one begins: a sweep that is interrupted leaves whole studies. One
    that is to be refined grows by further points, which sweep.json holds too.
    """
    progress = progress or ignore
    plan_sweep(sweep, options.max_params)
    studies: dict[str, Results] = {}
    with sweep.folder.locked():
        while True:
            sweep.folder.claim(sweep.to_dict())
            for number, (point, study) in enumerate(sweep.jobs(), start=1):
                if point.batch.name not in studies:
                    progress(PartStarted(title=f"batch {point.batch.text}, point {number} of {len(sweep.jobs())}"))
                    studies[point.batch.name] = execute(study, options=options, progress=progress)
            results = _summarized(sweep, studies)
            if (grown := _refined(sweep, results)) is None:
                return _written(results)
            sweep = grown


def _refined(sweep: Sweep, results: SweepResults) -> Sweep | None:
    """Return the sweep with the sizes that are added next, if any are wanted."""
    spec = refined(sweep.spec, results) if sweep.spec.refine else None
    return replace(sweep, spec=spec) if spec else None


def refined_so_far(sweep: Sweep, read: Callable[[Study], Results]) -> Sweep:
    """Return a sweep with the sizes that its runs so far add to it; `read` gives the results of a point's study."""
    while all(study.folder.record(run).exists() for _, study in sweep.jobs() for run in study.spec.runs()):
        if (grown := _refined(sweep, read_sweep_results(sweep, read))) is None:
            break
        sweep = grown
    return sweep


def report_sweep(sweep: Sweep, report: Callable[[Study], Results]) -> SweepResults:
    """Write results and report of a sweep again from the runs that its points have so far; nothing is trained.

    `report` gives the results of a point's study. A sweep without a run is a StudyError.
    """
    return _written(read_sweep_results(sweep, report))


def read_sweep_results(sweep: Sweep, read: Callable[[Study], Results]) -> SweepResults:
    """Return the results of the runs that a sweep's points have so far; `read` gives those of a point's study.

    A sweep without a run is a StudyError.
    """
    studies = {point.batch.name: read(study) for point, study in sweep.jobs() if study.has_records}
    if not studies:
        root = sweep.folder.root
        raise StudyError(f"{root}: no run has finished yet; {resume_command(root)} trains them")
    return _summarized(sweep, studies)


def _summarized(sweep: Sweep, studies: Mapping[str, Results]) -> SweepResults:
    """Return the results of a sweep from those of its points, by their names."""
    split = sweep.base.test_split
    return summarize_sweep(sweep.spec, split.digest, studies, split.labels, sweep.folder.root)


def _written(results: SweepResults) -> SweepResults:
    """Write results and report of a sweep."""
    write_sweep_results(results)
    write_sweep_report(results)
    return results
