"""Who was taken for whom, and where two arms differ."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from whichnorm.analyses.analysis import Analysis
from whichnorm.results.results import Results

if TYPE_CHECKING:
    from whichnorm.analyses.confusion.cells import CellImages
    from whichnorm.render.content import Section
    from whichnorm.study.study import Study


@dataclass(frozen=True, kw_only=True)
class ConfusionOptions:
    images: bool = False  # whether the page shows the images behind each cell


@dataclass(frozen=True, kw_only=True, eq=False)
class ConfusionFound:
    labels: tuple[int, ...]
    images: "CellImages | None"


class Confusion(Analysis[ConfusionOptions, ConfusionFound]):
    name = "confusion"
    title = "Confusion"
    help = "draw confusion matrices, and where those of two arms differ beyond chance"
    description = """\
Draw the confusion matrix of every arm of a study, and for every pair of arms
the difference of their matrices, with the cells framed that differ beyond
chance."""
    examples = """\
whichnorm confusion runs/demo
whichnorm confusion results/session08 --norms bn,gn:8"""
    options = ConfusionOptions

    def of_report(self) -> ConfusionOptions:
        return ConfusionOptions(images=True)

    def measure(self, study: "Study", results: Results, options: ConfusionOptions) -> ConfusionFound:
        from whichnorm.analyses.confusion.cells import choose_images

        images = choose_images(results, study.splits.test.to("cpu")) if options.images else None
        return ConfusionFound(labels=study.test_split.labels, images=images)

    def section(self, found: ConfusionFound, results: Results) -> "Section | None":
        from whichnorm.analyses.confusion.confusions_table import confusions_table
        from whichnorm.analyses.confusion.pictures import (
            confusion_of,
            confusion_picture,
            difference_picture,
            differences_of,
        )
        from whichnorm.analyses.confusion.tables import difference_table
        from whichnorm.render.content import Folded, Section

        arms = [arm.norm for arm in results.arms]
        if not arms:
            return None
        differences, names = differences_of(results, found.labels), results.class_names
        tables = [
            *(confusions_table(confusion_of(results, found.labels, arm), names, arm) for arm in arms),
            *(difference_table(difference, names) for difference in differences),
        ]
        return Section(
            anchor=self.name,
            label=self.title,
            title="Confusion matrices and their differences",
            pictures=(
                *(confusion_picture(results, found.labels, arm, found.images) for arm in arms),
                *(difference_picture(results, difference) for difference in differences),
            ),
            folded=(Folded(summary="As tables", tables=tuple(table for table in tables if table)),),
            wide=True,
            sprite=found.images.sprite if found.images else None,
        )
