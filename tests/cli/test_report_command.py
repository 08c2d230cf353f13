"""`opportune report` on a folder: one screen for a marketer, the same as JSON and as a page, words for bad input."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from tests.experiments import experiment, measured
from tests.serving import RULE, SLOT, TEAM, done, run_command

from opportune.app.clock import now_ms
from opportune.app.house import opened_house
from opportune.core.experiments.experiment import Experiment
from opportune.core.experiments.measured import Measured
from opportune.core.moment import DAY
from opportune.process.place import Place
from opportune.services.publishing import publish

FILES = {
    "team.yaml": TEAM,
    "slots/home-hero.yaml": SLOT.format(headline="Welcome"),
    "rules/viewed.yaml": RULE.format(times=2) + "test: half and half, on orders\n",
}
Seed = Callable[..., Path]


@pytest.fixture
def seed(tmp_path: Path) -> Seed:
    """Makes a folder with one rule, its test, and what was measured of it."""

    def make(days_ago: int = 40, sums: dict[str, Any] | None = None, **other: Any) -> Path:
        of = experiment(now_ms() - days_ago * DAY, **other)
        with opened_house(Place(tmp_path)) as house:
            publish(house, FILES)
            house.storage.write(
                lambda transaction: keep(transaction, of, measured(of, **(sums or {})))
            ).result()
        return tmp_path

    return make


def keep(transaction: Any, of: Experiment, sums: Measured) -> None:
    transaction.put_experiment(of)
    transaction.put_measured(sums)


def report(folder: Path, *arguments: object) -> str:
    return done("report", "--data", folder, *arguments)


CLEAR = {"people": (1000, 1000), "bought": (20, 30)}


def test_a_rules_report_fits_one_screen_and_says_what_to_do(seed: Seed) -> None:
    printed = report(seed(sums=CLEAR), "Viewed something")
    lines = printed.splitlines()
    assert len(lines) <= 40
    assert max(map(len, lines)) <= 100
    assert lines[0] == "Viewed something, live"
    assert lines[1].startswith("A visitor viewed a product at least 2 times in 7 days")
    assert "[Keep] the test was over on" in printed
    assert re.search(r"^Next: \w", printed, re.MULTILINE)
    assert re.search(r"^Without it  2 of 100 bought  #{20}$", printed, re.MULTILINE)
    assert re.search(r"^With it     3 of 100 bought  #{30}$", printed, re.MULTILINE)
    assert "50% more; between" in printed


def test_without_a_rule_it_tells_of_all(seed: Seed) -> None:
    printed = report(seed(sums=CLEAR))
    assert printed.startswith("Test shop: is it earning?")
    assert "Viewed something (live): keep" in printed


def test_as_json_it_is_what_the_words_were_made_from(seed: Seed) -> None:
    folder = seed(sums=CLEAR)
    found = json.loads(report(folder, "viewed something", "--json"), parse_constant=fail_on)
    assert found["conclusion"]["state"] == "keep"
    assert [arm["decided"] for arm in found["people"]] == [28_000, 28_000]
    assert json.loads(report(folder, "--json"))["tests"][0]["conclusion"] == found["conclusion"]


def fail_on(constant: str) -> None:
    raise AssertionError(f"{constant} is no number")


class Page(HTMLParser):
    """What a page asks for from elsewhere, and how its elements nest."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.open: list[str] = []
        self.tags: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.asked += [value or "" for name, value in attrs if name in {"src", "href", "data"}]
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_as_a_page_it_needs_nothing_else(seed: Seed, tmp_path: Path) -> None:
    folder, file = seed(sums=CLEAR), tmp_path / "report.html"
    assert report(folder, "Viewed something", "--html", file) == f"Wrote {file}\n"
    text = file.read_text()
    page = Page(text)
    assert page.open == []
    assert page.asked == []
    assert "script" not in page.tags
    assert not re.search(r"url\(|@import|https?://(?!www\.w3\.org)", text)
    assert page.tags.count("svg") == page.tags.count("figure") >= 3
    assert page.tags.count("details") == page.tags.count("figure") - 1  # a bar carries its number itself
    report(folder, "--html", file)
    assert "<h1>Is it earning?</h1>" in file.read_text()


def test_a_page_that_cannot_be_written_is_said(seed: Seed, tmp_path: Path) -> None:
    finished = run_command("report", "--data", seed(), "--html", tmp_path / "no" / "report.html")
    assert finished.returncode == 1
    assert (
        finished.stderr == f"opportune: Cannot write {tmp_path}/no/report.html: No such file or directory.\n"
    )


def test_fresh_counts_the_events_anew(seed: Seed) -> None:
    folder = seed(sums=CLEAR)
    assert "[Keep]" in report(folder, "Viewed something")
    assert "[No data]" in report(folder, "Viewed something", "--fresh")


@pytest.mark.parametrize(
    ("sums", "days_ago", "state"),
    [
        ({"people": (0, 0), "bought": (0, 0)}, 40, "No data"),
        ({"people": (1, 0), "bought": (0, 0), "days": 1}, 10, "Collecting"),
        ({"people": (0, 100), "bought": (0, 3)}, 40, "Do not trust this"),
        ({"people": (100, 100), "bought": (0, 0)}, 40, "No data"),
        ({"people": (100, 100), "bought": (100, 100)}, 40, "Not proven"),
        ({"people": (100, 100), "bought": (2, 3), "paid": 10**30}, 40, "Not proven"),
    ],
    ids=["nobody", "one visitor", "all in one arm", "nobody bought", "everybody bought", "absurd revenue"],
)
def test_bad_numbers_get_a_state_in_words(
    seed: Seed, sums: dict[str, Any], days_ago: int, state: str
) -> None:
    folder = seed(days_ago, sums)
    printed = report(folder, "Viewed something")
    assert f"[{state}]" in printed
    assert not re.search(r"\b(nan|inf|None|Traceback)\b", printed, re.IGNORECASE)
    json.loads(report(folder, "Viewed something", "--json"), parse_constant=fail_on)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (
            "Viewd something",
            "A rule named 'Viewd something' (did you mean 'Viewed something'?) was not found.",
        ),
        ("zzz", "A rule named 'zzz' (there are: Viewed something) was not found."),
        ("", "Name a rule, or leave it out for all of them."),
    ],
)
def test_an_unknown_rule_is_one_line(seed: Seed, name: str, words: str) -> None:
    finished = run_command("report", "--data", seed(), name)
    assert finished.returncode == 1
    assert finished.stdout == ""
    assert finished.stderr == f"opportune: {words}\n"


def test_where_nothing_is_installed_it_says_so(tmp_path: Path) -> None:
    finished = run_command("report", "--data", tmp_path / "nowhere")
    assert finished.returncode == 1
    assert finished.stderr.startswith("opportune: There is no installation in")
