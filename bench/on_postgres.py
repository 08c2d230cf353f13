"""On PostgreSQL: deciding and taking in against bare psycopg, a million people, and a flag server beside it."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path
from statistics import median
from time import perf_counter

import psycopg
from tests.postgres_server import PostgresServer

from bench import flag_server, ingest, shop
from bench.load import Felt, Load, put_load
from bench.machine import describe_pinning
from bench.over_http import CONNECTIONS, HALF_LOAD_CONNECTIONS, SECONDS, load_on
from bench.serving import Serving, serve_bare_postgres, serve_on_database
from bench.table import Section
from opportune.app.storing import open_storage
from opportune.core.history.key import key_of, lane_of
from opportune.process.place import Place
from opportune.storage.base import Storage

ROUNDS = 5
INGEST_ROUNDS = 3
BATCHES, WARM_UP = 120, 16
VISITORS = 5_000
MANY, FEW = 1_000_000, 10_000
EVENTS_EACH = 8
READS = 4_000
TABLES = {
    "events": (
        "INSERT INTO events (lane, key, class, occurred_at, seq, value, message, line, name, source) "
        "VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
    ),
    "bodies": (
        "INSERT INTO bodies (lane, seq, key, class, occurred_at, name, source, body) "
        "VALUES (%s, %s, %s, %s, %s, %s, %s, %s)"
    ),
}
FILL = """INSERT INTO events (lane, key, class, occurred_at, seq, value, message, line, name, source)
SELECT person %% 256, person, 1, %(now)s - number * 3600000, number + 1, 0, person + number,
    '[' || %(now)s - number * 3600000 || ',' || number + 1
        || ',"Product Viewed","browser",{"product":"boots-1","category":"boots","page_path":"/boots/boots-1"}]',
    'Product Viewed', 'browser'
