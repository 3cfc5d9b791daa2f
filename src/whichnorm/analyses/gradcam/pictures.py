"""The picture of Grad-CAM maps, and in words how much the arms' maps agree."""

from collections.abc import Sequence

from whichnorm.analyses.gradcam import figures as gradcam
from whichnorm.analyses.gradcam.maps import upsample
from whichnorm.analyses.gradcam.measure import Agreement, StudyMaps
from whichnorm.render import text
from whichnorm.render.picture import Picture
from whichnorm.results.results import Results, arm_title

TITLES = {
    "true": "Grad-CAM: where each arm finds the true class",
    "predicted": "Grad-CAM: where each arm finds the class that it predicts",
}
TARGETS = {
    "true": "evidence for the image's true class in every arm, also where the arm predicts another (✗), so that maps "
    "can be compared",
    "predicted": "evidence for the class that the arm predicts, so that maps of arms which disagree are of different "
    "classes",
}
CHOICE = (
    "the first images that every arm gets right, then the first on which arms disagree, or which all miss where they "
    "hardly disagree, with classes in turn"
)


def gradcam_picture(results: Results, maps: StudyMaps) -> Picture:
    """Return the maps of all arms over the same test images, side by side."""
    names, places = results.class_names, range(len(maps.images))
    said = "; ".join(f"{text.printable(names[maps.labels[k]])}: {_predictions(maps, k, names)}" for k in places)
    headers = [(text.shorten(arm.arm, 16), text.shorten(arm_title(arm.arm), 23)) for arm in maps.arms]
    return Picture(
        name="gradcam",
        figure=gradcam.gradcam_rows(TITLES[maps.target], headers, [_row(maps, k, names) for k in places]),
        alt=f"Grad-CAM maps of {text.count(len(places), 'test image')} side by side for "
        f"{', '.join(arm.arm for arm in maps.arms)}. True class and predictions: {said}. {agreements_text(maps)}",
        caption=f"Each map has its own scale: compare places, not strengths. {_images(maps)}",
        method=" ".join(filter(None, [_method(maps), agreements_text(maps), _notes(results, maps)])),
        embed="png",
    )


def _row(maps: StudyMaps, k: int, names: Sequence[str]) -> gradcam.Row:
    image = maps.pixels[k]
    cells = [
        gradcam.Cell(
            overlay=upsample(arm.maps[k : k + 1], image.shape[1:])[0],
            note=f"{text.shorten(names[arm.predictions[k]], 10)}, {100 * arm.confidences[k]:.0f} %",
            right=arm.predictions[k] == maps.labels[k],
        )
        for arm in maps.arms
    ]
    true_class = text.shorten(names[maps.labels[k]], 16)
    return gradcam.Row(image=image, name=f"no. {maps.images[k]}", note=true_class, cells=cells)


def _predictions(maps: StudyMaps, k: int, names: Sequence[str]) -> str:
    return ", ".join(
        f"{arm.arm} {text.printable(names[arm.predictions[k]])} {text.percent(arm.confidences[k])}"
        + ("" if arm.maps[k].any() else " (map is empty)")
        for arm in maps.arms
    )


def _method(maps: StudyMaps) -> str:
    h, w = maps.map_shape
    return (
        f"Grad-CAM at {text.printable(maps.layer)} ({h}x{w} positions, up-sampled bilinearly), seed {maps.seed}: "
        f"{TARGETS[maps.target]}."
    )


def _images(maps: StudyMaps) -> str:
    return f"Numbers are places in the test split{'' if maps.named else f': {CHOICE}'}."


def agreements_text(maps: StudyMaps) -> str:
    """Say how much the maps of every two arms agree, and over how many images."""
    if not maps.agreements:
        return "With one arm there are no maps to compare."
    pairs = "; ".join(f"{one.a} and {one.b} {_agreement(one)}" for one in maps.agreements)
    return (
        f"Spearman's rank correlation of two arms' maps of the same image, mean ± standard deviation over "
        f"{text.count(maps.num_sampled, 'test image')} spread evenly over the split: {pairs}."
    )


def _agreement(agreement: Agreement) -> str:
    ranks = agreement.ranks
    left_out = f", {ranks.left_out} left out for an empty or constant map" if ranks.left_out else ""
    if ranks.mean is None:
        return f"nothing to compare (n = 0{left_out})"
    spread = "" if ranks.std is None else f" ± {ranks.std:.2f}"
    by_place = "" if ranks.mismatched is None else f", against {ranks.mismatched:.2f} for maps of different images"
    return f"{ranks.mean:.2f}{spread} (n = {ranks.n}{left_out}){by_place}"


def _notes(results: Results, maps: StudyMaps) -> str:
    notes = []
    if results.study["machine"]["precision"] != "float32":
        notes.append("The networks run in float32 here, so a prediction near a tie can differ from the study's.")
    if maps.left_out:
        notes.append(f"Without a finished run at this seed: {', '.join(maps.left_out)}.")
    return " ".join(notes)
