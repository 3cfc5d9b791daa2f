"""The section of Grad-CAM maps, headed by how much the arms' maps agree."""

from collections.abc import Iterator, Sequence

from whichnorm.analyses.gradcam.found import GradCamFound, StudyMaps
from whichnorm.analyses.gradcam.pictures import gradcam_picture
from whichnorm.analyses.gradcam.tables import agreements_table, correlation_text, images_table
from whichnorm.analyses.kept import damage_text
from whichnorm.render import text
from whichnorm.render.content import Folded, Section
from whichnorm.results.results import Results
from whichnorm.specs.names import enclosed, named


def section(found: GradCamFound, results: Results) -> Section:
    """Show the maps of all arms side by side, and how much they agree."""
    agreements = agreements_table(found.maps)
    images = images_table(found, results.class_names)
    return Section(
        title=title(found.maps),
        sentences=tuple(_notes(found, results)),
        tables=(agreements,) if agreements else (),
        pictures=(gradcam_picture(found, results),),
        folded=(Folded(summary="The images and what the arms predict", tables=(images,)),),
    )


def title(maps: StudyMaps) -> str:
    """Say how much maps agree on the same image and on different ones; of several pairs, the least and the most."""
    compared = [one for one in maps.agreements if one.ranks.mismatched is not None]
    if not compared:
        return f"Where {enclosed([maps.arms[0].arm])} looks" if len(maps.arms) == 1 else "Where the arms look"
    whose = f"maps of {enclosed([compared[0].a, compared[0].b])}" if len(compared) == 1 else "two arms' maps"
    same = _range([one.ranks.mean for one in compared])
    different = _range([one.ranks.mismatched for one in compared])
    return f"Where the arms look: {whose} agree with {same} on the same image, with {different} on different ones"


def _range(correlations: Sequence[float | None]) -> str:
    known = [value for value in correlations if value is not None]
    low, high = correlation_text(min(known)), correlation_text(max(known))
    return low if low == high else f"{low} to {high}"


def _notes(found: GradCamFound, results: Results) -> Iterator[str]:
    maps = found.maps
    if maps.left_out:
        yield f"Without a finished run at seed {maps.seed}: {named(maps.left_out)}."
    if results.study["machine"]["precision"] != "float32":
        yield "The networks run in float32 here, so a prediction near a tie can differ from the study's."
    if found.damage:
        yield text.printable(damage_text([found.damage]))
