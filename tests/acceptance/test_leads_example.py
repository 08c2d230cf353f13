"""The example of a business that wants leads, in a real browser against a real server, as its README sets it up."""

from __future__ import annotations

import functools
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from playwright.sync_api import Page, expect
from tests.acceptance.browsing import launched, until, visitor
from tests.serving import ROOT, WRITE_KEY, ServerProcess, done

EXAMPLE = ROOT / "examples" / "leads"
PASTE = "<!-- Here goes what `opportune snippet --forms` prints. -->"
NORMAL = "We answer within one working day."


class Files(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def site(folder: Path) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Files, directory=folder))
    thread = Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def kept(page: Page) -> str:
    """What was decided for the next page."""
    return str(page.evaluate("sessionStorage.opportune || ''"))


def test_who_leaves_the_form_is_reassured_and_who_sent_it_is_not_asked_again(
    chromium: Path, tmp_path: Path
) -> None:
    pages = shutil.copytree(EXAMPLE, tmp_path / "site")
    with ServerProcess(tmp_path / "data", "--playbook", EXAMPLE / "playbook") as server:
        place = ("--url", server.url, "--key", WRITE_KEY, *server.place)
        paste = done("snippet", "--consent", "none", "--forms", *place)
        for path in pages.glob("*.html"):
            assert PASTE in path.read_text()
            path.write_text(path.read_text().replace(PASTE, paste))
        with launched(chromium) as browser, site(pages) as address, visitor(browser) as page:
            banner, note = page.locator("[data-slot=offer-banner]"), page.locator("[data-slot=form-note]")
            # A rule waits for the first event of each kind it names: somebody tried the form.
            tried = {
                "type": "track",
                "event": "Form Submitted",
                "userId": "mia",
                "properties": {"form": "ask"},
            }
            assert server.post("/v1/track", tried)[0] == 200
            page.goto(f"{address}/index.html")
            page.wait_for_function("window.opportuneForms")
            page.get_by_label("e-mail").press_sequentially("mia@home.example")
            until(page, lambda: "No obligation" in kept(page))
            page.get_by_role("link", name="What it costs").click()
            expect(note).to_contain_text("No obligation")
            expect(banner).to_be_visible()

            page.get_by_role("link", name="Back").click()
            page.wait_for_url("**/index.html")  # with everything in it, so also with the script for forms
            page.get_by_label("e-mail").fill("mia@home.example")
            page.get_by_label("town").fill("Fulda")
            page.get_by_role("button").click()
            expect(page.locator("#thanks")).to_be_visible()
            until(page, lambda: '"hide"' in kept(page) and "No obligation" not in kept(page))
            page.get_by_role("link", name="What it costs").click()
            expect(note).to_have_text(NORMAL)
            expect(banner).to_be_hidden()
            _, answer, _ = server.get("/v1/events?limit=100")
            names = [event["name"] for event in answer["events"][::-1]]
            told = [name for name in names if "Form" in name or "Lead" in name]
            assert told == [
                "Form Submitted",
                "Form Started",
                "Form Started",
                "Form Submitted",
                "Lead Generated",
            ]
