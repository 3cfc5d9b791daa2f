"""Studies made quickly, for tests that look at one part of them; each shortcut holds within its `with`."""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest
from PIL import Image

from whichnorm import report
from whichnorm.analyses import ANALYSES
from whichnorm.errors import StudyError
from whichnorm.render import files


@contextmanager
def no_report() -> Iterator[None]:
    """End studies with their results: a report takes seconds, nearly all of them to draw its pictures."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(report, "write_report", lambda results, found: results.folder / "report" / "index.html")
        yield


@contextmanager
def records_alone() -> Iterator[None]:
    """End studies with their records and what follows from these: no analysis is made, nothing is drawn."""
    with no_report(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(report, "measure_all", _nothing_measured)
        yield


def _nothing_measured(*_: object) -> Iterator[tuple[str, StudyError]]:
    for analysis in ANALYSES:
        yield analysis.name, StudyError("not measured in this test")


@contextmanager
def undrawn() -> Iterator[None]:
    """Write every picture of a report as one pixel."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "saved", _one_pixel)
        yield


def _one_pixel(figure: object, formats: Sequence[str] = ("svg", "png")) -> dict[str, bytes]:
    png = io.BytesIO()
    Image.new("RGB", (1, 1)).save(png, "PNG")
    files = {"svg": b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', "png": png.getvalue()}
    return {format: files[format] for format in formats}
