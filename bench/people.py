"""A million people stored: what reading one costs when few of them come, and when all do."""

from __future__ import annotations

import random
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from time import perf_counter

from bench import shop
from bench.table import Section
from opportune.app.house import build_house
from opportune.app.storing import open_reading, open_storage
from opportune.core.history.key import key_of, lane_of
from opportune.process.place import Place
from opportune.storage.base import Storage
from opportune.storage.sqlite.connection import HOT_CACHE_KIB

MANY, FEW = 1_000_000, 10_000
EVENTS_EACH = 8
READS = 20_000
ROUNDS = 5


def measure() -> Section:
    section = Section("people", "A million people", ("us a read", "x"))
    few, many = _filled(FEW), _filled(MANY)
    stores = {"few": open_reading(Place(few.parent)), "many": open_reading(Place(many.parent))}
    keys = _keys(MANY)
    spread = random.Random(1).sample(keys, FEW)
    forms: dict[str, Callable[[], int]] = {
        "few": _drawing(keys[:FEW], 1),
        "active": _drawing(spread, 2),
        "uniform": _drawing(keys, 3),
    }
    now = int(time.time() * 1_000)
    found: dict[str, list[float]] = {name: [] for name in forms}
    for _ in range(ROUNDS):
        for name, draw in forms.items():
            store = stores["few" if name == "few" else "many"]
            found[name].append(_time(store, draw, now))
    us = {name: median(times[1:]) for name, times in found.items()}  # the first round warms the caches
    section.add("10,000 people stored", f"{us['few']:.0f}", "1.00")
    active, uniform = us["active"] / us["few"], us["uniform"] / us["few"]
    section.add(
        "1,000,000 stored, 10,000 of them come",
        *(f"{us['active']:.0f}", f"{active:.2f}"),
        target="<= 1.2x",
        is_met=active <= 1.2,
    )
    section.add(
        "1,000,000 stored, all come alike",
        *(f"{us['uniform']:.0f}", f"{uniform:.2f}"),
        target="<= 3x",
        is_met=uniform <= 3,
    )
    size = many.stat().st_size / 1e9
    section.note(
        f"{EVENTS_EACH} events each without bodies ({size:.1f} GB with a million); {READS:,} reads a round, medians "
        f"without the first. SQLite's cache {HOT_CACHE_KIB // 1024} MB, no mmap; the file in the system's page cache."
    )
    for store in stores.values():
        store.close()
    shutil.rmtree(many.parent)
    return section


def _keys(people: int) -> list[int]:
    return [key_of("anonymous", shop.visitor_id(number)) for number in range(people)]


def _drawing(keys: list[int], seed: int) -> Callable[[], int]:
    choose = random.Random(seed).choice
    return lambda: choose(keys)


def _time(store: Storage, draw: Callable[[], int], now: int) -> float:
    asked = [(draw(),) for _ in range(READS)]
    started = perf_counter()
    for keys in asked:
        store.recall(keys, now=now)
    return (perf_counter() - started) / READS * 1e6


def _filled(people: int) -> Path:
    """A store of that many people, written in the order of its tables, as an import of old history is."""
    folder = shop.KEPT / f"people-{people}"
    shutil.rmtree(folder, ignore_errors=True)
    storage = open_storage(Place(folder))
    house = build_house(storage)
    lines = [(row.name, row.source, row.facts.decode()) for row in shop.rows_of(house, house.clock())]
    now = house.clock()
    storage.close()
    print(f"  filling a store with {people:,} people ...", flush=True)
    connection = sqlite3.connect(Place(folder).folder.store, isolation_level=None)
    for pragma in ("synchronous = OFF", "journal_mode = OFF", "cache_size = -262144"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute("BEGIN")
    connection.executemany("INSERT INTO events VALUES (?,?,1,?,?,NULL,?,?,?,0,?)", _rows(people, now, lines))
    connection.execute("UPDATE counters SET value = ? WHERE name = 'seq'", (people * EVENTS_EACH,))
    connection.execute("COMMIT")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.close()
    return Place(folder).folder.store


def _rows(people: int, now: int, lines: list[tuple[str, str, str]]) -> Iterator[tuple[object, ...]]:
    moments = list(shop.moments(now, EVENTS_EACH))
    seq = 0
    for lane, key in sorted((lane_of(key), key) for key in _keys(people)):
        for number, at in enumerate(moments):
            seq += 1
            name, source, facts = lines[number]
            yield lane, key, at, seq, f'[{at},{seq},"{name}","{source}",{facts}]', name, source, seq
