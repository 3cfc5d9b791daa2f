"""Make the documents' own pictures anew: python -m docs.make.pictures.

`report.png` is the first screen of a report in a headless Chromium; the others are made by whichnorm's commands.
"""

import shutil
import subprocess
import tempfile
from pathlib import Path

from PIL import Image

from whichnorm.cli import main as whichnorm

ROOT = Path(__file__).parents[2]
PICTURES = ROOT / "docs" / "pictures"
REPORT = ROOT / "results" / "wynet_seeds" / "report" / "index.html"
WIDTH, HEIGHT = 1400, 800  # of the first screen, in pixels
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
QUIET = "headless no-sandbox disable-gpu disable-quic no-first-run disable-background-networking disable-sync " \
        "disable-component-update hide-scrollbars"  # fmt: skip


def first_screen(page: Path, picture: Path) -> None:
    """Write what a reader of a page sees first as a PNG; without the page or a browser, SystemExit."""
    if not page.exists():
        raise SystemExit(f"{page}: not kept in git; whichnorm report {page.parents[1]} --data-dir DIR makes it")
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        raise SystemExit(f"no picture of {page.name}: none of {', '.join(BROWSERS)} is installed")
    with tempfile.TemporaryDirectory() as folder:
        shot = Path(folder) / "shot.png"
        options = [f"--{option}" for option in QUIET.split()]
        options += [f"--user-data-dir={folder}/profile", f"--window-size={WIDTH},{HEIGHT}", f"--screenshot={shot}"]
        subprocess.run([browser, *options, page.as_uri()], check=True, capture_output=True, timeout=120)
        with Image.open(shot) as image:
            image.convert("RGB").save(picture, optimize=True)


def main() -> None:
    """Make all of them."""
    first_screen(REPORT, PICTURES / "report.png")
    whichnorm(["explain", "--out", str(PICTURES / "sets.svg")])
    whichnorm(["show", "wynet", "--norm", "gn:2", "--svg", str(PICTURES / "wynet.svg")])


if __name__ == "__main__":
    main()
