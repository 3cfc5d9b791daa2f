"""The section of the diagnostics, headed by dead channels and gradient norms at the end."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from whichnorm.analyses.diagnostics.measure import ArmDiagnostics, StudyDiagnostics
from whichnorm.analyses.diagnostics.pictures import diagnostics_pictures
from whichnorm.analyses.diagnostics.tables import diagnostics_table, layer_tables, mean_dead, median_norm, plain
from whichnorm.render import text
from whichnorm.render.content import Folded, Section
from whichnorm.results.results import Results
from whichnorm.specs.names import arm_title, enclosed, listed

MEANING = (
    "A ReLU's channel is dead if it is zero for all measured images at every position. A cosine distance near 0 means "
    "that images can hardly be distinguished at that layer."
)
PUBLISHED = (
    "Lubana, Dick and Tanaka (Beyond BatchNorm, NeurIPS 2021) report that large groups make images harder to "
    "distinguish, and that small groups give large gradients early in training."
)


def section(found: StudyDiagnostics | None, results: Results) -> Section | None:
    """Show every arm's figures by layer and epoch; None if no run was diagnosed."""
    if not found:
        return None
    arms = found.arms
    return Section(
        title=title(arms),
        sentences=(*((MEANING, PUBLISHED) if arms else ()), *_gaps(found)),
        tables=(diagnostics_table(results, arms),) if arms else (),
        pictures=tuple(diagnostics_pictures(results, arms)),
        folded=tuple(
            Folded(summary=f"Diagnostics of {enclosed([arm.arm])} by layer", tables=layer_tables(arm)) for arm in arms
        ),
    )


def title(arms: Sequence[ArmDiagnostics]) -> str:
    """Say how many channels are dead and how large gradients are at the end; of arms, the least and the most."""
    dead = {arm.arm: value for arm in arms if (value := mean_dead(arm)) is not None}
    norms = {arm.arm: value for arm in arms if (value := median_norm(arm)) is not None}
    parts = []
    if dead:
        some = f"{_range(dead, text.percent)} of a ReLU's channels are dead"
        parts.append(some if any(dead.values()) else "no ReLU channel is dead")
    if norms:
        parts.append(f"the median gradient norm is {_range(norms, plain)}")
    return f"After training {' and '.join(parts)}" if parts else "Diagnostics of gradients and activations"


def _range(values: Mapping[str, float], write: Callable[[float], str]) -> str:
    least, most = min(values, key=lambda arm: values[arm]), max(values, key=lambda arm: values[arm])
    if write(values[least]) == write(values[most]):
        return write(values[least])
    return f"{write(values[least])} ({arm_title(least)}) to {write(values[most])} ({arm_title(most)})"


def _gaps(found: StudyDiagnostics) -> Iterator[str]:
    if found.missing:
        names = listed([f"{enclosed([arm])} at seed {seed}" for arm, seed in found.missing])
        yield f"Trained without --diagnostics, and so without figures here: {names}."
    yield from map(text.printable, found.faults)
