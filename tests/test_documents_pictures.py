"""The documents' own pictures: present, small, and made again by one command."""

import os
import shutil

import pytest
from documents import ROOT
from PIL import Image

from docs.make import pictures


def test_the_picture_of_the_report_is_one_screen_and_small():
    path = ROOT / "docs" / "pictures" / "report.png"
    with Image.open(path) as image:
        assert image.size == (pictures.WIDTH, pictures.HEIGHT)
    assert path.stat().st_size < 200_000


def test_a_first_screen_is_taken_at_its_width(tmp_path):
    if not any(map(shutil.which, pictures.BROWSERS)) and "CI" not in os.environ:
        pytest.skip("there is no Chromium")
    page = tmp_path / "page.html"
    page.write_text("<body style='margin: 0'><div style='width: 100vw; height: 100vh; background: #0f0'></div>")
    pictures.first_screen(page, tmp_path / "shot.png")
    with Image.open(tmp_path / "shot.png") as image:
        assert image.size == (pictures.WIDTH, pictures.HEIGHT)
        assert image.convert("RGB").getcolors() == [(pictures.WIDTH * pictures.HEIGHT, (0, 255, 0))]


def test_without_a_browser_one_line_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    page = tmp_path / "study" / "report" / "index.html"
    with pytest.raises(SystemExit, match=r"whichnorm report .*study --data-dir DIR makes it"):
        pictures.first_screen(page, tmp_path / "shot.png")
    page.parent.mkdir(parents=True)
    page.write_text("<p>")
    with pytest.raises(SystemExit, match="none of chromium"):
        pictures.first_screen(page, tmp_path / "shot.png")
