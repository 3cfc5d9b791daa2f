"""Tables of mistakes in common and alone, and of doubtful labels."""

from collections.abc import Sequence

from whichnorm.analyses.mistakes.label_issues import LabelIssues
from whichnorm.analyses.mistakes.shared import SharedMistakes
from whichnorm.render import text
from whichnorm.render.table import Table, cells


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
