"""Pictures as files."""

from collections.abc import Sequence
from pathlib import Path
from typing import cast

from matplotlib.figure import Figure

from whichnorm.errors import SpecError
from whichnorm.files import expand, write_in_one_step
from whichnorm.render.picture import Picture
from whichnorm.render.style import Format, saved

FORMATS = (".png", ".svg")
NOT_WRITTEN = (".gif", ".jpeg", ".jpg", ".pdf", ".webp")
REMEDY = "make room or choose another --out"


def write_picture(picture: Picture, folder: Path) -> dict[Format, bytes]:
    """Write a picture into a folder in both formats and return their content."""
    files = saved(picture.figure)
    for suffix, data in files.items():
        write_in_one_step(folder / f"{picture.name}.{suffix}", data)
    return files


def write_figure(figure: Figure, file: Path) -> None:
    """Write a figure into a file, in the format that its name ends in."""
    suffix = cast(Format, file.suffix.lower().removeprefix("."))
    write_in_one_step(file, saved(figure, [suffix])[suffix], REMEDY)


def check_file(out: str) -> Path:
    """Return --out as the path of a file that ends in .png or .svg."""
    path = expand(out)
    if path.suffix.lower() not in FORMATS:
        raise SpecError(f"--out {out}: expected a file that ends in {' or '.join(FORMATS)}")
    if path.is_dir():
        raise SpecError(f"--out {out} is a folder; expected the name of a file")
    return path


def check_place(out: str) -> Path:
    """Return --out as a path: a folder, or a file that ends in .png or .svg."""
    path = expand(out)
    if path.suffix.lower() in NOT_WRITTEN and not path.is_dir():
        raise SpecError(f"--out {out}: expected a folder, or a file that ends in {' or '.join(FORMATS)}")
    return check_file(out) if is_file(path) else path


def is_file(place: Path) -> bool:
    """Tell whether a place is the name of one picture, rather than of a folder for all of them."""
    return place.suffix.lower() in FORMATS


def write_pictures(pictures: Sequence[Picture], place: Path) -> list[Path]:
    """Write pictures into a folder in both formats, or a single one into a file; return a path of each."""
    if not is_file(place):
        for picture in pictures:
            write_picture(picture, place)
        return [place / f"{picture.name}.png" for picture in pictures]
    if len(pictures) != 1:
        names = ", ".join(picture.name for picture in pictures)
        raise SpecError(f"--out {place}: there are {len(pictures)} pictures ({names}); name a folder, or fewer --norms")
    write_figure(pictures[0].figure, place)
    return [place]
