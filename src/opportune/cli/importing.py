"""One import from its beginning to its end: read, handed over in batches, counted, and told."""

from __future__ import annotations

import gzip
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click
import msgspec

from opportune.cli.clickstreams import Message
from opportune.cli.installation import Ask
from opportune.cli.printing import Progress, counted, print_json
from opportune.cli.replay import batches
from opportune.core.exports import EXPORTS, Kind, Notes, ProductExport, TellingExport, recognise
from opportune.core.exports.api import Api, api_of
from opportune.core.exports.base import plain, rows_of
from opportune.core.feeds.offer import Offer
from opportune.core.feeds.rows import NEEDED, read_feed, table_rows
from opportune.core.feeds.taking import Taking
from opportune.core.history.values import to_moment
from opportune.core.shops import Told
from opportune.errors import BadRequestError
from opportune.process.shop_api import ShopApi

BATCH_EVENTS = 5_000
BATCH_BYTES = 8_000_000
BATCH_PRODUCTS = 1_000
CHUNK_BYTES = 1_048_576
HEADER_BYTES = 65_536
COUNTED = ("accepted", "duplicate", "set_aside", "erased")
JSON_NAMES = {"set_aside": "setAside"}


class Import:
    """What was taken so far, and how to hand over more."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._counts: Counter[str] = Counter(dict.fromkeys(COUNTED, 0))
        self._reasons: Counter[str] = Counter()
        self._ignored: Counter[str] = Counter()
        self._uncounted: Counter[str] = Counter()
        self._products: dict[str, Any] = {}
        self._progress = Progress("read", sys.stderr)
        self._started = time.monotonic()

    def take_messages(self, messages: Iterable[Message]) -> None:
        for batch in batches(messages, limit=BATCH_EVENTS, most_bytes=BATCH_BYTES):
            result: dict[str, Any] = self._ask("import", messages=batch)
            self._counts.update({name: result[name] for name in COUNTED})
            self._reasons.update(result["reasons"])
            self._uncounted.update(result["uncounted"])
            self._progress.show(sum(self._counts.values()))

    # -- files --------------------------------------------------------------------------------

    def take_file(self, kind: Kind, file: Path, as_of: datetime | None) -> None:
        """Raises BadRequestError for a file that is no export of that kind, with the columns missing."""
        if kind == "products" and _is_feed(file):
            self._take_products(read_feed(chunks_of(file), str(file)), "feed")
            return
        lines = table_rows(chunks_of(file), str(file))
        header = next(lines, [])
        export = recognise(kind, header, str(file))
        rows = rows_of(header, lines)
        if isinstance(export, ProductExport):
            self._take_products(export.offers(rows), export.platform)
        elif isinstance(export, TellingExport):
            self._take_told(export.tell(rows, self._notes(file, as_of)))

    def _notes(self, file: Path, as_of: datetime | None) -> Notes:
        """Clocks without a zone are the shop's."""
        basics = self._ask("shop basics")
        zone = ZoneInfo(basics["time_zone"])
        at = (
            as_of.replace(tzinfo=zone)
            if as_of is not None
            else datetime.fromtimestamp(int(file.stat().st_mtime), UTC)
        )
        return Notes(zone=zone, exported_at=at.astimezone(UTC).isoformat().replace("+00:00", "Z"))

    def _take_told(self, told: Iterable[Told]) -> None:
        """Oldest first, whatever the order of the file."""
        self.take_messages(sorted(self._messages(told), key=_moment_of))

    def _messages(self, told: Iterable[Told]) -> Iterator[Message]:
        for each in told:
            if each.ignored:
                self._ignored[each.ignored] += 1
            yield from each.messages

    # -- products -----------------------------------------------------------------------------

    def _take_products(self, offers: Iterable[Offer], source: str) -> None:
        taking, changed = self._taking(source), 0
        page = []
        for product in taking.take(offers):
            page.append(product)
            if len(page) == BATCH_PRODUCTS:
                changed += self._put(page)
                page = []
                self._progress.show(taking.rows)
        changed += self._put(page)
        self._finish(taking, changed)

    def _taking(self, source: str) -> Taking:
        basics = self._ask("shop basics")
        return Taking(currency=basics["currency"], source=source, at=basics["now"])

    def _put(self, products: Sequence[object]) -> int:
        if not products:
            return 0
        result: dict[str, int] = self._ask("catalogue put", products=msgspec.to_builtins(products))
        return result["changed"]

    def _finish(self, taking: Taking, changed: int) -> None:
        taken = msgspec.to_builtins(taking.result)
        self._products = self._ask("catalogue finish", taken=taken, changed=changed)

    # -- APIs ---------------------------------------------------------------------------------

    def take_api(self, kind: Kind, url: str, token: str, platform: str, *, afresh: bool) -> None:
        """Orders and customers go on where an attempt stopped; products are read whole, as missing ones tell."""
        api = api_of(url, token, platform)
        if not token:
            raise BadRequestError(
                wrong=f"Reading {url} needs its access token: --token, or OPPORTUNE_IMPORT_TOKEN."
            )
        if api is None:
            wrong = f"Neither address nor token tell what {url} is; say --platform shopify or woocommerce."
            raise BadRequestError(wrong=wrong)
        shop = ShopApi(api, url, token)
        try:
            if kind == "products":
                pages = shop.pages(kind)
                self._take_products(
                    (api.offer(each) for page in pages for each in page.objects), api.platform
                )
            else:
                self._take_pages(api, shop, kind, afresh=afresh)
        finally:
            shop.close()

    def _take_pages(self, api: Api, shop: ShopApi, kind: Kind, *, afresh: bool) -> None:
        name = f"{shop.url} {kind}"
        start = "" if afresh else self._ask("import mark", name=name)["mark"]
        if start:
            click.echo("Going on where the last attempt stopped (--afresh begins anew).", err=True)
        for page in shop.pages(kind, start):
            self._take_told(api.tell(kind, found) for found in page.objects)
            self._ask("import put-mark", name=name, mark=page.following)

    # -- telling ------------------------------------------------------------------------------

    def say(self, *, as_json: bool) -> None:
        self._progress.end()
        seconds = time.monotonic() - self._started
        if self._products:
            self._say_products(as_json=as_json)
        elif as_json:
            print_json(
                {
                    **{JSON_NAMES.get(name, name): count for name, count in self._counts.items()},
                    "reasons": self._reasons,
                    "leftOut": self._ignored,
                    "moneyNotCounted": self._uncounted,
                    "seconds": round(seconds, 3),
                }
            )
        else:
            self._say_events(seconds)

    def _say_events(self, seconds: float) -> None:
        for name, count in self._counts.items():
            if not count and name == "erased":
                continue
            click.echo(f"{name.replace('_', ' '):<10} {count:>9,}")
        for reason, count in self._reasons.most_common():
            click.echo(f"  {count:>9,}  {reason}")
        if self._ignored:
            click.echo(f"{'left out':<10} {sum(self._ignored.values()):>9,}")
        for reason, count in self._ignored.most_common(20):
            click.echo(f"  {count:>9,}  {reason}")
        for currency, count in self._uncounted.most_common():
            click.echo(
                f"{counted(count, 'order')} in {currency}: their money is not counted. Write “currency: {currency}” in "
                "team.yaml where that is the shop's own, else its rate in plan.yaml, and publish."
            )
        click.echo(f"{sum(self._counts.values()) / max(seconds, 0.001):,.0f} events/s")

    def _say_products(self, *, as_json: bool) -> None:
        state = {name: value for name, value in self._products.items() if name != "kept"}
        if as_json:
            print_json(state)
            return
        click.echo(
            f"{state['products']:,} of {counted(state['rows'], 'row')} taken as products; "
            f"{state['changed']:,} changed, "
            f"{state['gone']:,} not listed any more"
        )
        for reason, count in state["problems"].items():
            click.echo(f"  {count:>9,}  kept aside: {reason} (opportune catalogue problems)")


def chunks_of(file: Path) -> Iterator[bytes]:
    """The file's bytes, unpacked when its name ends in .gz."""
    with gzip.open(file, "rb") if file.suffix == ".gz" else file.open("rb") as stream:
        while chunk := stream.read(CHUNK_BYTES):
            yield chunk


def _is_feed(file: Path) -> bool:
    """Whether it is made for shopping sites: XML, or a table that has their columns and is no platform's export."""
    start = next(chunks_of(file), b"").lstrip(b"\xef\xbb\xbf \r\n\t")
    if start.startswith(b"<"):
        return True
    header = next(table_rows(iter((start[:HEADER_BYTES],)), str(file)), [])
    is_export = any(export.kind == "products" and not export.missing(header) for export in EXPORTS)
    return not is_export and {*NEEDED} <= {plain(name.rpartition(":")[2]) for name in header}


def _moment_of(message: Message) -> int:
    at = to_moment(message.get("timestamp"))
    return 2**62 if at is None else at
