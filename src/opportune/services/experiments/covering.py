"""Covering: how much of what happened a report could see: orders that browsers told of, of those the shop told of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from opportune.core.moment import to_day
from opportune.core.playbook import Playbook
from opportune.core.report.parts import Coverage, Seen
from opportune.core.report.plain import count_words, day_words
from opportune.services.setting_up.looked import Order, orders_since
from opportune.storage.base import ConsentCount, Storage

SAFARI = "Safari"
MOST_BROWSERS = 5
IPHONES = (
    "iPhone ids live 7 days in Safari unless the shop's own server sets them: who comes back later counts as "
    "somebody new, and an order after that counts for nobody."
)
NO_CONSENT = "Who did not agree to be measured is in no number here."


def cover(
    storage: Storage, playbook: Playbook, since_at: int, until_at: int, *, is_over: bool = False
) -> Coverage:
    """Orders between two moments by whom they were told, and visits by whether they may be measured."""
    orders = [order for order in orders_since(storage, playbook, since_at) if order.at < until_at]
    told = [order for order in orders if order.by_shop]
    by_browser = [order for order in orders if order.by_browser]
    blind = [IPHONES] if _may_forget(playbook, by_browser) else []
    zone = playbook.vocabulary.zone
    agreed = _agreed(storage.list_consents(to_day(since_at, zone), to_day(until_at, zone)))
    blind += [NO_CONSENT] if playbook.team.needs_consent or any(row.seen < row.of for row in agreed) else []
    rows = (*_rows(told, by_browser), *agreed)
    since = f"since {day_words(since_at, zone)}"
    if is_over:
        since = f"from {day_words(since_at, zone)} to {day_words(until_at, zone)}"
    return Coverage(words=_words(told, by_browser, since), rows=rows, blind=tuple(blind))


def _words(told: Sequence[Order], by_browser: Sequence[Order], since: str) -> str:
    if not told and not by_browser:
        return f"No order was seen {since}."
    if not told:
        return (
            f"{count_words(len(by_browser), 'order')} seen {since}, all told by browsers: how many are missing is "
            "known once the shop's webhook or an import tells of them, too."
        )
    seen = sum(order.by_browser for order in told)
    if not by_browser:
        return (
            f"{count_words(len(told), 'order')} seen {since}, all told by the shop's server. They count for visitors "
            "whom the shop's id connects with a browser."
        )
    words = f"{seen:,} of {count_words(len(told), 'order')} seen {since}, {_percent(seen, len(told))}"
    return words if seen == len(told) else f"{words}: of the others no browser told."


def _percent(seen: int, of: int) -> str:
    """Rounded down, so that 100% is all."""
    return f"{seen * 100 // of}%"


def _rows(told: Sequence[Order], by_browser: Sequence[Order]) -> tuple[Seen, ...]:
    rows = []
    if told and by_browser:
        seen = sum(order.by_browser for order in told)
        rows.append(
            Seen(name="Orders the shop told of", seen=seen, of=len(told), words=_percent(seen, len(told)))
        )
    counts = Counter(order.browser or "an unknown browser" for order in by_browser)
    rows += [
        Seen(
            name=f"Orders told of by {name}",
            seen=count,
            of=len(by_browser),
            words=_percent(count, len(by_browser)),
        )
        for name, count in counts.most_common(MOST_BROWSERS)
    ]
    return tuple(rows)


def _agreed(counts: Sequence[ConsentCount]) -> tuple[Seen, ...]:
    """Of visits, that of those who said no only the number is known."""
    said: Counter[str] = Counter()
    for row in counts:
        said[row.answer] += row.visits
    visits = said["yes"] + said["no"]
    if not visits:
        return ()
    agreed = max(0, min(visits, said["yes"] + said["later yes"] - said["later no"]))
    words = _percent(agreed, visits)
    return (Seen(name="Visits that agreed to be measured", seen=agreed, of=visits, words=words),)


def _may_forget(playbook: Playbook, by_browser: Sequence[Order]) -> bool:
    """An id that the shop's own server sets lasts; whoever said nothing of it is told."""
    return playbook.team.visitor_id != "set by our server" and any(
        SAFARI in order.browser for order in by_browser
    )
