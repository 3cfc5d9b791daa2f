"""Tables of what arms miss together and alone, of doubtful labels, of confusions and of classes."""

from collections.abc import Sequence

import numpy as np

from whichnorm.report import text
from whichnorm.report.class_accuracy import ArmClasses
from whichnorm.report.confusion_difference import ConfusionDifference, marked_cells
from whichnorm.report.label_issues import LabelIssues
from whichnorm.report.shared_mistakes import SharedMistakes
from whichnorm.report.tables import Cell, Table, cells
from whichnorm.results import Results
from whichnorm.stats import Interval


def shared_mistakes_table(found: SharedMistakes) -> Table | None:
    """How many images all arms miss, and each arm alone; None where fewer than two arms have a finished run."""
    if len(found.arms) < 2:
        return None
    shares = [("every arm", found.share_by_all()), *((f"{arm} only", found.share_only_by(arm)) for arm in found.arms)]
    return Table(
        caption="Test images that all finished runs of the named arms misclassify and, for one arm only, no run of the "
        "others; and how many would be if the arms' mistakes were independent of each other.",
        headings=("Missed by", "Images", "Share", "Expected if independent"),
        rows=tuple(
            cells(name, f"{share.number:,}", text.percent(share.number / len(found.labels)),
                   text.expected(share.expected))
            for name, share in shares
        ),
    )  # fmt: skip


def label_issues_table(
    found: SharedMistakes, issues: LabelIssues, class_names: Sequence[str], limit: int = 10
) -> Table | None:
    """The likely wrong labels among the images that every arm misses; None where there are none."""
    shown = issues.among(found.by_all)[:limit]
    rows = [(image, found.labels[image], issues.probabilities[image]) for image in shown]
    return Table(
        caption="Candidates for a wrong label among the images that every arm misses, by place in the test split from "
        "0, with the mean softmax of all finished runs; only a look can tell.",
        headings=("Test image", "Label", "Softmax of the label", "The networks' class", "Its softmax"),
        rows=tuple(
            cells(str(image), text.printable(class_names[true]), text.percent(p[true]),
                   text.printable(class_names[p.argmax()]), text.percent(p.max()))
            for image, true, p in rows
        ),
        numeric_from=5,
    ) if rows else None  # fmt: skip


def difference_table(found: ConfusionDifference, class_names: Sequence[str]) -> Table | None:
    """The cells in which two arms' confusion matrices differ beyond chance; None where there is none."""
    rows = [
        cells(
            *(f"{text.printable(class_names[k])} ({k})" for k in cell),
            f"{found.counts_a[cell]:,.5g}", f"{found.counts_b[cell]:,.5g}", text.difference(found.difference[cell]),
            f"{found.p_values[cell]:.2g}",
        )
        for cell in marked_cells(found)
    ]  # fmt: skip
    over = "" if len(found.seeds) == 1 else f" Means over {text.count(len(found.seeds), 'seed')}."
    return Table(
        caption=f"{found.a} less {found.b}: cells of the confusion matrix that differ beyond chance, with the exact "
        f"p-value adjusted for all cells.{over}",
        headings=("True class", "Predicted class", found.a, found.b, "Difference", "Adjusted p"),
        rows=tuple(rows),
        numeric_from=2,
    ) if rows else None  # fmt: skip


def classes_table(results: Results, found: Sequence[ArmClasses], labels: Sequence[int]) -> Table | None:
    """One row per class: its test images, and each arm's accuracy with its 95 % interval."""
    images = np.bincount(labels, minlength=len(results.class_names))
    rows = [
        (*cells(text.printable(name), f"{images[k]:,}"), *(_class_cell(arm.intervals[k]) for arm in found))
        for k, name in enumerate(results.class_names)
    ]
    return Table(
        caption=f"Test accuracy per class. {text.class_intervals([len(arm.seeds) for arm in found])}",
        headings=("Class", "Images", *(arm.arm for arm in found)),
        rows=tuple(rows),
    ) if found else None  # fmt: skip


def _class_cell(interval: Interval | None) -> Cell:
    if interval is None:
        return Cell(text="–")
    return Cell(text=text.percent(interval.estimate), note=text.percent_interval((interval.low, interval.high)))
