"""Accuracy per class, with intervals."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from whichnorm.analyses.analysis import Analysis, NoOptions
from whichnorm.results.results import Results

if TYPE_CHECKING:
    from whichnorm.render.content import Section
    from whichnorm.study.study import Study


@dataclass(frozen=True, kw_only=True)
class ClassesFound:
    labels: tuple[int, ...]


class Classes(Analysis[NoOptions, ClassesFound]):
    name = "classes"
    title = "Classes"
    help = "show the accuracy on each class, with intervals"
    description = "Show the test accuracy of every arm of a study on each class, with 95 % intervals."
    examples = """\
whichnorm classes runs/demo
whichnorm classes results/session08 --norms bn,gn:8 --out classes.svg"""

    def measure(self, study: "Study", results: Results, options: NoOptions) -> ClassesFound:
        return ClassesFound(labels=study.test_split.labels)

    def section(self, found: ClassesFound, results: Results) -> "Section | None":
        from whichnorm.analyses.classes.measure import class_accuracies
        from whichnorm.analyses.classes.pictures import classes_picture
        from whichnorm.analyses.classes.tables import classes_table
        from whichnorm.render.content import Folded, Section

        picture = classes_picture(results, found.labels)
        if not picture:
            return None
        table = classes_table(results, class_accuracies(results, found.labels, results.arm_names), found.labels)
        folded = (Folded(summary="Accuracy per class as a table", tables=(table,)),) if table else ()
        return Section(
            anchor=self.name,
            label=self.title,
            title="Accuracy per class",
            pictures=(picture,),
            folded=folded,
            wide=True,
        )
