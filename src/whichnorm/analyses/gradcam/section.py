"""The section of Grad-CAM maps."""

from whichnorm.analyses.gradcam.measure import StudyMaps
from whichnorm.analyses.gradcam.pictures import gradcam_picture
from whichnorm.analyses.gradcam.tables import agreements_table, images_table
from whichnorm.render.content import Folded, Section
from whichnorm.results.results import Results


def gradcam_section(maps: StudyMaps, results: Results) -> Section:
    """Show the maps of all arms side by side, and how much they agree."""
    images, agreements = images_table(maps, results.class_names), agreements_table(maps)
    return Section(
        anchor="gradcam",
        label="Grad-CAM",
        title="Where the arms look",
        sentences=_left_out(maps),
        tables=(agreements,) if agreements else (),
        pictures=(gradcam_picture(results, maps),),
        folded=(Folded(summary="The images and what the arms predict", tables=(images,)),),
        wide=True,
    )


def _left_out(maps: StudyMaps) -> tuple[str, ...]:
    return (f"Without a finished run at seed {maps.seed}: {', '.join(maps.left_out)}.",) if maps.left_out else ()
