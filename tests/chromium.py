"""A headless Chromium for tests, spoken to over two pipes in the DevTools protocol: JSON messages ended by NUL."""

import base64
import itertools
import json
import os
import select
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome")
PATIENCE = 60  # seconds until a test fails instead of waiting on
KEYS = {"Enter": ("\r", 13), " ": (" ", 32), "Tab": ("", 9), "ArrowLeft": ("", 37), "ArrowUp": ("", 38),
        "ArrowRight": ("", 39), "ArrowDown": ("", 40), "Home": ("", 36), "Escape": ("", 27)}  # fmt: skip


def find() -> str | None:
    return next(filter(None, map(shutil.which, NAMES)), None)


class Browser:
    """One tab. `events` holds everything that the browser reported since the last `open`."""

    def __init__(self, to_browser: int, from_browser: int) -> None:
        self._to, self._from, self._buffer = to_browser, from_browser, b""
        self._numbers, self._session = itertools.count(1), None
        self.events: list[dict[str, Any]] = []
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")
        self.send("Page.setLifecycleEventsEnabled", enabled=True)

    def send(self, method: str, **params: Any) -> dict[str, Any]:
        """Call a method of the protocol and return its result."""
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while (answer := self._receive()).get("id") != number:
            self.events.append(answer)
        assert "error" not in answer, (method, answer)
        return answer["result"]

    def _receive(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            assert select.select([self._from], [], [], PATIENCE)[0], "the browser does not answer"
            part = os.read(self._from, 1 << 20)
            assert part, "the browser has ended"
            self._buffer += part
        message, _, self._buffer = self._buffer.partition(b"\0")
        return json.loads(message)

    def open(self, path: Path, width: int = 1280, dark: bool = False, script: bool = True) -> None:
        """Open a file in a window of that width; returns when it has loaded."""
        self.send("Emulation.setScriptExecutionDisabled", value=not script)
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.send("Emulation.setEmulatedMedia", features=[scheme])
        self.events.clear()
        loader = self.send("Page.navigate", url=path.resolve().as_uri())["loaderId"]
        self.wait(lambda: any(self._is_loaded(event, loader) for event in self.events))

    @staticmethod
    def _is_loaded(event: dict[str, Any], loader: str) -> bool:
        params = event["params"]
        return event["method"] == "Page.lifecycleEvent" and (params["name"], params["loaderId"]) == ("load", loader)

    def wait(self, done: Callable[[], Any]) -> None:
        """Return when `done` returns true."""
        end = time.monotonic() + PATIENCE
        while not done():
            assert time.monotonic() < end, "waited in vain"
            self.evaluate("0")  # brings in the events

    def evaluate(self, expression: str) -> Any:
        """Return the value of a JavaScript expression, promises awaited."""
        answer = self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def point(self, selector: str, across: float = 0.5) -> tuple[float, float]:
        """Bring an element into view and return the place of its middle, or of another share of its width."""
        left, top, width, height = self.evaluate(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)});"
            "e.scrollIntoView({block: 'center', behavior: 'instant'}); const r = e.getBoundingClientRect();"
            "return [r.x, r.y, r.width, r.height]; })()"
        )
        return left + across * width, top + height / 2

    def move(self, selector: str, across: float = 0.5) -> None:
        x, y = self.point(selector, across)
        self.send("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def click(self, selector: str) -> None:
        x, y = self.point(selector)
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def press(self, key: str) -> None:
        text, code = KEYS[key]
        named = {"key": key, "code": "Space" if key == " " else key, "windowsVirtualKeyCode": code}
        self.send("Input.dispatchKeyEvent", type="keyDown", text=text, **named)
        self.send("Input.dispatchKeyEvent", type="keyUp", **named)

    def screenshot(self, path: Path, whole: bool = False) -> None:
        picture = self.send("Page.captureScreenshot", captureBeyondViewport=whole, **self._clip(whole))
        path.write_bytes(base64.b64decode(picture["data"]))

    def _clip(self, whole: bool) -> dict[str, Any]:
        return {"clip": {**self.send("Page.getLayoutMetrics")["cssContentSize"], "scale": 1}} if whole else {}

    def complaints(self) -> list[dict[str, Any]]:
        """Return the console's errors and warnings, and uncaught exceptions."""
        bad = {"error", "warning", "assert"}
        return [
            e for e in self.events
            if e["method"] == "Runtime.exceptionThrown"
            or (e["method"] == "Runtime.consoleAPICalled" and e["params"]["type"] in bad)
            or (e["method"] == "Log.entryAdded" and e["params"]["entry"]["level"] in bad)
        ]  # fmt: skip

    def requests(self) -> list[str]:
        """Return the addresses that the page asked for, data: left out."""
        urls = [e["params"]["request"]["url"] for e in self.events if e["method"] == "Network.requestWillBeSent"]
        return [url for url in urls if not url.startswith("data:")]


@contextmanager
def browser(profile: Path) -> Iterator[Browser]:
    """Start Chromium with descriptors 3 and 4 as its ends of the pipes, and end it afterwards."""
    program = find()
    assert program, "no Chromium: tests/install_chromium.sh installs it"
    child_in, to_browser = os.pipe()
    from_browser, child_out = os.pipe()
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
               "--disable-background-networking", "--hide-scrollbars", f"--user-data-dir={profile}",
               "--remote-debugging-pipe"]  # fmt: skip
    # The shell puts the pipes where Chromium looks for them.
    script = f'exec "$@" 3<&{child_in} 4>&{child_out}'
    process = subprocess.Popen(
        ["bash", "-c", script, "bash", program, *options], pass_fds=(child_in, child_out),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(child_in)
    os.close(child_out)
    try:
        yield Browser(to_browser, from_browser)
    finally:
        os.close(to_browser)  # Chromium ends with its pipe
        os.close(from_browser)
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
