"""What a user agent tells: the device, the browser, and whether nobody is looking at the page.

Two kept libraries, each loaded at first use: crawlerdetect knows machines (ua-parser misses curl, health checks
and most libraries), ua-parser knows browsers and systems. Both cost 0.1-1 ms a text, so answers are kept by text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import NamedTuple

KEPT = 4_096
LONGEST_TEXT = 512
LONGEST_WORD = 64
"""Crawlerdetect's patterns take a time that grows with the square of a run of word characters: 1.1 s for 3,000."""

LONG_WORDS = re.compile(rf"[\w\-]{{{LONGEST_WORD},}}")
TABLET = re.compile(r"iPad|Tablet|Kindle|Silk/|PlayBook|Nexus (?:7|9|10)\b|Android(?!.*Mobi)", re.IGNORECASE)
MOBILE = re.compile(
    r"Mobi|iPhone|iPod|Android|Windows Phone|BlackBerry|Opera Mini|KAIOS|CFNetwork", re.IGNORECASE
)
HEADLESS = "HeadlessChrome"
OWN_MACHINES = re.compile(
    r"better ?stack|uptime|health-?check|synthetic|lighthouse|pagespeed|headless", re.IGNORECASE
)
"""Watchers that the library's list may lag behind."""
AHEAD_HEADERS = ("purpose", "sec-purpose", "x-purpose", "x-moz")
AHEAD = ("prefetch", "prerender", "preview")


class Agent(NamedTuple):
    """A user agent's parts; empty where it does not say."""

    device_type: str = ""
    browser: str = ""
    operating_system: str = ""


NOBODY = Agent()


def agent_of(user_agent: str) -> Agent:
    """Device type, browser and system of a user agent's text."""
    return _agent(user_agent[:LONGEST_TEXT]) if user_agent else NOBODY


def device_type_of(user_agent: str) -> str:
    """`mobile`, `tablet`, `desktop` or `bot`; empty without a user agent."""
    return _device_type(user_agent[:LONGEST_TEXT]) if user_agent else ""


def is_machine(
    user_agent: str, headers: Mapping[str, str] | None = None, *, headless_is_machine: bool = True
) -> bool:
    """Whether a request comes from a bot, an uptime check, or a browser that loads ahead of a person.

    `headers` have lower-case names. A request without a user agent is not judged by it: a shop's own
    server may ask without one. `headless_is_machine=False` lets automated browsers count as people.
    """
    if headers and is_ahead(headers):
        return True
    text = user_agent[:LONGEST_TEXT]
    if not headless_is_machine:
        text = text.replace(HEADLESS, "Chrome")
    return bool(text) and _is_machine(text)


def is_ahead(headers: Mapping[str, str]) -> bool:
    """Whether a browser prefetches or prerenders, as its headers say; `headers` have lower-case names."""
    for name in AHEAD_HEADERS:
        value = headers.get(name)
        if value and any(word in value.lower() for word in AHEAD):
            return True
    return False


def prepare() -> None:
    """Loads and warms the list of machines (20-60 ms, 5 MB), so that the first visitor does not wait for it."""
    _is_machine("Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/130.0")


@lru_cache(maxsize=KEPT)
def _is_machine(user_agent: str) -> bool:
    text = LONG_WORDS.sub(" ", user_agent)
    return OWN_MACHINES.search(text) is not None or _crawler_check()(text)


@lru_cache(maxsize=KEPT)
def _device_type(user_agent: str) -> str:
    if _is_machine(user_agent):
        return "bot"
    if TABLET.search(user_agent):
        return "tablet"
    return "mobile" if MOBILE.search(user_agent) else "desktop"


@lru_cache(maxsize=KEPT)
def _agent(user_agent: str) -> Agent:
    import ua_parser  # noqa: PLC0415  0.2 s and 10 MB that most playbooks never need

    result = ua_parser.parse(LONG_WORDS.sub(" ", user_agent))
    return Agent(
        _device_type(user_agent),
        result.user_agent.family if result.user_agent is not None else "",
        result.os.family if result.os is not None else "",
    )


@lru_cache(maxsize=1)
def _crawler_check() -> Callable[[str], bool]:
    from crawlerdetect import CrawlerDetect  # noqa: PLC0415  compiles 1,400 patterns when first asked

    detect = CrawlerDetect()
    return lambda text: bool(detect.is_crawler(text))
