"""The set-up page: every step with its state, what to paste, and the recipes with whom they would reach."""

from __future__ import annotations

from itertools import groupby

from starlette.requests import Request
from starlette.responses import Response

from opportune.console.pages import ConsoleApp, ConsoleOptions, Pages, Reader
from opportune.core.moment import MINUTE
from opportune.core.placement import held
from opportune.services.estimating import Estimate, estimate_recipes
from opportune.services.house import House
from opportune.services.previewing import LIFE_MS, preview_link
from opportune.services.setting_up import Setup, set_up

ESTIMATE_MS = 5 * MINUTE
"""A reach is estimated anew after this long."""
WORDS = {"done": "Done", "waiting": "Waiting", "trouble": "Trouble", "not needed": "Not needed"}
WAYS_IN: tuple[tuple[str, str], ...] = (
    ("Any page", "The snippet below, in the <head>."),
    ("Shopify", "opportune platform shopify prints the theme block, the pixel and the place."),
    ("WooCommerce", "opportune platform woocommerce makes the plugin."),
    (
        "Tag Manager",
        "GA4's data layer is read by itself; opportune platform tag-manager opportune.tpl prints a template.",
    ),
    (
        "Django, Flask, FastAPI, Node",
        "Helpers that ask before the page leaves: docs/how/python.md, docs/how/node.md.",
    ),
    ("From your own server", "Segment's and RudderStack's libraries, pointed at this address."),
)


def create_console_app(house: House, reader: Reader, options: ConsoleOptions) -> ConsoleApp:
    """The console of a house. `reader` runs a function of the services on a storage."""
    return ConsoleApp(Pages(house, reader, options), _Shown())


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
            ways=WAYS_IN,
            estimate=self._estimate[1],
            preview=_preview(pages, setup),
            preview_hours=LIFE_MS // (60 * MINUTE),
        )

    @staticmethod
    def _snippet(pages: Pages, url: str) -> str:
        keys = pages.house.storage.list_api_keys()
        key = next((each.public_value for each in keys if each.kind == "write" and not each.revoked_at), "")
        hold = held(pages.house.programme.playbook.slots.values())
        return pages.options.snippet(url, key, "", hold) if key else ""


def _preview(pages: Pages, setup: Setup) -> str:
    """A link to the shop's own front page, where we know its address."""
    return preview_link(pages.house, setup.site) if setup.site else ""
