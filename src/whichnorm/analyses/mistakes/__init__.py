"""What the arms got wrong, together and alone."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from whichnorm.analyses.analysis import Analysis
from whichnorm.results.results import Results
from whichnorm.specs.options import option

if TYPE_CHECKING:
    from whichnorm.analyses.mistakes.label_issues import LabelIssues
    from whichnorm.data.dataset import ImageSet
    from whichnorm.render.content import Section
    from whichnorm.study.study import Study


@dataclass(frozen=True, kw_only=True)
class MistakesOptions:
    labels: bool = option(True, "do not look for wrong labels", flag="--no-labels")


@dataclass(frozen=True, kw_only=True, eq=False)
class MistakesFound:
    test: "ImageSet"
    issues: "LabelIssues | None"
    issues_reason: str


class Mistakes(Analysis[MistakesOptions, MistakesFound]):
    name = "mistakes"
    title = "Mistakes"
    help = "show misclassified test images: of each arm, of all arms, of one arm only"
    description = """\
Show what the arms of a study got wrong: the most confident mistakes of each
arm, the images that every arm misses, those that one arm alone misses, and
among the former candidates for a wrong label."""
    examples = """\
whichnorm mistakes runs/demo
whichnorm mistakes results/session08 --data-dir data --norms bn,gn:8 --out figures
whichnorm mistakes results/session08 --norms bn --out mistakes.png"""
    options = MistakesOptions

    def measure(self, study: "Study", results: Results, options: MistakesOptions) -> MistakesFound:
        from whichnorm.analyses.mistakes.label_issues import label_issues_or_reason

        arms = [arm.norm for arm in results.arms]
        issues, reason = label_issues_or_reason(study, results, arms) if options.labels else (None, "")
        return MistakesFound(test=study.splits.test.to("cpu"), issues=issues, issues_reason=reason)

    def section(self, found: MistakesFound, results: Results) -> "Section | None":
        from whichnorm.analyses.mistakes.mistakes_table import mistakes_table
        from whichnorm.analyses.mistakes.pictures import arm_mistakes, mistakes_picture
        from whichnorm.analyses.mistakes.shared import shared_mistakes
        from whichnorm.analyses.mistakes.shared_pictures import shared_pictures
        from whichnorm.analyses.mistakes.tables import label_issues_table, shared_mistakes_table
        from whichnorm.render.content import Folded, Section

        arms, test, names = [arm.norm for arm in results.arms], found.test, results.class_names
        shared = shared_mistakes(results, test.labels.tolist(), arms)
        own = filter(None, (mistakes_picture(results, test, arm) for arm in arms))
        pictures = [*own, *shared_pictures(results, test, arms, found.issues, found.issues_reason)]
        shares = shared_mistakes_table(shared)
        folded = [
            *(mistakes_table(arm_mistakes(results, test, arm), names, arm) for arm in arms),
            label_issues_table(shared, found.issues, names) if found.issues else None,
        ]
        if not pictures and not shares:
            return None
        return Section(
            anchor=self.name,
            label=self.title,
            title="Mistakes of each arm, in common and alone",
            tables=(shares,) if shares else (),
            pictures=tuple(pictures),
            folded=(Folded(summary="As tables", tables=tuple(table for table in folded if table)),),
            wide=True,
        )
