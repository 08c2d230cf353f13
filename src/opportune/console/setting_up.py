"""The set-up page: every step with its state, what to paste, and the recipes with whom they would reach."""

from __future__ import annotations

from itertools import groupby

from starlette.requests import Request
from starlette.responses import Response

from opportune.console.pages import REPORTS, ROOT, ConsoleApp, ConsoleOptions, File, Pages, Reader
from opportune.console.reports import show_reports
from opportune.core.moment import MINUTE
from opportune.core.placement import held
from opportune.services.house import House
from opportune.services.previewing import LIFE_MS, preview_link
from opportune.services.setting_up import Setup, set_up
from opportune.services.traffic.estimating import Estimate, estimate_recipes

ESTIMATE_MS = 5 * MINUTE
"""A reach is estimated anew after this long."""
WORDS = {"done": "Done", "waiting": "Waiting", "trouble": "Trouble", "not needed": "Not needed"}
BY_TAG_MANAGER = (
    "GA4's data layer is read by itself once the snippet is on the page. Where only the tag manager can be changed, "
    "import this template: places are then filled after the page was seen."
)
SHOPS: tuple[tuple[str, str, str], ...] = (
    (
        "shopify",
        "Shopify",
        "Three texts, each with its place in Shopify's settings. They do what the snippet does.",
    ),
    (
        "woocommerce",
        "WooCommerce",
        "A plugin that has the address and the key in it already. It does what the snippet does.",
    ),
    (
        "tag-manager",
        "Google Tag Manager",
        BY_TAG_MANAGER,
    ),
)
"""Platform, its name, and what there is for it."""


def create_console_app(house: House, reader: Reader, options: ConsoleOptions) -> ConsoleApp:
    """The console of a house. `reader` runs a function of the services on a storage."""
    return ConsoleApp(Pages(house, reader, options), {ROOT: _Shown(), REPORTS: show_reports})


class _Shown:
    """Shows the page; remembers the last estimate, as it takes longer than all the steps."""

    def __init__(self) -> None:
        self._estimate: tuple[int, Estimate] | None = None

    async def __call__(self, pages: Pages, request: Request) -> Response:
        now, url = pages.house.clock(), pages.address_of(request)
        setup: Setup = await pages.reader(set_up, url, now)
        if self._estimate is None or now - self._estimate[0] > ESTIMATE_MS:
            self._estimate = now, await pages.reader(estimate_recipes, now)
        counted = [step for step in setup.steps if step.state != "not needed"]
        return pages.render(
            "setup/page.html",
            setup=setup,
            groups=[(name, list(steps)) for name, steps in groupby(setup.steps, lambda step: step.group)],
            words=WORDS,
            done=sum(step.state == "done" for step in counted),
            count=len(counted),
            following=next((step for step in counted if step.state != "done" and step.fix), None),
            snippet=self._snippet(pages, url),
            url=url,
            key=pages.write_key(),
            shops=_shops(pages, request),
            estimate=self._estimate[1],
            preview=_preview(pages, setup),
            preview_hours=LIFE_MS // (60 * MINUTE),
        )

    @staticmethod
    def _snippet(pages: Pages, url: str) -> str:
        key = pages.write_key()
        hold = held(pages.house.programme.playbook.slots.values())
        return pages.options.snippet(url, key, "", hold) if key else ""


def _shops(pages: Pages, request: Request) -> list[tuple[str, str, list[File]]]:
    """(name, words, files) of each platform that has any."""
    files = pages.files(request)
    found = [
        (name, words, [each for each in files if each.platform == platform])
        for platform, name, words in SHOPS
    ]
    return [shop for shop in found if shop[2]]


def _preview(pages: Pages, setup: Setup) -> str:
    """A link to the shop's own front page, where we know its address."""
    return preview_link(pages.house, setup.site) if setup.site else ""
