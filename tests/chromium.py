"""The installed Chromium, driven by playwright: a file in a window of its own, and what the browser said of it."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
OPTIONS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking",
           "--disable-component-update", "--disable-sync")  # fmt: skip
PATIENCE = 60_000  # milliseconds until a test fails instead of waiting on
HEIGHT = 900


def find() -> str | None:
    return next(filter(None, map(shutil.which, NAMES)), None)


@contextmanager
def browser(program: str) -> Iterator[Browser]:
    """Start an installed Chromium, with a profile of its own, and end it afterwards."""
    with sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=program, args=OPTIONS, timeout=PATIENCE)
        yield started
        started.close()


@contextmanager
def window(browser: Browser, path: Path, width: int = 1280, dark: bool = False, script: bool = True) -> Iterator[Page]:
    """Open a file in a window of that width, which shares nothing with other windows; it has loaded."""
    scheme = "dark" if dark else "light"
    context = browser.new_context(
        viewport={"width": width, "height": HEIGHT}, color_scheme=scheme, java_script_enabled=script
    )
    context.set_default_timeout(PATIENCE)
    with context:
        page = context.new_page()
        page.goto(path.resolve().as_uri())
        yield page


def complaints(page: Page) -> list[str]:
    """Return the console's errors and warnings, and uncaught exceptions."""
    bad = {"error", "warning", "assert"}
    return [message.text for message in page.console_messages() if message.type in bad] + [
        str(error) for error in page.page_errors()
    ]


def requests(page: Page) -> list[str]:
    """Return the addresses that the page asked for, data: left out."""
    return [request.url for request in page.requests() if not request.url.startswith("data:")]
