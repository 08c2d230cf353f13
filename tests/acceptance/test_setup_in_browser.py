"""The set-up page in a real browser over a real server: it ticks itself, works without JavaScript, fits a phone."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import expect
from tests.acceptance.browsing import PHONE, launched, until, visitor
from tests.serving import ServerProcess, done


def test_the_set_up_page_ticks_itself_while_somebody_looks(chromium: Path, tmp_path: Path) -> None:
    with ServerProcess(tmp_path / "data") as server, launched(chromium) as browser:
        link = done("doctor", "--link", *server.place).strip()
        assert link.startswith(f"{server.url}/setup?open=")
        with visitor(browser) as page:
            assert page.request.head(link).status == 200
            page.goto(link)
            page.get_by_role("button", name="Open set-up").click()
            step = page.locator('[data-name="The first product view"]')
            expect(step.locator(".state")).to_have_text("Waiting")
            assert server.view("v-1") == 200
            expect(step.locator(".state")).to_have_text("Done")
            expect(step).to_contain_text("boot-1")
            expect(page.get_by_role("status")).to_contain_text("The first product view: done")
            page.context.grant_permissions(["clipboard-read", "clipboard-write"])
            page.get_by_role("button", name="Copy: The snippet").click()
            snippet = page.get_by_label("The snippet", exact=True).input_value()
            assert snippet.startswith("<script>")
            until(page, lambda: page.evaluate("navigator.clipboard.readText()") == snippet)
            page.get_by_text("WooCommerce", exact=True).click()
            with page.expect_download() as plugin:
                page.get_by_role("link", name="Download opportune.zip").click()
            assert plugin.value.suggested_filename == "opportune.zip"
            cookies = page.context.storage_state()
        with visitor(browser, PHONE, java_script_enabled=False, storage_state=cookies) as page:
            page.goto(f"{server.url}/setup")
            expect(page.get_by_role("heading", level=1)).to_have_text("Set-up")
            expect(page.get_by_role("heading", name="Recipes")).to_be_visible()
            page.get_by_label("The snippet", exact=True).press("Control+a")
            assert page.get_by_role("button", name="Copy: The snippet").count() == 0
            width = page.get_by_role("main").bounding_box()
            assert width is not None
            assert width["x"] + width["width"] <= PHONE["width"]
        with visitor(browser) as page:
            page.goto(link)
            expect(page.get_by_text("This link was used already")).to_be_visible()
        assert link.rpartition("=")[2] not in server.printed()
