"""The picture of Grad-CAM maps, and in words how much the arms' maps agree."""

from collections.abc import Iterator, Sequence

from whichnorm.analyses.arms import style
from whichnorm.analyses.gradcam.figures import Heading, MapCell, MapRow, map_grid
from whichnorm.analyses.gradcam.found import Agreement, ArmMaps, GradCamFound, StudyMaps
from whichnorm.analyses.gradcam.maps import upsample
from whichnorm.analyses.gradcam.tables import correlation_text, images_table
from whichnorm.render import text
from whichnorm.render.images import Pixels
from whichnorm.render.picture import Picture
from whichnorm.render.table import alt_text
from whichnorm.results.results import Results
from whichnorm.specs.names import arm_title, enclosed

TITLES = {
    "true": "Grad-CAM: evidence for the true class",
    "predicted": "Grad-CAM: evidence for each arm's prediction",
}
TARGETS = {
    "true": "evidence for the image's true class in every arm, even if the arm predicts another, so that maps can be "
    "compared",
    "predicted": "evidence for the class that the arm predicts, so maps of arms that disagree are of different classes",
}
CHOICE = (
    "The images are the first that every arm gets right, then the first on which arms disagree, or which all miss if "
    "they hardly disagree, with classes in turn."
)


def gradcam_picture(found: GradCamFound, results: Results) -> Picture:
    """Return the maps of all arms over the same test images, side by side."""
    maps, names = found.maps, results.class_names
    headings = [Heading(title=arm_title(arm.arm), color=style(results, arm.arm).color) for arm in maps.arms]
    rows = [_row(maps, k, pixels, names) for k, pixels in enumerate(found.pixels)]
    lead = f"Grad-CAM maps of {text.count(len(maps.images), 'test image')}, side by side for the arms. By image:"
    return Picture(
        name="gradcam",
        figure=map_grid(TITLES[found.options.target], headings, rows),
        alt=alt_text(lead, images_table(found, names)),
        caption=f"Grad-CAM at {text.shorten(maps.layer, 40)}, seed {maps.seed}. Each map has its own scale: compare "
        "positions, not strengths. Predictions with their softmax; ✗ marks a wrong one. Numbers are indices in the "
        "test split.",
        method=" ".join(_method(found)),
        embed="png",
    )


def _row(maps: StudyMaps, k: int, pixels: Pixels, names: Sequence[str]) -> MapRow:
    return MapRow(
        image=pixels,
        name=names[maps.labels[k]],
        note=f"no. {maps.images[k]}",
        cells=[_cell(arm, k, pixels, names, right=arm.predictions[k] == maps.labels[k]) for arm in maps.arms],
    )


def _cell(arm: ArmMaps, k: int, pixels: Pixels, names: Sequence[str], right: bool) -> MapCell:
    h, w = pixels.shape[1:]
    return MapCell(
        overlay=upsample(arm.array[k : k + 1], (h, w))[0],
        name=names[arm.predictions[k]],
        note=f"{100 * arm.confidences[k]:.0f} %",
        right=right,
    )


def _method(found: GradCamFound) -> Iterator[str]:
    maps = found.maps
    h, w = maps.map_shape
    yield (
        f"Grad-CAM (Selvaraju et al. 2017) at {text.printable(maps.layer)}, {h}x{w} positions, up-sampled bilinearly: "
        f"{TARGETS[found.options.target]}."
    )
    if found.options.images is None:
        yield CHOICE
    yield agreements_text(maps)


def agreements_text(maps: StudyMaps) -> str:
    """Say how much the maps of every two arms agree, and over how many images."""
    if not maps.agreements:
        return "With one arm there are no maps to compare."
    pairs = "; ".join(f"{enclosed([one.a, one.b])} {_agreement(one)}" for one in maps.agreements)
    return (
        f"Spearman's rank correlation of two arms' maps of the same image, mean ± standard deviation over "
        f"{text.count(maps.num_sampled, 'test image')} spread evenly over the split: {pairs}. Maps of different images "
        "agree too, such as by a bright centre."
    )


def _agreement(agreement: Agreement) -> str:
    ranks = agreement.ranks
    left_out = f", {ranks.left_out} left out for an empty or constant map" if ranks.left_out else ""
    if ranks.mean is None:
        return f"nothing to compare (n = 0{left_out})"
    spread = "" if ranks.std is None else f" ± {ranks.std:.2f}"
    others = "" if ranks.mismatched is None else f", against {correlation_text(ranks.mismatched)} for different images"
    return f"{correlation_text(ranks.mean)}{spread} (n = {ranks.n}{left_out}){others}"
