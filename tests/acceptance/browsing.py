"""Real browsers for acceptance tests: one Chromium, a fresh visitor for each page asked for."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright

DESKTOP: ViewportSize = {"width": 1280, "height": 800}
PHONE: ViewportSize = {"width": 390, "height": 844}
AGENT = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36"
)
"""A usual one: Chromium without a window calls itself headless, and would be taken for a machine."""

STEP_MS = 500
"""Of a page's clock that is put forward: short enough that answers come in between."""

PATIENCE_SECONDS = 60
"""Only a failing test waits that long."""

expect.set_options(timeout=PATIENCE_SECONDS * 1_000)

IN_NO_TIME = "performance.now = () => 0;"
"""For a page whose answers shall come in time, however busy the machine is: no time passes there."""

FRAME = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done())))"


@contextmanager
def launched(chromium: Path, **more: Any) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            **more,
            executable_path=chromium,
            args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-background-networking"],
        )
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def visitor(browser: Browser, size: ViewportSize = DESKTOP, **more: Any) -> Iterator[Page]:
    """A page of somebody who was never here; a script error in it fails the test."""
    context = browser.new_context(user_agent=AGENT, viewport=size, **more)
    faults: list[str] = []
    context.set_default_timeout(PATIENCE_SECONDS * 1_000)
    page = context.new_page()
    page.on("pageerror", lambda error: faults.append(str(error)))
    try:
        yield page
        assert faults == []
    finally:
        context.close()


def until(page: Page, what: Callable[[], object]) -> None:
    """Lets the browser go on until something is there; the limit is only for a test that fails."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not what():
        assert time.monotonic() < end
        page.wait_for_timeout(20)


def see_frame(page: Page) -> None:
    """Until a whole frame was painted after whatever happened last."""
    page.evaluate(FRAME)


def put_forward(page: Page, what: Callable[[], object]) -> None:
    """The same, with the page's own clock running ahead: what it does seconds later comes at once.

    For a page whose context had `page.clock.install()` before it was opened.
    """

    def later() -> object:
        page.clock.run_for(STEP_MS)
        return what()

    until(page, later)
