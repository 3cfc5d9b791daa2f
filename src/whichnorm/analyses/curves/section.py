"""The section of the curves."""

from collections.abc import Iterator

import numpy as np

from whichnorm.analyses.curves.measure import CurvesFound
from whichnorm.analyses.curves.pictures import TEST_CAUTION, curve_pictures
from whichnorm.analyses.curves.tables import curve_table, ends_table
from whichnorm.render import text
from whichnorm.render.content import Folded, Section
from whichnorm.render.style import SPLIT_NAMES
from whichnorm.results.results import Results
from whichnorm.specs.names import arm_title


def section(found: CurvesFound, results: Results) -> Section:
    """Show loss and accuracy of all arms over epochs, then those of each arm beside its training."""
    return Section(
        title=curves_title(found),
        sentences=tuple(_sentences(found)),
        pictures=tuple(curve_pictures(found, results)),
        folded=(Folded(summary="As tables", tables=(ends_table(found, results), curve_table(found))),),
    )


def curves_title(found: CurvesFound) -> str:
    """Say from where to where the finished arms' accuracies end; which difference is sure is not said here."""
    name = SPLIT_NAMES[found.split].capitalize()
    ends = {arm: float(curves.held_out.accuracy.mean[-1]) for arm, curves in found.arms.items()
            if curves.status == "finished"}  # fmt: skip
    if not ends:
        return f"{name} curves of runs that did not finish"
    last = max(len(curves.held_out.accuracy.mean) for arm, curves in found.arms.items() if arm in ends)
    after = f"after {text.count(last, 'epoch')}"
    low, high = (choose(ends, key=ends.__getitem__) for choose in (min, max))
    if low == high:
        return f"{name} accuracy ends at {text.percent(ends[low])} {after}"
    return (
        f"{name} accuracy ends between {text.percent(ends[low])} ({arm_title(low)}) and {text.percent(ends[high])} "
        f"({arm_title(high)}) {after}"
    )


def _sentences(found: CurvesFound) -> Iterator[str]:
    if found.split == "test":
        yield TEST_CAUTION
    for arm, curves in found.arms.items():
        if curves.status != "finished":
            yield f"{arm_title(arm)}: no finished run; its curves are those of the runs that stopped."
        elif curves.left_out:
            seeds = ", ".join(map(str, curves.left_out))
            yield f"{arm_title(arm)}: without the runs that did not finish, of seed {seeds}."
        elif np.isnan(curves.held_out.loss.mean[-1]):
            yield f"{arm_title(arm)}: its last loss is not finite."
    for arm in found.without:
        yield f"{arm_title(arm)}: no run got through an epoch, so it has no curves."