FROM (SELECT unnest(%(people)s::bigint[]) AS person) AS people, generate_series(0, %(each)s - 1) AS number"""
PERSONS = (
    "INSERT INTO persons (lane, person, seq) SELECT key %% 256, key, 10 FROM unnest(%s::bigint[]) AS key"
)


def measure() -> Section:
    section = Section("postgres", "On PostgreSQL", ("rate", "x bare", "CPU us", "p50 ms", "p99 ms"))
    playbook = shop.write_playbook(shop.KEPT / "ten-conditions", shop.TEN_CONDITIONS)
    with PostgresServer(is_durable=True, shared_buffers="1GB") as server:
        url = _filled(server)
        with serve_on_database(url, playbook) as ours, serve_bare_postgres(url) as bare:
            _meet_everybody(ours, url)
            _measure_deciding(section, ours, bare)
            with flag_server.serving(server) as unleash:
                _measure_flags(section, unleash)
        _measure_ingest(section, url, playbook)
        _measure_people(section, server)
    section.note(
        f"PostgreSQL 18 on the same machine with 1 GB of buffers, fsync on. 2 places, 10 conditions, "
        f"{shop.EVENTS_EACH} events a visitor, {VISITORS:,} visitors drawn uniformly; {CONNECTIONS} connections. "
        f"{describe_pinning()} The database takes what it needs of both. CPU is that of the server process alone."
    )
    section.note(
        "Bare: Starlette on uvicorn, one psycopg read of the same timeline from a pool of 8 connections, an answer of "
        "the same size; it decides nothing. Ours also reads links, traits, assignments, exposures, opportunities."
    )
    return section


def _filled(server: PostgresServer) -> str:
    url = server.make_database("shop")
    print(f"  filling PostgreSQL with {VISITORS:,} visitors x {shop.EVENTS_EACH} events ...", flush=True)
    storage = open_storage(Place(Path(), url))
    shop.fill_storage(storage, VISITORS, shop.EVENTS_EACH)
    storage.close()
    shop.add_keys(Place(Path(), url))
    _tidy(url)
    return url


def _meet_everybody(ours: Serving, url: str) -> None:
    """Everybody asks once, and the server learns how large its tables have become, as it does by itself in a minute."""
    once = load_on("/v1/decide", is_sequential=True, visitors=VISITORS)
    put_load(ours.port, once, seconds=8, connections=8)
    _tidy(url)


def _tidy(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")


def _measure_deciding(section: Section, ours: Serving, bare: Serving) -> None:
    load = load_on("/v1/decide", visitors=VISITORS)
    felt: dict[str, list[Felt]] = {"ours": [], "bare": []}
    forms = [("ours", ours, load), ("bare", bare, load_on("/read", visitors=VISITORS))]
    for _, serving, form in forms:
        put_load(serving.port, form, seconds=1, connections=CONNECTIONS)
    for number in range(ROUNDS):
        for name, serving, form in forms if number % 2 else reversed(forms):
            felt[name].append(_saturate(serving, form))
    ratio = median(one.rate / other.rate for one, other in zip(felt["ours"], felt["bare"], strict=True))
    section.add("bare: one read of the timeline, and JSON", *_figures(felt["bare"], 1.0))
    section.add(
        "decide, nothing new to record",
        *_figures(felt["ours"], ratio),
        target=">= 0.6x",
        is_met=ratio >= 0.6,
    )
    rate = median(each.rate for each in felt["ours"]) / 2
    half = put_load(ours.port, load, seconds=4, connections=HALF_LOAD_CONNECTIONS, rate=rate)
    section.add("the same at half load", f"{half.rate:,.0f}", "", "", f"{half.p50:.2f}", f"{half.p99:.2f}")


def _saturate(serving: Serving, load: Load) -> Felt:
    before = serving.cpu_seconds()
    felt = put_load(serving.port, load, seconds=SECONDS, connections=CONNECTIONS)
    return replace(felt, cpu_us=(serving.cpu_seconds() - before) / felt.requests * 1e6)


def _figures(found: list[Felt], to_bare: float | None) -> tuple[str, ...]:
    return (
        f"{median(each.rate for each in found):,.0f}",
        "" if to_bare is None else f"{to_bare:.2f}",
        f"{median(each.cpu_us for each in found):.0f}",
        f"{median(each.p50 for each in found):.2f}",
        f"{median(each.p99 for each in found):.2f}",
    )


def _measure_flags(section: Section, unleash: flag_server.Flags | None) -> None:
    if unleash is None:
        section.note("No figure for unleash-server: it could not be installed from npm, or did not start.")
        return
    found = [unleash.saturate(SECONDS, CONNECTIONS) for _ in range(3)]
    section.add(f"unleash-server {unleash.version}, two flags", *_figures(found, None))
    section.note(
        "unleash-server answers `GET /api/frontend` for one user and two flags with a gradual rollout each, on the "
        "same PostgreSQL, from its memory: it reads no behaviour, so it stands here for orientation only."
    )


def _measure_ingest(section: Section, url: str, playbook: Path) -> None:
    numbers = count(time.time_ns() // 1_000)
    bare, ours, waits = [], [], []
    for _ in range(INGEST_ROUNDS):
        bare.append(_bare_loop(url, list(ingest.make_bodies(numbers, BATCHES, VISITORS))))
        with serve_on_database(url, playbook) as serving:
            asyncio.run(ingest.send_all(serving, list(ingest.make_bodies(numbers, WARM_UP, VISITORS))))
            bodies = list(ingest.make_bodies(numbers, BATCHES, VISITORS))
            rate, felt = asyncio.run(ingest.send_all(serving, bodies))
        ours.append(rate)
        waits += felt
    ratio = median(one / other for one, other in zip(ours, bare, strict=True))
    section.add("events/s: bare psycopg, 8 batches of 100 a commit", f"{median(bare):,.0f}", "1.00")
    section.add(
        "events/s: POST /v1/batch, 100 of different visitors",
        *(f"{median(ours):,.0f}", f"{ratio:.2f}", "", f"{median(waits):.0f}"),
        f"{sorted(waits)[int(len(waits) * 0.99)]:.0f}",
        target=">= 0.6x",
        is_met=ratio >= 0.6,
    )


def _bare_loop(url: str, bodies: list[bytes]) -> float:
    """Events a second of a loop that only parses and inserts, `executemany` for each table and batch."""
    with psycopg.connect(url, autocommit=True, prepare_threshold=0) as connection:
        row = connection.execute("SELECT nextval('commits')").fetchone()
        seq = 2**40 + (row[0] if row is not None else 0) * 1_000
        started = perf_counter()
        for start in range(0, len(bodies), ingest.CONNECTIONS):
            with connection.transaction(), connection.cursor() as cursor:
                for body in bodies[start : start + ingest.CONNECTIONS]:
                    rows: dict[str, list[tuple[object, ...]]] = {"events": [], "bodies": []}
                    for event in json.loads(body)["batch"]:
                        seq += 1
                        key = key_of("anonymous", event["anonymousId"])
                        lane = lane_of(key)
                        name, at = event.get("event", "Page Viewed"), int(time.time() * 1_000)
                        line = json.dumps([at, seq, name, "browser", {"path": event["properties"]["path"]}])
                        kept = json.dumps(event).encode()
                        rows["events"].append((lane, key, 1, at, seq, 0, seq, line, name, "browser"))
                        rows["bodies"].append((lane, seq, key, 1, at, name, "browser", kept))
                    for table, values in rows.items():
                        cursor.executemany(TABLES[table], values)
        return ingest.BATCH * len(bodies) / (perf_counter() - started)


def _measure_people(section: Section, server: PostgresServer) -> None:
    with _people(server, FEW) as (few, few_keys), _people(server, MANY) as (many, many_keys):
        cold = _reads(many, random.Random(1).choice, many_keys, READS)
        us: dict[str, list[float]] = {"few": [], "many": []}
        for _ in range(ROUNDS):
            us["few"].append(_reads(few, random.Random(2).choice, few_keys, READS))
            us["many"].append(_reads(many, random.Random(3).choice, many_keys, READS))
    ratio = median(us["many"]) / median(us["few"])
    section.add(f"us a read, {FEW:,} people stored", f"{median(us['few']):.0f}", "1.00")
    section.add(
        f"us a read, {MANY:,} people stored",
        *(f"{median(us['many']):.0f}", f"{ratio:.2f}"),
        target="<= 1.5x",
        is_met=ratio <= 1.5,
    )
    section.note(
        f"People: {EVENTS_EACH} events each, drawn uniformly, everything in the buffers; the first {READS:,} reads of "
        f"the million, right after filling, took {cold:.0f} us each. x is against the 10,000."
    )


@contextmanager
def _people(server: PostgresServer, people: int) -> Iterator[tuple[Storage, list[int]]]:
    print(f"  filling PostgreSQL with {people:,} people ...", flush=True)
    name = f"people_{people}"
    url = server.make_database(name)
    storage = open_storage(Place(Path(), url))
    keys = [number * 7_919 + 1 for number in range(people)]
    now = int(time.time() * 1_000)
    with psycopg.connect(url, autocommit=True) as connection:
        for start in range(0, people, 50_000):
            piece = keys[start : start + 50_000]
            connection.execute(FILL, {"now": now, "people": piece, "each": EVENTS_EACH})
            connection.execute(PERSONS, (piece,))
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")
    try:
        yield storage, keys
    finally:
        storage.close()
        server.drop_database(name)


def _reads(storage: Storage, choose: Callable[[list[int]], int], keys: list[int], reads: int) -> float:
    now = int(time.time() * 1_000)
    chosen = [(choose(keys),) for _ in range(reads)]
    started = perf_counter()
    for key in chosen:
        storage.recall(key, now=now)
    return (perf_counter() - started) / reads * 1e6
