"""Studies made quickly, for tests that look at one part of them; each shortcut holds within its `with`."""

import io
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from PIL import Image

from whichnorm import job as jobs
from whichnorm.commands import report  # it binds what is replaced below, so it comes first  # noqa: F401
from whichnorm.report import files


@contextmanager
def no_report() -> Iterator[None]:
    """End studies with their results: a report takes seconds, nearly all of them to draw its pictures."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jobs, "report_on", lambda job, results: None)
        yield


@contextmanager
def records_alone() -> Iterator[None]:
    """End studies with their records and what follows from these: networks are not examined, nothing is drawn."""
    with no_report(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(jobs, "with_examined", lambda job, results, *, latency=True: results)
        yield


@contextmanager
def undrawn() -> Iterator[None]:
    """Write every picture of a report as one pixel."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "saved", _one_pixel)
        yield


def _one_pixel(figure: object) -> dict[str, bytes]:
    png = io.BytesIO()
    Image.new("RGB", (1, 1)).save(png, "PNG")
    return {"svg": b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', "png": png.getvalue()}
