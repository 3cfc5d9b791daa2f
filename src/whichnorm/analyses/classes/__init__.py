"""Accuracy per class, with intervals."""

from typing import TYPE_CHECKING

from whichnorm.analyses.analysis import Analysis, NoOptions

if TYPE_CHECKING:
    from whichnorm.analyses.classes.measure import ClassesFound
    from whichnorm.render.content import Section
    from whichnorm.results.results import Results
    from whichnorm.study.study import Study


class Classes(Analysis[NoOptions, "ClassesFound"]):
    name = "classes"
    title = "Classes"
    help = "show the accuracy on each class, with intervals"
    description = """\
Show the test accuracy of every arm of a study on each class, with 95 %
intervals, and the classes on which one arm is distinguished from all others.
The images are not needed."""
    examples = """\
whichnorm classes runs/demo
whichnorm classes results/session08 --norms bn,gn:8 --out classes.svg"""

    def measure(self, study: "Study", results: "Results", options: NoOptions) -> "ClassesFound":
        from whichnorm.analyses.classes.measure import study_classes

        return study_classes(results, study.test_split.labels)

    def section(self, found: "ClassesFound", results: "Results") -> "Section":
        from whichnorm.analyses.classes.section import classes_section

        return classes_section(found, results)
