"""The section of the mistakes."""

from collections.abc import Iterator

from whichnorm.analyses.mistakes.measure import MistakesFound
from whichnorm.analyses.mistakes.pictures import mistakes_pictures
from whichnorm.analyses.mistakes.tables import (
    label_issues_table,
    missed_by_all_table,
    missed_only_table,
    mistakes_table,
    shared_mistakes_table,
)
from whichnorm.render import text
from whichnorm.render.content import Folded, Section
from whichnorm.render.table import Table, filled
from whichnorm.results.results import Results
from whichnorm.specs.names import arm_title, enclosed

NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def section(found: MistakesFound, results: Results) -> Section:
    """Show what the arms miss together, alone and each for itself."""
    shares = shared_mistakes_table(found)
    folded = filled(*_folded(found))
    return Section(
        title=mistakes_title(found),
        sentences=tuple(_sentences(found, results)),
        tables=(shares,) if shares else (),
        pictures=tuple(mistakes_pictures(found)),
        folded=(Folded(summary="As tables", tables=folded),) if folded else (),
    )


def mistakes_title(found: MistakesFound) -> str:
    """Say how many images all arms miss."""
    total = text.count(found.num_test_images, "test image")
    several = any(arm.runs > 1 for arm in found.arms.values())
    if not found.missed_by_all:
        ((arm, of_arm),) = found.arms.items()
        if not of_arm.missed:
            return f"{enclosed([arm])} misses no test image"
        return f"{enclosed([arm])} misses {of_arm.missed:,} of {total}{' in every run' if several else ''}"
    number, all_arms = found.missed_by_all.number, _all_arms(len(found.arms))
    if not number:
        return f"No test image is missed by {all_arms.lower()}"
    same = "" if number == 1 else "the same "
    return f"{all_arms} miss {same}{number:,} of {total}{' in every run' if several else ''}"


def _all_arms(number: int) -> str:
    if number == 2:
        return "Both arms"
    return f"All {NUMBERS[number] if number < len(NUMBERS) else number} arms"


def _sentences(found: MistakesFound, results: Results) -> Iterator[str]:
    for arm in results.arm_names:
        if arm not in found.arms:
            yield f"{arm_title(arm)}: no finished run."
        elif not found.arms[arm].wrong:
            images = text.count(found.num_test_images, "test image")
            yield f"{arm_title(arm)}: seed {found.arms[arm].seed} classified all {images} rightly: no mistakes to show."
    if found.labels_reason:
        yield text.printable(f"{text.capitalized(found.labels_reason)}.")


def _folded(found: MistakesFound) -> Iterator[Table]:
    if found.missed_by_all and found.missed_by_all.number:
        yield missed_by_all_table(found.missed_by_all)
    yield label_issues_table(found)
    for arm, shared in found.missed_only_by.items():
        yield missed_only_table(arm, shared)
    for arm, of_arm in found.arms.items():
        yield mistakes_table(arm, of_arm.shown)
