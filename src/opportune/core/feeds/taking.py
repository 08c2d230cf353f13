"""Taking a feed: its rows one after another, the products they give, and those kept aside with the reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

import msgspec

from opportune.core.feeds.offer import Offer, read_offer
from opportune.core.history.event import Unfit
from opportune.core.product import Product

MOST_PRODUCTS = 100_000
MOST_KEPT = 500
"""Rows kept aside to be looked at; all are counted."""
MAX_RAW_CHARS = 500


class FeedProblem(msgspec.Struct, frozen=True, kw_only=True):
    """A row that was not taken: where it stood, why, and how it began."""

    row: int
    product: str
    code: str
    reason: str
    raw: str = ""


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """A whole feed's outcome. `ids` are the products it has; `problems` counts rows by reason."""

    source: str
    at: int
    rows: int
    ids: tuple[str, ...]
    problems: dict[str, int]
    kept: tuple[FeedProblem, ...]


class Taking:
    """One feed from its first row to its last; `result` says what came of it."""

    def __init__(self, *, currency: str, source: str, at: int) -> None:
        self._currency, self._source, self._at = currency, source, at
        self._ids: dict[str, None] = {}
        self._problems: Counter[str] = Counter()
        self._kept: list[FeedProblem] = []
        self.rows = 0

    def take(self, offers: Iterable[Offer]) -> Iterator[Product]:
        """The products of these rows, each id once: the first stands."""
        for offer in offers:
            self.rows += 1
            product = self._read(offer)
            if isinstance(product, Unfit):
                self._put_aside(offer, product)
            else:
                self._ids[product.id] = None
                yield product

    def _read(self, offer: Offer) -> Product | Unfit:
        product = read_offer(offer, currency=self._currency, source=self._source, at=self._at)
        if isinstance(product, Product):
            if product.id in self._ids:
                return Unfit(
                    "duplicate", f"the id {product.id} stands in the feed already; the first row is taken"
                )
            if len(self._ids) >= MOST_PRODUCTS:
                return Unfit("too many", f"more than {MOST_PRODUCTS:,} products; the rest is left out")
        return product

    def _put_aside(self, offer: Offer, unfit: Unfit) -> None:
        self._problems[unfit.code] += 1
        if len(self._kept) < MOST_KEPT:
            raw = msgspec.json.encode(dict(offer)).decode()[:MAX_RAW_CHARS]
            name = offer.get("id", "") or offer.get("title", "")
            self._kept.append(
                FeedProblem(row=self.rows, product=name[:120], code=unfit.code, reason=unfit.reason, raw=raw)
            )

    @property
    def result(self) -> Taken:
        return Taken(
            source=self._source,
            at=self._at,
            rows=self.rows,
            ids=tuple(self._ids),
            problems=dict(self._problems),
            kept=tuple(self._kept),
        )
