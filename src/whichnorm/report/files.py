"""Pictures as files."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, cast

from whichnorm.errors import SpecError
from whichnorm.record import write_in_one_step
from whichnorm.report.figures.style import saved
from whichnorm.report.pictures.picture import Picture

FORMATS = (".png", ".svg")
NOT_WRITTEN = (".gif", ".jpeg", ".jpg", ".pdf", ".webp")


def write_picture(picture: Picture, folder: Path) -> dict[Literal["svg", "png"], bytes]:
    """Write a picture into a folder in both formats and return their content."""
    files = saved(picture.figure)
    for suffix, data in files.items():
        write_in_one_step(folder / f"{picture.name}.{suffix}", data)
    return files


def check_place(out: str) -> Path:
    """Return --out as a path: a folder, or a file that ends in .png or .svg."""
    path = Path(out).expanduser()
    if path.suffix.lower() in NOT_WRITTEN and not path.is_dir():
        raise SpecError(f"--out {out}: expected a folder, or a file that ends in {' or '.join(FORMATS)}")
    if is_file(path) and path.is_dir():
        raise SpecError(f"--out {out} is a folder; expected the name of a file, or a folder not named like a picture")
    return path


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
    suffix = cast(Literal["svg", "png"], place.suffix.lower().removeprefix("."))
    write_in_one_step(place, saved(pictures[0].figure)[suffix])
    return [place]
