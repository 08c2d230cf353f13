"""An offer: one row of a feed or an export by the names of Google's product data, and the product it describes."""

from __future__ import annotations

import re
from collections.abc import Mapping

from opportune.core.catalogue import split_path
from opportune.core.history.event import Unfit
from opportune.core.history.values import to_decimal, to_minor_units, to_moment, to_number
from opportune.core.product import Product

Offer = Mapping[str, str]

MAX_ID_CHARS = 120
"""As much of a product's id as events keep."""
MAX_TEXT_CHARS = 300
MAX_URL_CHARS = 2_000
MAX_CODES = 100
MAX_LEVELS = 8
_PRICE = re.compile(r"([A-Z]{3})?\s*(-?\d[\d.,' ]*)\s*([A-Z]{3})?")
_WITH_CENTS = re.compile(r"[.,](\d{1,2}|\d{4,})$")
_SOLD_OUT = frozenset({"out of stock", "outofstock", "sold out", "no", "0", "false"})
_RATING = ("rating", "product_review_average", "average_rating", "review_average")
_RATINGS = ("ratings", "product_review_count", "rating_count", "review_count", "number_of_ratings")
_STOCK = ("quantity", "inventory", "quantity_to_sell_on_facebook", "sell_on_google_quantity")


def read_offer(offer: Offer, *, currency: str, source: str, at: int) -> Product | Unfit:
    """The product, with money in minor units of `currency`; or why it cannot be taken."""
    identifier = _text(offer, "id", limit=10_000)
    if not identifier:
        return Unfit("no id", "the row has no id")
    if len(identifier) > MAX_ID_CHARS:
        return Unfit("bad id", f"the id has {len(identifier)} characters; at most {MAX_ID_CHARS} are taken")
    price = _money(offer, "price", currency)
    if isinstance(price, Unfit):
        return price
    if not price:
        return Unfit("no price", "the product has no price")
    sale = _sale_price(offer, currency, at)
    if isinstance(sale, Unfit):
        return sale
    reduced = sale if sale is not None and sale < price else None
    stock = _whole(offer, _STOCK)
    return Product(
        id=identifier,
        name=_text(offer, "title"),
        url=_address(offer, "link"),
        image=_address(offer, "image_link"),
        currency=currency,
        price=price,
        sale_price=reduced,
        in_stock=_is_in_stock(offer, stock),
        stock=stock,
        category_path=_category_of(offer),
        brand=_text(offer, "brand"),
        margin=_margin(offer, currency, price if reduced is None else reduced),
        rating=_rating(offer),
        ratings=_whole(offer, _RATINGS),
        codes=_codes(offer, identifier),
        updated_at=at,
        source=source,
    )


def price_of(text: str) -> tuple[str, str] | None:
    """(amount with a point, currency or nothing) of `12.90 EUR`, `EUR 12,90`, `1.299,00`; None for no price."""
    found = _PRICE.fullmatch(" ".join(text.upper().split()))
    if found is None:
        return None
    amount, currency = found[2].replace(" ", "").replace("'", ""), found[1] or found[3] or ""
    cents = _WITH_CENTS.search(amount)
    whole = amount[: cents.start()] if cents else amount
    figures = re.sub(r"[.,]", "", whole)
    return (f"{figures}.{cents[1]}" if cents else figures), currency


def _money(offer: Offer, name: str, currency: str) -> int | Unfit | None:
    text = _text(offer, name)
    if not text:
        return None
    read = price_of(text)
    if read is None or (minor := to_minor_units(read[0], currency)) is None or minor < 0:
        return Unfit("bad price", f"the {name.replace('_', ' ')} {text[:40]!r} is no amount of money")
    if read[1] and read[1] != currency:
        return Unfit(
            "currency", f"its {name.replace('_', ' ')} is in {read[1]}; the reporting currency is {currency}"
        )
    return minor


def _sale_price(offer: Offer, currency: str, at: int) -> int | Unfit | None:
    """None outside the days it is for."""
    days = _text(offer, "sale_price_effective_date")
    if days:
        first, _, last = days.partition("/")
        since, until = to_moment(first), to_moment(last)
        if (since is not None and at < since) or (until is not None and at > until):
            return None
    sale = _money(offer, "sale_price", currency)
    return sale or None


def _margin(offer: Offer, currency: str, price: int) -> int | None:
    """What one piece earns; a cost nobody can read is no reason to lose the product."""
    cost = _money(offer, "cost_of_goods_sold", currency)
    return price - cost if isinstance(cost, int) else None


def _is_in_stock(offer: Offer, stock: int | None) -> bool:
    said = _text(offer, "availability").lower().replace("_", " ")
    if said:
        return said not in _SOLD_OUT
    return stock is None or stock > 0


def _category_of(offer: Offer) -> tuple[str, ...]:
    """The shop's own path; Google's only where it is written out."""
    own = split_path(_text(offer, "product_type"))
    if not own:
        google = _text(offer, "google_product_category")
        own = () if google.isdigit() else split_path(google)
    return own[:MAX_LEVELS]


def _rating(offer: Offer) -> float | None:
    for name in _RATING:
        number = to_decimal(_text(offer, name).replace(",", ".")) if _text(offer, name) else None
        if number is not None and 0 <= number <= 5:
            return round(float(number), 2)
    return None


def _whole(offer: Offer, names: tuple[str, ...]) -> int | None:
    for name in names:
        number = to_number(_text(offer, name)) if _text(offer, name) else None
        if number is not None:
            return max(int(number), 0)
    return None


def _codes(offer: Offer, identifier: str) -> tuple[str, ...]:
    said = [_text(offer, "sku"), _text(offer, "item_group_id"), _text(offer, "mpn")]
    said += [code.strip() for code in offer.get("codes", "").split("\n")]
    return tuple(code for code in dict.fromkeys(said) if code and code != identifier)[:MAX_CODES]


def _address(offer: Offer, name: str) -> str:
    text = _text(offer, name, limit=MAX_URL_CHARS)
    return text if text.lower().startswith(("https://", "http://", "/")) else ""


def _text(offer: Offer, name: str, *, limit: int = MAX_TEXT_CHARS) -> str:
    return " ".join(offer.get(name, "").split())[:limit]
