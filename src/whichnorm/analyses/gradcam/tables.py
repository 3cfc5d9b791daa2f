"""Tables of Grad-CAM maps: what the arms predict, and how much their maps agree."""

from collections.abc import Sequence

from whichnorm.analyses.gradcam.found import ArmMaps, GradCamFound, StudyMaps
from whichnorm.render import text
from whichnorm.render.table import Cell, Table, cells
from whichnorm.signs import with_minus
from whichnorm.specs.names import arm_title, named

MAX_ABREAST = 3  # arms that stand side by side in 80 columns


def images_table(found: GradCamFound, names: Sequence[str]) -> Table:
    """The images with their class and what every arm predicts: a row each, for many arms a row per image and arm."""
    maps = found.maps
    h, w = maps.map_shape
    whose = "the true class" if found.options.target == "true" else "each arm's predicted class"
    many = len(maps.arms) > MAX_ABREAST
    headings = ("Image", "True class", *(("Arm", "Prediction") if many else (arm_title(arm.arm) for arm in maps.arms)))
    rows: list[tuple[Cell, ...]] = []
    for k, index in enumerate(maps.images):
        image = cells(str(index), text.printable(names[maps.labels[k]]))
        said = cells(*(prediction_text(maps, arm, k, names) for arm in maps.arms))
        if many:
            rows += [(*image, Cell(text=arm_title(arm.arm)), cell) for arm, cell in zip(maps.arms, said, strict=True)]
        else:
            rows.append((*image, *said))
    return Table(
        caption=f"Grad-CAM at {text.printable(maps.layer)}, {h}x{w} positions, seed {maps.seed}, for {whose}: what the "
        "arms predict. ✗ marks a wrong prediction.",
        headings=headings,
        rows=tuple(rows),
        numeric_from=len(headings),
    )


def prediction_text(maps: StudyMaps, arm: ArmMaps, k: int, names: Sequence[str]) -> str:
    """Write what an arm makes of an image: "✗ dog, 61 %"."""
    wrong = "" if arm.predictions[k] == maps.labels[k] else "✗ "
    empty = "" if arm.array[k].any() else ", map is empty"
    return f"{wrong}{text.printable(names[arm.predictions[k]])}, {100 * arm.confidences[k]:.0f} %{empty}"


def agreements_table(maps: StudyMaps) -> Table | None:
    """One row per pair of arms: the rank correlation of their maps; None for a single arm."""
    if not maps.agreements:
        return None
    rows = []
    for one in maps.agreements:
        ranks = one.ranks
        mean, std, other = (correlation_text(value) for value in (ranks.mean, ranks.std, ranks.mismatched))
        rows.append(cells(named([one.a, one.b]), mean, std, str(ranks.n), str(ranks.left_out), other))
    return Table(
        caption="Spearman's rank correlation of two arms' maps of the same image, over "
        f"{text.count(maps.num_sampled, 'test image')}, and the mean for maps of different images; left out are images "
        "with an empty or constant map.",
        headings=("Arms", "Mean", "SD", "n", "Left out", "Different images"),
        rows=tuple(rows),
    )


def correlation_text(value: float | None) -> str:
    """Write a correlation, or a dash for too few maps; no negative zero."""
    return "–" if value is None else with_minus(f"{round(value, 2) + 0.0:.2f}")
