"""The shop that is measured: its playbook, its visitors and their events, and a data folder filled with them.

The filled folder is kept in `.data/bench/` and used again within a day, as filling takes half a minute.
"""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from opportune.app.house import build_house
from opportune.app.storing import open_storage
from opportune.core.history.key import key_of
from opportune.core.moment import DAY, HOUR, MINUTE, to_iso
from opportune.core.playbook import Playbook
from opportune.core.playbook_files.folder import read_playbook
from opportune.process.place import Place
from opportune.services.house import House
from opportune.services.preparing import CaptureSource, Ready, prepare
from opportune.storage.base import EventRow, Storage, Transaction

ROOT = Path(__file__).resolve().parents[1]
KEPT = ROOT / ".data" / "bench"
VISITORS = 20_000
TOGETHER = 5_000
EVENTS_EACH = 52
HISTORY_DAYS = 6
FRESH_SECONDS = 20 * 3_600
WRITE_KEY, SECRET_KEY = "bench-write-key", "bench-secret-key"

TEAM = """team: Bench shop
currency: EUR
purpose: To be measured
owner: Mia
reviewer: Tom
safety limit: none
rollback: by hand
"""
SLOT = """slot: {name}
purpose: A place that is measured
fields: headline, text, cta, link
fallback:
  headline: Made for the long way round
  text: Clothes and kit for hills, harbours and everything between.
  cta: See what is new
  link: /new
variants:
  Promise:
    headline: Back for what you liked?
    text: Fresh in this week, with free returns for 60 days.
    cta: See all of it
    link: /categories/all
rules:
  - {rule}
"""
RULE = """rule: {name}
when: >-
  {when}
show:
  {slot}: Promise
test: half and half, on added to cart, for 7 weeks
"""
ECHO = """slot: echo
purpose: Says which product was viewed last
type: text
fallback: "{last viewed product|none}"
"""
HERO_WHEN = (
    "a visitor viewed the same category at least 2 times in 7 days "
    "and viewed at least 3 different products in 7 days and searched in the last 7 days "
    "and added to cart at least 1 time in 30 days and bought fewer than 5 times in 30 days"
)
BAR_WHEN = (
    "a visitor spent at least €10 in 60 days and viewed at least 5 times in 30 days "
    "and viewed with category shoes, boots or coats in the last 7 days "
    "and searched at most 20 times in 30 days and bought in the last 60 days"
)
TEN_CONDITIONS: dict[str, str] = {
    "team.yaml": TEAM,
    "slots/home-hero.yaml": SLOT.format(name="home hero", rule="Hero for returners"),
    "slots/offer-bar.yaml": SLOT.format(name="offer bar", rule="Offer for buyers"),
    "slots/echo.yaml": ECHO,
    "rules/hero.yaml": RULE.format(name="Hero for returners", when=HERO_WHEN, slot="home hero"),
    "rules/bar.yaml": RULE.format(name="Offer for buyers", when=BAR_WHEN, slot="offer bar"),
}
"""Two places with a tested rule each, five conditions of the timeline in each rule; they hold for every visitor."""

CATEGORIES = ("shoes", "boots", "coats", "tents", "packs", "lamps")
EVENT_NAMES = (
    *("Product Viewed",) * 30,
    *("Page Viewed",) * 12,
    *("Product List Viewed",) * 4,
    *("Products Searched",) * 3,
    *("Product Added",) * 2,
    "Order Completed",
)


def playbook_of(files: dict[str, str]) -> Playbook:
    return read_playbook(files)


def visitor_id(number: int) -> str:
    return f"3f6c1e90-5b7d-4c0e-9a55-{number:012d}"


def message(name: str, visitor: str, at: int, number: int) -> dict[str, Any]:
    """One event as a browser library sends it: about 720 bytes."""
    category = CATEGORIES[number % len(CATEGORIES)]
    product = f"{category}-{number % 40}"
    path = f"/{category}/{product}"
    properties: dict[str, Any] = {"url": f"https://shop.example{path}", "path": path}
    match name:
        case "Product Viewed" | "Product Added":
            properties |= {"product_id": product, "category": category, "price": 49.9, "currency": "EUR"}
        case "Product List Viewed":
            properties |= {"category": category, "list_id": f"list-{category}"}
        case "Products Searched":
            properties |= {"query": f"{category} for rain"}
        case "Order Completed":
            items = [{"product_id": product, "category": category, "price": 49.9, "quantity": 1}]
            properties |= {
                "order_id": f"{visitor}-{number}",
                "total": 54.8,
                "currency": "EUR",
                "products": items,
            }
    return {
        "type": "page" if name == "Page Viewed" else "track",
        **({} if name == "Page Viewed" else {"event": name}),
        "messageId": f"ajs-next-{at}-{number:012d}-{visitor[-12:]}",
        "anonymousId": visitor,
        "timestamp": to_iso(at),
        "properties": properties,
        "context": {
            "page": {
                "path": path,
                "referrer": "https://www.google.com/",
                "title": f"{category.title()} | Bench shop",
                "url": f"https://shop.example{path}",
            },
            "userAgent": "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) "
            "Chrome/131.0.0.0 Mobile Safari/537.36",
            "locale": "en-GB",
            "timezone": "Europe/Berlin",
            "library": {"name": "analytics.js", "version": "npm:next-1.84.3"},
        },
    }


