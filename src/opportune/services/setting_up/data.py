"""Whether what we know is whole: orders, catalogue, what was set aside."""

from __future__ import annotations

from collections import Counter

from opportune.core.history.event import MACHINE
from opportune.core.moment import DAY
from opportune.core.report.plain import count_words
from opportune.services.catalogue.feeding import FEED, FeedState
from opportune.services.setting_up.looked import Looked
from opportune.services.setting_up.step import State, Step

GROUP = "Is it whole?"
FEWEST_ORDERS = 5
ENOUGH = 0.9
"""Browsers tell of most orders; blockers and closed tabs keep the rest."""
MOST_LEFT_OUT = 0.1
"""Of a feed's rows; a few broken ones are in every feed."""


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


def money(looked: Looked) -> Step | None:
    """Whether what orders come to is in money that reports add up."""
    uncounted = Counter(order.currency for order in looked.orders if not order.is_counted)
    if not looked.orders:
        return None
    ours = looked.playbook.plan.currency
    orders = count_words(len(looked.orders), "order")
    if not uncounted:
        return _money("done", f"{orders} this month, all counted in {ours}")
    foreign = uncounted.most_common(1)[0][0]
    return _money(
        "trouble",
        f"{uncounted.total():,} of {orders} this month are in {' and '.join(sorted(uncounted))}: their money is not "
        f"counted, as the reporting currency is {ours}",
        f"Where the shop's own currency is {foreign}, write “currency: {foreign}” in team.yaml; else what one "
        f"{foreign} is worth in {ours} in plan.yaml, as “rates: {{{foreign}: 1.25}}”. Past orders are read again.",
    )


def _money(state: State, seen: str, fix: str = "") -> Step:
    return Step(
        name="money", group=GROUP, title="What orders come to is counted", state=state, seen=seen, fix=fix
    )


def catalogue(looked: Looked) -> Step:
    """How much is known of the shop's products, how lately it was true, and what of a feed could not be taken."""
    found, feeds = looked.products, looked.feeds
    if not found.count and not feeds:
        return _catalogue("not needed", "No catalogue: recipes work without; recommendations need one")
    read_at = max((found.newest_at, *(feed.read_at for feed in feeds)))
    seen = [f"{'At least ' * found.is_more}{count_words(found.count, 'product')}{_with_age(looked, read_at)}"]
    seen += [words for feed in feeds if (words := _left_out(feed))]
    failed = next((feed for feed in feeds if feed.error), None)
    if failed is not None:
        seen.append(f"{_named(failed)} could not be read {looked.when(failed.tried_at)}: {failed.error}")
        again = "Correct it and read it again: opportune catalogue fetch, or opportune import products FILE."
        return _catalogue("trouble", ". ".join(seen), f"{_other_currency(failed)}{again}")
    if read_at and looked.now - read_at > looked.playbook.team.facts_last:
        fix = "What it says is too old to be shown. Does the feed still run? Import it again."
        return _catalogue("trouble", ". ".join(seen), fix)
    poor = next((feed for feed in feeds if sum(feed.problems.values()) > feed.rows * MOST_LEFT_OUT), None)
    if poor is not None:
        rows = "See the rows with “opportune catalogue problems”, and correct them."
        return _catalogue("trouble", ". ".join(seen), f"{_other_currency(poor)}{rows}")
    return _catalogue("done", ". ".join(seen))


def _catalogue(state: State, seen: str, fix: str = "") -> Step:
    return Step(
        name="catalogue", group=GROUP, title="The catalogue is fresh", state=state, seen=seen, fix=fix
    )


def _with_age(looked: Looked, read_at: int) -> str:
    without = looked.products.without_price
    priceless = f", {without:,} without a price" if without else ""
    return (f", last read {looked.when(read_at)}" if read_at else "") + priceless


def _left_out(feed: FeedState) -> str:
    """The commonest reason in the words of the first row that had it."""
    if not feed.problems:
        return ""
    count, code = sum(feed.problems.values()), _commonest(feed)
    reason = next((row.reason for row in feed.kept if row.code == code), code)
    return f"{_named(feed)}: {count:,} of {feed.rows:,} rows kept aside, most often: {reason} ({feed.problems[code]:,})"


def _commonest(feed: FeedState) -> str:
    return max(feed.problems, key=lambda code: feed.problems[code], default="")


def _other_currency(feed: FeedState) -> str:
    if _commonest(feed) != "currency":
        return ""
    return "Where the shop sells in that currency, write it in team.yaml as “currency”, and publish. "


def _named(feed: FeedState) -> str:
    return "The feed" if feed.source == FEED else f"The products from {feed.source}"


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


STEPS = (orders, money, catalogue, set_aside)
