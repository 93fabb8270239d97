"""A page in a real browser: chromium driven by playwright, and everything the page complains of or asks for."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

_OPTIONS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--no-first-run",
    "--disable-sync", "--disable-dev-shm-usage", "--autoplay-policy=no-user-gesture-required",
]  # fmt: skip


class Opened:
    """A page, and what it complained about and asked for."""

    def __init__(self, browser: Any, path: Path, **context: Any) -> None:
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.page = browser.new_context(**context).new_page()
        self.page.on("console", lambda m: self.complaints.append(m.text) if m.type in ("error", "warning") else None)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(path.as_uri())

    @property
    def foreign(self) -> list[str]:
        """Addresses asked for that are neither the page nor within it."""
        return [url for url in self.requests if not url.startswith("data:")][1:]

    @property
    def width(self) -> int:
        """How wide the page is; more than the window is where it scrolls sideways."""
        return self.page.evaluate("document.documentElement.scrollWidth")


@contextmanager
def chromium() -> Iterator[Any]:
    """The browser; skips the test where it or playwright is absent."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="no browser: playwright is not installed")
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        pytest.skip("no browser: chromium is not installed")
    with sync_api.sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=program, headless=True, args=_OPTIONS)
