"""The demo on a database with two processes: a visitor sees the same as on a file, also while one of them is killed."""

from __future__ import annotations

from pathlib import Path

import psutil
from playwright.sync_api import expect
from tests.acceptance.browsing import launched, until, visitor
from tests.acceptance.test_demo_in_browser import (
    CATEGORY,
    FIRST_TWO,
    demo,
    hero,
    look_at,
    open_panel,
    publish,
    reason,
    see,
)

TURNED = "Back for shoes?"


def servers() -> list[psutil.Process]:
    """The processes that share the server's port."""
    children = psutil.Process().children(recursive=True)
    return [each for each in children if _is_server(each)]


def _is_server(process: psutil.Process) -> bool:
    try:
        if "spawn" not in " ".join(process.cmdline()):
            return False
        return any(each.status == psutil.CONN_LISTEN for each in process.net_connections(kind="tcp"))
    except psutil.Error:  # one of the browser's, ended meanwhile
        return False


def test_a_killed_process_is_not_noticed(chromium: Path, tmp_path: Path, postgres_url: str) -> None:
    on_database = ("--database", postgres_url, "--workers", "2")
    with (
        demo(tmp_path / "folder", *on_database) as url,
        launched(chromium) as browser,
        visitor(browser, base_url=url) as page,
    ):
        see(page, "/")
        open_panel(page)
        page.get_by_role("button", name="Start as a returning visitor").click()
        expect(hero(page)).to_have_text("Made for the long way round")
        look_at(page, *FIRST_TWO)
        see(page, "/")
        expect(hero(page)).to_have_text(TURNED)
        first, second = servers()
        first.kill()
        for _ in range(8):
            see(page, "/")
            expect(hero(page)).to_have_text(TURNED)
            expect(reason(page, "home-hero")).to_contain_text("viewed the same category")
        assert second.is_running()
        publish(page, "category-returner", CATEGORY.format(3))
        expect(page.get_by_role("status")).to_contain_text("A new test starts")
        until(page, lambda: TURNED not in see(page, "/"))  # a process hears of it a moment later
        expect(hero(page)).to_have_text("Made for the long way round")
