"""The records of a study's follow-ups: from training them, or from their folders alone."""

from collections.abc import Sequence

from whichnorm.files import write_in_one_step
from whichnorm.specs.study import StudySpec
from whichnorm.study.events import FollowUpStarted, Listener
from whichnorm.study.folder import StudyFolder
from whichnorm.study.run import run_study
from whichnorm.study.study import Study
from whichnorm.training.record import RunRecord


def records_of(
    study: Study, title: str, listener: Listener | None, given: StudyFolder | None = None
) -> Sequence[RunRecord] | None:
    """Train what is not trained yet of a further study, and return the records of all runs.

    `given` holds runs that can be taken over. Without a listener nothing is trained: None if some records are missing.
    """
    if listener is None:
        there = all(study.folder.record(run).exists() for run in study.spec.runs())
        return study.records() if there else None
    listener(FollowUpStarted(title=title))
    with study.folder.locked():
        study.folder.claim(study.spec, study.test_split)
        if given:
            take_over(study.spec, given, study.folder)
        return run_study(study, listener)


def take_over(study: StudySpec, given: StudyFolder, folder: StudyFolder) -> None:
    """Copy the runs that both studies have: arms without a learning rate of their own are trained alike in both."""
    for run in study.runs():
        if run.arm.learning_rate is None and given.record(run).exists() and not folder.record(run).exists():
            for of in (StudyFolder.weights, StudyFolder.record):  # the record last: with it the run counts as done
                if of(given, run).exists():
                    write_in_one_step(of(folder, run), of(given, run).read_bytes())
