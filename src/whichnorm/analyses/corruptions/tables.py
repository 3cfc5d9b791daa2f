"""Tables of accuracy under corruption: at the greatest strengths, and at all."""

from collections.abc import Iterator, Sequence

from whichnorm.analyses.arms import arm_cell
from whichnorm.analyses.corruptions.finding import at_strongest, strongest
from whichnorm.analyses.corruptions.measure import STRENGTHS, CorruptionScores
from whichnorm.analyses.over_seeds import MEANS, Arms, mean_cell, seeds_cell
from whichnorm.render import text
from whichnorm.render.table import Cell, Table
from whichnorm.results.results import Results


def strongest_table(results: Results, arms: Arms[CorruptionScores]) -> Table:
    """One row per arm: clean accuracy, and that under every kind at its greatest strength."""
    return Table(
        caption=f"Accuracy on clean images and at the greatest strength of every corruption. {MEANS}",
        headings=("Arm", "Clean", *(text.capitalized(strongest(kind)) for kind in STRENGTHS)),
        rows=tuple(
            (
                arm_cell(results, arm),
                mean_cell([one.clean_accuracy for one in found]),
                *(mean_cell(at_strongest(found, kind)) for kind in STRENGTHS),
            )
            for arm, found in arms
        ),
    )


def corruptions_table(results: Results, arms: Arms[CorruptionScores]) -> Table:
    """One row per arm and kind of corruption: clean accuracy, and that at every strength."""
    return Table(
        caption=f"Accuracy under corruption. {MEANS}",
        headings=("Arm", "Corruption", "Clean", "Strength 1", "Strength 2", "Strength 3", "Seeds"),
        rows=tuple(row for arm, found in arms for row in _rows(results, arm, found)),
        numeric_from=2,
    )


def _rows(results: Results, arm: str, found: Sequence[CorruptionScores]) -> Iterator[tuple[Cell, ...]]:
    for kind, strengths in STRENGTHS.items():
        named = Cell(text=kind, note=", ".join(f"{value:g}" for value in strengths))
        clean = mean_cell([one.clean_accuracy for one in found])
        by_strength = zip(*(one.accuracies[kind] for one in found), strict=True)
        yield arm_cell(results, arm), named, clean, *map(mean_cell, by_strength), seeds_cell(found)


def corruptions_sentence(arms: Arms[CorruptionScores]) -> str:
    """Say what was done to how many images."""
    num_images = text.count(arms[0][1][0].num_images, "test image")
    said = {kind: "/".join(f"{value:g}" for value in strengths) for kind, strengths in STRENGTHS.items()}
    return (
        f"The same {num_images}, evenly spread over the split, for every arm and seed. Gaussian noise of SD "
        f"{said['noise']} of full scale; Gaussian blur of SD {said['blur']} pixels times the root of the shorter side; "
        f"contrast cut to {said['contrast']}; JPEG of quality {said['JPEG']}; {said['brightness']} of full scale added."
    )