def batch_of(size: int, visitors: Sequence[str], at: int, number: int) -> bytes:
    """A request body for `/v1/batch`: one event for each of `size` different visitors."""
    events = [
        message(EVENT_NAMES[(number + place) % 50], visitor, at, number * size + place)
        for place, visitor in enumerate(visitors[:size])
    ]
    return json.dumps({"batch": events, "sentAt": to_iso(at)}, separators=(",", ":")).encode()


def rows_of(house: House, now: int) -> list[EventRow]:
    """The events of one visitor as the store takes them, made by the house's own reading."""
    messages = [message(name, visitor_id(0), now, number) for number, name in enumerate(_mixed())]
    return [ready.row for ready in prepare(house, CaptureSource(), messages) if isinstance(ready, Ready)]


def _mixed() -> list[str]:
    names = list(EVENT_NAMES)
    random.Random(7).shuffle(names)
    return names


def moments(now: int, events_each: int) -> Iterator[int]:
    """When each of a visitor's events happened: ascending, the last an hour and a half ago."""
    span = HISTORY_DAYS * DAY // events_each
    return (now - HOUR - 30 * MINUTE - (events_each - place) * span for place in range(events_each))


def filled_folder(visitors: int = VISITORS) -> Path:
    """A data folder with the shop's history; one filled within the last day is used again, without its records."""
    folder = KEPT / f"shop-{visitors}"
    stamp = folder / "filled"
    if not stamp.exists() or time.time() - stamp.stat().st_mtime > FRESH_SECONDS:
        shutil.rmtree(folder, ignore_errors=True)
        print(f"  filling {folder} with {visitors:,} visitors x {EVENTS_EACH} events ...", flush=True)
        fill(folder, visitors)
        add_keys(Place(folder))
        stamp.write_text(str(_head(folder)))
    forget_later(folder, int(stamp.read_text()))
    return folder


def _head(folder: Path) -> int:
    connection = sqlite3.connect(folder / "opportune.sqlite")
    head: int = connection.execute("SELECT value FROM counters WHERE name = 'seq'").fetchone()[0]
    connection.close()
    return head


def forget_later(folder: Path, seq: int) -> None:
    """Takes away whatever runs before this one have added to the history, and their records."""
    connection = sqlite3.connect(folder / "opportune.sqlite")
    connection.execute("PRAGMA cache_size = -262144")
    with connection:
        connection.execute(
            "DELETE FROM events WHERE (lane, key, class, occurred_at, seq) IN "
            "(SELECT key % 256, key, class, occurred_at, seq FROM bodies WHERE seq > ?)",
            (seq,),
        )
        connection.execute("DELETE FROM bodies WHERE seq > ?", (seq,))
    connection.close()
    forget_records(folder)


def fill(folder: Path, visitors: int, events_each: int = EVENTS_EACH) -> None:
    """Oldest events first, visitor after visitor at every moment, as they would have come."""
    storage = open_storage(Place(folder))
    try:
        fill_storage(storage, visitors, events_each)
    finally:
        storage.close()


def fill_storage(storage: Storage, visitors: int, events_each: int) -> None:
    house = build_house(storage)
    now = house.clock()
    rows = rows_of(house, now)
    keys = [key_of("anonymous", visitor_id(number)) for number in range(visitors)]
    pieces = [keys[start : start + TOGETHER] for start in range(0, len(keys), TOGETHER)]
    storage.write(_know(keys), keys).result()
    for number, at in enumerate(moments(now, events_each)):
        row = rows[number % len(rows)]
        for place, piece in enumerate(pieces):
            storage.write(_append(row, piece, at, number, place * TOGETHER), piece).result()


def _know(keys: Sequence[int]) -> Any:
    def job(transaction: Transaction) -> None:
        for number, key in enumerate(keys):
            transaction.put_key(key, "anonymous", visitor_id(number))

    return job


def _append(row: EventRow, keys: Sequence[int], at: int, number: int, first: int) -> Any:
    def job(transaction: Transaction) -> None:
        for place, key in enumerate(keys, first):
            mark = (number * 1_000_003 + place * 7_919) & (2**62 - 1)
            transaction.append_event(
                msgspec.structs.replace(row, key=key, occurred_at=at + place, message=mark)
            )

    return job


def forget_records(folder: Path) -> None:
    """Takes earlier runs' records and playbook away, so that every run begins alike."""
    connection = sqlite3.connect(folder / "opportune.sqlite")
    with connection:
        for table in ("exposures", "opportunities", "assignments", "receipts", "playbooks", "run_states"):
            connection.execute(f"DELETE FROM {table}")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    subprocess.run(["sync"], check=False)


def add_keys(place: Place) -> None:
    for kind, value in (("write", WRITE_KEY), ("secret", SECRET_KEY)):
        command = [sys.executable, "-m", "opportune", "keys", "add", *place.option.split(" "), "--kind", kind]
        subprocess.run([*command, "--name", kind, "--value", value], check=True, capture_output=True)


def write_playbook(folder: Path, files: dict[str, str]) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder
