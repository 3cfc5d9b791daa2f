"""What the report has from beside the records: Grad-CAM maps, probabilities for doubtful labels, and diagnostics."""

from collections.abc import Sequence
from dataclasses import dataclass

from whichnorm.errors import WhichnormError
from whichnorm.gradcam import StudyMaps, maps_or_reason
from whichnorm.job import Job
from whichnorm.report.diagnostics import StudyDiagnostics, read_study_diagnostics
from whichnorm.report.label_issues import LabelIssues, check_cleanlab, find_label_issues, mean_probabilities
from whichnorm.results import Results


@dataclass(frozen=True, kw_only=True, eq=False)
class Findings:
    """Maps and doubtful labels; where one is None, its reason says why, or is empty where nobody asked. Diagnostics are
    None where none were made."""

    maps: StudyMaps | None = None
    maps_reason: str = ""
    issues: LabelIssues | None = None
    issues_reason: str = ""
    diagnostics: StudyDiagnostics | None = None


def find(job: Job, results: Results) -> Findings:
    """Ask the networks of a study's finished runs."""
    maps, maps_reason = maps_or_reason(job, results)
    arms = [arm.norm for arm in results.arms]
    issues, issues_reason = label_issues_or_reason(job, results, arms)
    return Findings(
        maps=maps, maps_reason=maps_reason, issues=issues, issues_reason=issues_reason,
        diagnostics=read_study_diagnostics(job.study.runs(), job.folder),
    )  # fmt: skip


def label_issues_or_reason(job: Job, results: Results, arms: Sequence[str]) -> tuple[LabelIssues | None, str]:
    """Return the candidates for a wrong label among all test images, or None and why there are none."""
    if len(arms) < 2:  # candidates are shown among the images that every arm misses
        return None, ""
    try:
        check_cleanlab()
        probabilities = mean_probabilities(results, job.study, job.splits, job.folder, arms)
    except WhichnormError as error:
        return None, str(error)
    return find_label_issues(probabilities, job.splits.test.labels.tolist()), ""
