"""User agents: what people hold, and who is nobody."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opportune.core.visitor.user_agent import agent_of, device_type_of, is_ahead, is_machine

WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0"
APPLE = "AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5"
CHROME = f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {WEBKIT} Safari/537.36"
HEADLESS = CHROME.replace("Chrome/", "HeadlessChrome/")
PEOPLE = {
    CHROME: "desktop",
    f"Mozilla/5.0 (Macintosh; Intel Mac OS X 14_5) {APPLE} Safari/605.1.15": "desktop",
    "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0": "desktop",
    f"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) {APPLE} Mobile/15E148 Safari/604.1": "mobile",
    f"Mozilla/5.0 (Linux; Android 10; K) {WEBKIT} Mobile Safari/537.36": "mobile",
    f"Mozilla/5.0 (Linux; Android 9; CUBOT_P30) {WEBKIT} Mobile Safari/537.36": "mobile",
    f"Mozilla/5.0 (iPad; CPU OS 16_6 like Mac OS X) {APPLE} Mobile/15E148 Safari/604.1": "tablet",
    f"Mozilla/5.0 (Linux; Android 14; SM-X710) {WEBKIT} Safari/537.36": "tablet",
    f"Mozilla/5.0 (Linux; Android 11; KFTRWI) AppleWebKit/537.36 Silk/131.1.1 like {WEBKIT}": "tablet",
}
MACHINES = (
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "GPTBot/1.0 (+https://openai.com/gptbot)",
    "facebookexternalhit/1.1",
    "Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)",
    "Pingdom.com_bot_version_1.4_(http://www.pingdom.com/)",
    "StatusCake_Pagespeed_Indev",
    "Better Uptime Bot Mozilla/5.0",
    "Better Stack Better Uptime Bot",
    "HetrixTools Uptime Monitoring Bot. https://hetrix.tools/uptime-monitoring-bot.html",
    "curl/8.5.0",
    "python-requests/2.31",
    "ELB-HealthChecker/2.0",
    "kube-probe/1.28",
    "GoogleHC/1.0",
    HEADLESS,
)


@pytest.mark.parametrize(("text", "device"), PEOPLE.items())
def test_people_are_told_by_what_they_hold(text: str, device: str) -> None:
    assert device_type_of(text) == device
    assert not is_machine(text)


@pytest.mark.parametrize("text", MACHINES)
def test_bots_and_uptime_checks_are_machines(text: str) -> None:
    assert is_machine(text)
    assert device_type_of(text) == "bot"


def test_an_automated_browser_may_count_as_a_person_where_a_setting_says_so() -> None:
    assert is_machine(HEADLESS)
    assert not is_machine(HEADLESS, headless_is_machine=False)
    assert is_machine("curl/8.5.0", headless_is_machine=False)


@pytest.mark.parametrize(
    "headers",
    [
        {"purpose": "prefetch"},
        {"sec-purpose": "prefetch"},
        {"sec-purpose": "prefetch;prerender"},
        {"x-moz": "prefetch"},
        {"x-purpose": "preview"},
    ],
)
def test_a_page_loaded_ahead_of_a_person_is_nobodys(headers: dict[str, str]) -> None:
    assert is_ahead(headers)
    assert is_machine(CHROME, headers)


def test_an_ordinary_request_is_a_persons() -> None:
    assert not is_machine(CHROME, {"user-agent": CHROME, "accept": "text/html"})


def test_without_a_user_agent_nothing_is_known_and_nobody_is_accused() -> None:
    assert device_type_of("") == ""
    assert not is_machine("")
    assert agent_of("") == ("", "", "")


def test_browser_and_system_are_told() -> None:
    assert agent_of(CHROME) == ("desktop", "Chrome", "Windows")


def test_a_text_made_to_keep_us_busy_is_cut() -> None:
    assert not is_machine("x" * 100_000)
    assert device_type_of("a" * 63 + "-" * 3_000 + "Mobile" * 500) in {"desktop", "mobile"}


@given(st.text())
def test_any_text_has_an_answer(text: str) -> None:
    assert device_type_of(text) in {"", "mobile", "tablet", "desktop", "bot"}
    assert is_machine(text) in {True, False}
    assert len(agent_of(text)) == 3
