"""Loss and accuracy over epochs."""

from typing import TYPE_CHECKING

from whichnorm.analyses.analysis import Analysis, NoOptions
from whichnorm.results.results import Results

if TYPE_CHECKING:
    from whichnorm.render.content import Section
    from whichnorm.study.study import Study


class Curves(Analysis[NoOptions, None]):
    name = "curves"
    title = "Curves"
    help = "draw loss and accuracy over epochs"
    description = "Draw loss and accuracy of all arms over epochs, and training beside validation for each arm."
    examples = """\
whichnorm curves runs/demo
whichnorm curves results/session08 --norms bn,gn:8 --out figures"""

    def measure(self, study: "Study", results: Results, options: NoOptions) -> None:
        """TODO"""

    def section(self, found: None, results: Results) -> "Section | None":
        from whichnorm.analyses.curves.pictures import arm_curves_picture, curve_pictures
        from whichnorm.analyses.curves.tables import curve_table
        from whichnorm.render.content import Folded, Section

        pictures = curve_pictures(results)
        if not pictures:
            return None
        of_arms = filter(None, (arm_curves_picture(results, arm) for arm in results.arm_names))
        of_test = results.curves_split == "test"
        table = curve_table(results, results.arm_names)
        return Section(
            anchor=self.name,
            label=self.title,
            title="Test curves" if of_test else "Validation curves",
            sentences=("No validation split: these are the test set's curves.",) if of_test else (),
            pictures=(*pictures, *of_arms),
            folded=(Folded(summary="Accuracy by epoch as a table", tables=(table,)),) if table else (),
        )
