"""Whether what we know is whole: orders, catalogue, what was set aside."""

from __future__ import annotations

from collections import Counter

from opportune.core.history.event import MACHINE
from opportune.core.moment import DAY
from opportune.services.setting_up.looked import Looked
from opportune.services.setting_up.step import State, Step

GROUP = "Is it whole?"
FEWEST_ORDERS = 5
ENOUGH = 0.9
"""Browsers tell of most orders; blockers and closed tabs keep the rest."""
FRESH_DAYS = 2


def orders(looked: Looked) -> Step:
    """Orders of this month that the shop told of, against those that browsers told of, too."""
    title = "Orders are seen whole"
    told = [order for order in looked.orders if order.by_shop]
    browsers = [order for order in looked.orders if order.by_browser]
    if not told:
        seen = f"Only browsers tell of orders: {len(browsers)} this month" if browsers else "No order yet"
        fix = "Connect the shop's webhook or import its orders: then it shows how many browsers miss."
        return Step(name="orders", group=GROUP, title=title, state="waiting", seen=seen, fix=fix)
    if not browsers:
        return Step(
            name="orders",
            group=GROUP,
            title=title,
            state="not needed",
            seen=f"{len(told):,} this month, all told by the shop's server",
        )
    since = browsers[0].at
    counted = [order for order in told if order.at >= since]
    both = sum(order.by_browser for order in counted)
    share = both / len(counted) if counted else 1.0
    state: State = "waiting" if len(counted) < FEWEST_ORDERS else "done" if share >= ENOUGH else "trouble"
    return Step(
        name="orders",
        group=GROUP,
        title=title,
        state=state,
        seen=f"{both:,} of {len(counted):,} this month, {share:.0%}, were seen in the browser, too",
        fix="Blockers or a missing thank-you page keep the rest: serve the script from the shop's own domain, "
        "and see that the snippet is on the thank-you page."
        if state == "trouble"
        else "",
    )


def catalogue(looked: Looked) -> Step:
    found = looked.products
    title = "The catalogue is fresh"
    if not found.count:
        return Step(
            name="catalogue",
            group=GROUP,
            title=title,
            state="not needed",
            seen="No catalogue: recipes work without; recommendations need one",
        )
    is_stale = bool(found.newest_at) and looked.now - found.newest_at > FRESH_DAYS * DAY
    priceless = f", {found.without_price:,} without a price" if found.without_price else ""
    changed = f", last changed {looked.when(found.newest_at)}" if found.newest_at else ""
    return Step(
        name="catalogue",
        group=GROUP,
        title=title,
        state="trouble" if is_stale else "done",
        seen=f"{found.count:,}{' or more' if found.is_more else ''} products{changed}{priceless}",
        fix="Nothing changed for days: does the feed still run? Import it again." if is_stale else "",
    )


def set_aside(looked: Looked) -> Step:
    """Bots come to every shop: theirs are set aside rightly."""
    week = [row for row in looked.aside if looked.now - row.received_at < 7 * DAY]
    lately = [row for row in week if row.code != MACHINE]
    if not lately:
        bots = f"; {len(week):,} of bots were left out" if week else ""
        return Step(
            name="set aside",
            group=GROUP,
            title="Nothing had to be set aside",
            state="done",
            seen=f"Every event of visitors in the last 7 days could be read{bots}",
        )
    reason, count = Counter(row.reason for row in lately).most_common(1)[0]
    return Step(
        name="set aside",
        group=GROUP,
        title="Nothing had to be set aside",
        state="trouble",
        seen=f"{len(lately):,} events in 7 days, most often: {reason} ({count:,})",
        fix="See them with “opportune set-aside list”; what is corrected can be taken in again.",
    )


STEPS = (orders, catalogue, set_aside)
