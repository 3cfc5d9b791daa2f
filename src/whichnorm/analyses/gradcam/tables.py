"""Tables of Grad-CAM maps: what the arms predict, and how much their maps agree."""

from collections.abc import Sequence

from whichnorm.analyses.gradcam.measure import ArmMaps, StudyMaps
from whichnorm.render import text
from whichnorm.render.table import Cell, Table, cells

MOST_ABREAST = 3  # arms that stand side by side in 80 columns


def images_table(maps: StudyMaps, names: Sequence[str]) -> Table:
    """The images with their class and what every arm predicts: a row each, for many arms a row per image and arm."""
    h, w = maps.map_shape
    whose = "the true class" if maps.target == "true" else "each arm's predicted class"
    caption = f"Grad-CAM at {text.printable(maps.layer)}, {h}x{w} positions, seed {maps.seed}, for {whose}."
    many = len(maps.arms) > MOST_ABREAST
    headings = ("Arm", "Prediction") if many else tuple(arm.arm for arm in maps.arms)
    rows: list[tuple[Cell, ...]] = []
    for k, place in enumerate(maps.images):
        image = cells(str(place), text.printable(names[maps.labels[k]]))
        said = cells(*(prediction_text(maps, arm, k, names) for arm in maps.arms))
        if many:
            rows += [(*image, Cell(text=arm.arm), cell) for arm, cell in zip(maps.arms, said, strict=True)]
        else:
            rows.append((*image, *said))
    headings = ("Image", "True class", *headings)
    return Table(caption=caption, headings=headings, rows=tuple(rows), numeric_from=len(headings))


def prediction_text(maps: StudyMaps, arm: ArmMaps, k: int, names: Sequence[str]) -> str:
    """Write what an arm makes of an image: "✗ dog, 61 %"."""
    wrong = "" if arm.predictions[k] == maps.labels[k] else "✗ "
    empty = "" if arm.maps[k].any() else ", map is empty"
    return f"{wrong}{text.printable(names[arm.predictions[k]])}, {100 * arm.confidences[k]:.0f} %{empty}"


def agreements_table(maps: StudyMaps) -> Table | None:
    """One row per pair of arms: the rank correlation of their maps; None for a single arm."""
    if not maps.agreements:
        return None
    rows = []
    for one in maps.agreements:
        ranks = one.ranks
        mean, std, other = ("–" if v is None else f"{v:.2f}" for v in (ranks.mean, ranks.std, ranks.mismatched))
        numbers = (mean, std, str(ranks.n), str(ranks.left_out), other)
        rows.append(cells(f"{one.a}, {one.b}", *numbers))
    return Table(
        caption="Rank correlation (Spearman) of two arms' maps of the same image, over "
        f"{text.count(maps.num_sampled, 'test image')} spread evenly over the split; left out are pairs with an empty "
        "or constant map. Other: the mean where each map meets that of another image, which is what maps share "
        "whatever the image shows.",
        headings=("Arms", "Mean", "SD", "n", "Left out", "Other"),
        rows=tuple(rows),
    )
