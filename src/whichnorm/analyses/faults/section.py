"""The section of the runs that went wrong."""

from whichnorm.analyses import wording
from whichnorm.analyses.arms import arm_cell
from whichnorm.render import text
from whichnorm.render.content import Section
from whichnorm.render.table import Table, cells
from whichnorm.results.results import Results
from whichnorm.training.record import RunRecord


def section(found: object, results: Results) -> Section | None:
    """List the runs that failed, diverged or stayed at chance; None if all is well."""
    if results.ok:
        return None
    title = wording.faults_title(results.faults, len(results.records))
    label = wording.faults_label(results.faults)
    return Section(title=title, label=label, tables=(faults_table(results),), alarming=True)


def faults_table(results: Results) -> Table:
    """One row per run that failed, diverged or stayed at chance."""
    rows = [
        (arm_cell(results, r.arm), *cells(str(r.seed), run_status(r), text.printable(wording.fault_reason(r))))
        for r in results.faults
    ]
    return Table(
        caption="Runs that failed or diverged are in no mean and no comparison; finished runs with a warning are. "
        "A run whose record in the folder runs is deleted is trained again by the same command.",
        headings=("Norm", "Seed", "Status", "Reason"),
        rows=tuple(rows),
        numeric_from=4,
    )


def run_status(record: RunRecord) -> str:
    """Say how a run ended."""
    return "finished, with a warning" if record.status == "finished" and record.warnings else record.status
