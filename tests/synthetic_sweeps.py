"""Made-up sweeps for tests: real plans, and records from a few numbers instead of training."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from synthetic import make_record

from whichnorm.results.results import Results, summarize
from whichnorm.specs.options import make
from whichnorm.specs.study_options import SweepOptions
from whichnorm.study.study import Study
from whichnorm.sweeps.results import SweepResults, summarize_sweep
from whichnorm.sweeps.run import Sweep, prepare_sweep
from whichnorm.sweeps.spec import Point

OPTIONS: Mapping[str, Any] = {
    "epochs": 3, "seeds": 3, "train_limit": 300, "download": False, "threads": 1, "precision": "float32",
}  # fmt: skip


def make_sweep(out: Path, **changes: Any) -> Sweep:
    """A sweep on the digits, planned and not trained."""
    return prepare_sweep(make(SweepOptions, {**OPTIONS, **changes, "out": out}))


Lost = Mapping[tuple[str, str, int], str]  # point, arm and seed to the status of a run that did not finish


def make_sweep_results(
    sweep: Sweep, error_of: Callable[[str, Point], float], lost: Lost | None = None
) -> SweepResults:  # fmt: skip
    """The results of a sweep whose arms have about these errors, and some of whose runs were lost."""
    studies = {point.batch.name: study_results(study, point, error_of, lost or {}) for point, study in sweep.jobs()}
    split = sweep.base.test_split
    return summarize_sweep(sweep.spec, split.digest, studies, split.labels, sweep.folder.root)


def study_results(study: Study, point: Point, error_of: Callable[[str, Point], float], lost: Lost) -> Results:
    test, names = study.splits.test, study.splits.class_names
    rng = np.random.default_rng(point.batch.batch_size)
    records = [
        make_record(str(run.arm), run.seed, test, study.spec, len(names), error_of(str(run.arm), point) + noise)
        for run, noise in zip(study.spec.runs(), rng.normal(0, 0.003, len(study.spec.runs())), strict=True)
    ]
    records = [
        replace(record, status=lost.get((point.batch.name, record.arm, record.seed), record.status))
        for record in records
    ]
    return summarize(records, study.shared(), names, test.labels.tolist(), study.folder.root)


def paper_like(arm: str, point: Point) -> float:
    """Errors as in the GroupNorm paper: BatchNorm's grow where a forward pass has few images."""
    return 0.06 + 0.3 / point.batch.device_batch_size if arm == "bn" else 0.12
