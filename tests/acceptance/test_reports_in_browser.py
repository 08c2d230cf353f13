"""The report pages in a real browser over a real server: from the link of the set-up page, on a phone, and on paper."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from tests.acceptance.browsing import DESKTOP, PHONE, launched, visitor
from tests.experiments import experiment, measured
from tests.serving import RULE, SLOT, TEAM, ServerProcess, done

from opportune.app.clock import now_ms
from opportune.app.house import opened_house
from opportune.core.moment import DAY
from opportune.process.place import Place
from opportune.services.publishing import publish

FILES = {
    "team.yaml": TEAM,
    "slots/home-hero.yaml": SLOT.format(headline="Welcome"),
    "rules/viewed.yaml": RULE.format(times=2) + "test: half and half, on orders\n",
}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    of = experiment(now_ms() - 20 * DAY)
    sums = measured(
        of, days=20, people=(400, 400), bought=(8, 10), shown=True, crossed=(1, 1), is_frozen=True
    )

    def put(transaction: Any) -> None:
        transaction.put_experiment(of)
        transaction.put_measured(sums)

    data = tmp_path / "data"
    data.mkdir()
    with opened_house(Place(data)) as house:
        publish(house, FILES)
        house.storage.write(put).result()
    with ServerProcess(data) as running:
        yield running


LEFT = "net::ERR_ABORTED"
"""What becomes of a request when its page is left: Set-up asks how it goes every few seconds."""


def listen(page: Page) -> list[str]:
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("requestfailed", lambda request: said.append(request.url) if request.failure != LEFT else None)
    return said


def widest(page: Page) -> int:
    return int(page.evaluate("document.documentElement.scrollWidth"))


def test_a_marketer_reads_a_report_from_the_set_up_page_on(chromium: Path, server: ServerProcess) -> None:
    link = done("doctor", "--link", *server.place, "--url", server.url).strip()
    with launched(chromium) as browser:
        with visitor(browser, DESKTOP) as page:
            said = listen(page)
            page.goto(link)
            page.get_by_role("button").click()
            page.get_by_role("link", name="Reports").click()
            expect(page.get_by_role("heading", level=1)).to_have_text("Is it earning?")
            page.get_by_role("link", name="Viewed something").click()
            expect(page.get_by_role("heading", level=1)).to_contain_text(
                "A visitor viewed a product at least 2 times"
            )
            expect(page.get_by_text("Collecting", exact=True)).to_be_visible()
            expect(page.get_by_role("img", name="The difference so far")).to_be_visible()
            table = page.get_by_role("region", name="The difference so far, as a table")
            expect(table).to_be_hidden()
            page.get_by_text("The numbers of this picture").first.click()
            expect(table.get_by_role("row").nth(10)).to_be_visible()
            page.get_by_role("link", name="All reports").click()
            expect(page.get_by_role("heading", level=1)).to_have_text("Is it earning?")
            assert said == []
            session = page.context.storage_state()
        with visitor(browser, PHONE, java_script_enabled=False, storage_state=session) as page:
            for path in ("/reports", "/reports/Viewed%20something", "/reports/programme"):
                answer = page.goto(server.url + path)
                assert answer is not None
                assert answer.status == 200
                assert widest(page) == PHONE["width"]
            answer = page.goto(f"{server.url}/reports/Viewd%20something")
            assert answer is not None
            assert answer.status == 404
            expect(page.get_by_text("did you mean 'Viewed something'")).to_be_visible()
        with visitor(browser) as page:
            page.goto(f"{server.url}/reports")
            expect(page.get_by_text("This page opens with a link.")).to_be_visible()


def test_a_report_in_a_file_is_whole_on_a_phone_and_on_paper(
    chromium: Path, server: ServerProcess, tmp_path: Path
) -> None:
    file = tmp_path / "report.html"
    done("report", "Viewed something", *server.place, "--html", file)
    with launched(chromium) as browser, visitor(browser, PHONE) as page:
        said = listen(page)
        page.goto(file.as_uri())
        expect(page.get_by_role("img", name="The difference so far")).to_be_visible()
        assert widest(page) == PHONE["width"]
        page.emulate_media(media="print")
        expect(page.get_by_text("The numbers of this picture").first).to_be_hidden()
        expect(page.get_by_role("img", name="The difference so far")).to_be_visible()
        assert page.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
        assert said == []
