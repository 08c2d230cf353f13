"""Facts: the little of an event that a decision may see, 50 to 80 bytes of a body that is ten times as long.

They are what the plan declares for the event, and where it happened: page, referrer, campaign.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from urllib.parse import parse_qsl

from opportune.core.history.event import Event
from opportune.core.history.plan import Plan, PropertyPlan, PropertyType
from opportune.core.history.timeline import FactValue
from opportune.core.history.values import (
    MAX_ITEMS,
    find_values,
    to_currency,
    to_minor_units,
    to_moment,
    to_number,
    to_text,
    to_yes_no,
)
from opportune.core.visitor.arrival import CLICK_IDS, UTM, host_of, without_www

MAX_FACT_CHARS = 120
MOST_VALUE = 10**12
"""As much as one event adds to totals: a sum of 64 bits takes nine million of them in a day, whoever sends them."""

UNDECLARED: tuple[PropertyPlan, ...] = (
    PropertyPlan(name="product", type="product", path="product_id|sku|products.*.product_id"),
    PropertyPlan(name="category", type="category"),
    PropertyPlan(name="value", type="money", path="value|revenue|total|price"),
)
"""What is looked for in an event that nobody declared."""

LISTED = frozenset({"text", "product", "category", "list"})
ARRIVING = frozenset({"Page Viewed", "Screen Viewed"})

CAMPAIGN: Mapping[str, str] = {
    "name": "campaign",
    "source": "campaign_source",
    "medium": "campaign_medium",
    "term": "campaign_term",
    "content": "campaign_content",
}
"""Names in `context.campaign`, and what the facts call them."""

Facts = dict[str, FactValue]


def facts_of(plan: Plan, event: Event) -> Facts:
    """The facts of an event. Money in another currency is converted by the plan's rates, and left out without one."""
    facts: Facts = {}
    declared = plan.events.get(event.name)
    properties = event.properties
    if properties:
        wanted = declared.properties if declared is not None else UNDECLARED
        currency = plan.currency
        for each in wanted:
            value = _fact(each, properties, currency)
            if value is not None:
                facts[each.name] = value
        stated = properties.get("currency")
        if stated is not None and "value" in facts and _is_foreign(stated, currency):
            _convert(plan, facts, wanted, event, str(stated).upper())
    page = event.context.get("page")
    _add_place(facts, page if isinstance(page, dict) else {}, event)
    return facts


def _convert(plan: Plan, facts: Facts, wanted: Iterable[PropertyPlan], event: Event, foreign: str) -> None:
    """Money stated in a foreign currency, in the reporting one at the rate of its day."""
    rate = plan.rate_at(foreign, event.occurred_at)
    if rate is None:
        facts["currency"] = foreign
    for each in wanted:
        if each.type != "money" or each.name not in facts:
            continue
        del facts[each.name]
        amount = _fact(each, event.properties, foreign)
        if rate is not None and isinstance(amount, int):
            facts[each.name] = to_currency(amount, foreign, rate, plan.currency)


def value_of(facts: Mapping[str, FactValue]) -> int:
    """The money an event carries, in minor units, for totals."""
    value = facts.get("value")
    if not isinstance(value, int) or isinstance(value, bool):
        return 0
    return max(min(value, MOST_VALUE), -MOST_VALUE)


def _fact(wanted: PropertyPlan, properties: Mapping[str, object], currency: str) -> FactValue:
    for path in wanted.paths:
        if len(path) == 1:  # the usual case, without building lists
            value = properties.get(path[0])
            if value is None:
                continue
            if not isinstance(value, list):
                return _read(value, wanted.type, currency)
        values = find_values(properties, (path,))
        if values:
            return _fact_of(values, wanted.type, currency, is_list="*" in path)
    return None


def _fact_of(values: list[object], kind: PropertyType, currency: str, *, is_list: bool) -> FactValue:
    """One value as itself; several texts, or one out of a list, as a list. There are no lists of numbers."""
    first = values[0]
    if kind not in LISTED or not (is_list or isinstance(first, list)):
        return _read(first, kind, currency)
    items = (item for value in values for item in (value if isinstance(value, list) else (value,)))
    texts = (to_text(item, MAX_FACT_CHARS) for item in items)
    return [text for text in texts if text is not None][:MAX_ITEMS]


def _read(value: object, kind: str, currency: str) -> FactValue:
    return _READERS[kind](value, currency)


_READERS: Mapping[str, Callable[[object, str], FactValue]] = {
    "text": lambda value, _: to_text(value, MAX_FACT_CHARS),
    "product": lambda value, _: to_text(value, MAX_FACT_CHARS),
    "category": lambda value, _: to_text(value, MAX_FACT_CHARS),
    "list": lambda value, _: to_text(value, MAX_FACT_CHARS),
    "number": lambda value, _: to_number(value),
    "money": to_minor_units,
    "yes/no": lambda value, _: to_yes_no(value),
    "moment": lambda value, _: to_moment(value),
}


def _is_foreign(stated: object, currency: str) -> bool:
    return isinstance(stated, str) and len(stated) == 3 and stated.upper() != currency


def _add_place(facts: Facts, page: Mapping[str, object], event: Event) -> None:
    """The path on every event; where the visitor came from only on views of a page, to keep the others slim."""
    is_view = event.name in ARRIVING
    said = event.properties if is_view else page
    url = said.get("url") or page.get("url")
    path = said.get("path") or page.get("path")
    if isinstance(path, str):
        facts["path"] = path[:MAX_FACT_CHARS]
    elif isinstance(url, str):
        facts["path"] = path_of(url)[:MAX_FACT_CHARS]
    if is_view:
        _add_arrival(facts, said, page, event.context.get("campaign"))


def _add_arrival(
    facts: Facts, said: Mapping[str, object], page: Mapping[str, object], campaign: object
) -> None:
    url, referrer = (said.get(name) or page.get(name) for name in ("url", "referrer"))
    if isinstance(referrer, str):
        host = without_www(host_of(referrer))
        if host and (not isinstance(url, str) or host != without_www(host_of(url))):
            facts["referrer"] = host[:MAX_FACT_CHARS]
    if isinstance(campaign, dict):
        _add_campaign(facts, campaign)
    search = (
        said.get("search") or page.get("search") or (url.partition("?")[2] if isinstance(url, str) else "")
    )
    if isinstance(search, str) and "=" in search:
        _add_search(facts, search)


def _add_campaign(facts: Facts, campaign: Mapping[str, object]) -> None:
    for said, name in CAMPAIGN.items():
        text = to_text(campaign.get(said), MAX_FACT_CHARS)
        if text is not None:
            facts.setdefault(name, text)


def _add_search(facts: Facts, search: str) -> None:
    try:
        parameters = dict(parse_qsl(search.lstrip("?")[:2_000]))
    except ValueError:
        return
    _add_campaign(facts, {UTM[name]: value for name, value in parameters.items() if name in UTM})
    click_id = next((name.lower() for name in parameters if name.lower() in CLICK_IDS), None)
    if click_id is not None:
        facts["click_id"] = click_id


def path_of(url: str) -> str:
    """The path of an absolute or relative URL, at least `/`."""
    rest = url.partition("://")[2].partition("/")[2] if "://" in url else url.lstrip("/")
    return "/" + rest.partition("?")[0].partition("#")[0]
