"""Taking events in: durable batches against a bare SQLite loop, and whether an acknowledged event is decided upon."""

from __future__ import annotations

import asyncio
import json
import random
import sqlite3
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from statistics import median
from time import perf_counter

from bench import shop
from bench.load import Connection, percentile
from bench.machine import describe_pinning
from bench.serving import Serving, serve_opportune
from bench.table import Section
from opportune.core.history.key import key_of, lane_of
from opportune.core.moment import DAY
from opportune.storage.database.bodies import pack

ROUNDS = 4
BATCHES = 160
BATCH = 100
CONNECTIONS = 8
PAIRS = 10_000
PAIR_CONNECTIONS = 16
EVENT = "INSERT INTO events VALUES (?,?,?,?,?,?,?,?,?,?,?)"
RECENT = (
    "SELECT message FROM events WHERE lane = ? AND key = ? AND class IN (0, 1, 2) AND occurred_at >= ? "
    "AND occurred_at < ?"
)
BODY = "INSERT INTO bodies (seq, key, class, occurred_at, name, source, body) VALUES (?,?,?,?,?,?,?)"


def measure() -> Section:
    section = Section("ingest", "Taking events in", ("events/s", "x bare loop", "p50 ms", "p99 ms"))
    folder = shop.filled_folder()
    playbook = shop.write_playbook(shop.KEPT / "ten-conditions", shop.TEN_CONDITIONS)
    numbers = count(time.time_ns() // 1_000)
    bare, careful, ours, waits = [], [], [], []
    for number in range(ROUNDS):
        turns = ("bare", "ours", "careful")
        for turn in turns if number % 2 else reversed(turns):
            bodies = list(make_bodies(numbers, BATCHES))
            folder = shop.filled_folder()
            if turn == "bare":
                bare.append(_bare_loop(folder, bodies, is_careful=False))
            elif turn == "careful":
                careful.append(_bare_loop(folder, bodies, is_careful=True))
            else:
                with serve_opportune(folder, playbook) as serving:
                    rate, felt = asyncio.run(send_all(serving, bodies))
                ours.append(rate)
                waits += felt
    ratio = median(one / other for one, other in zip(ours, bare, strict=True))
    section.add("bare SQLite loop, as many batches a commit", f"{median(bare):,.0f}", "1.00")
    careful_ratio = median(one / other for one, other in zip(careful, bare, strict=True))
    section.add(
        "the same, looking for duplicates and packing bodies",
        f"{median(careful):,.0f}",
        f"{careful_ratio:.2f}",
    )
    section.add(
        "POST /v1/batch, 100 events of different visitors",
        *(f"{median(ours):,.0f}", f"{ratio:.2f}", f"{median(waits):.0f}", f"{percentile(waits, 0.99):.0f}"),
        target=">= 0.75x",
        is_met=ratio >= 0.75,
    )
    with serve_opportune(folder, playbook) as serving:
        stale, rate, felt = asyncio.run(_pairs(serving))
    section.add(
        f"{PAIRS:,} events, each followed by a decision: stale ones",
        *(f"{stale}", "", f"{median(felt):.1f}", f"{percentile(felt, 0.99):.1f}"),
        target="0",
        is_met=stale == 0,
    )
    section.note(
        f"A batch has {len(bodies[0]) / 1_000:.0f} kB; {CONNECTIONS} connections, each sends the next batch when the "
        f"last one is acknowledged. The bare loop inserts the same rows and the same bodies as they are, "
        f"{CONNECTIONS} batches a durable commit (WAL, FULL), with checkpoints, into the same file. "
        f"{describe_pinning()}"
    )
    section.note(
        f"Pairs: {rate:,.0f} a second over {PAIR_CONNECTIONS} connections, each with an event of its own visitor, its "
        "acknowledgement (p50 and p99 are of a pair), then a decision that shows the product last viewed."
    )
    return section


def make_bodies(numbers: Iterator[int], batches: int, visitors: int = shop.VISITORS) -> Iterator[bytes]:
    """Request bodies of a batch each, every event of another visitor."""
    random_ = random.Random(next(numbers))
    for _ in range(batches):
        chosen = [shop.visitor_id(place) for place in random_.sample(range(visitors), BATCH)]
        yield shop.batch_of(BATCH, chosen, int(time.time() * 1_000), next(numbers))


async def send_all(serving: Serving, bodies: list[bytes]) -> tuple[float, list[float]]:
    """Events a second and each batch's wait in milliseconds."""
    waits: list[float] = []
    left = iter(bodies)

    async def send() -> None:
        connection = await Connection(serving.port, shop.WRITE_KEY).open()
        for body in left:
            started = perf_counter()
            status, answer = await connection.post("/v1/batch", body)
            assert status == 200, answer
            waits.append((perf_counter() - started) * 1_000)
        connection.close()

    started = perf_counter()
    await asyncio.gather(*(send() for _ in range(CONNECTIONS)))
    return BATCH * len(bodies) / (perf_counter() - started), waits


def _bare_loop(folder: Path, bodies: list[bytes], *, is_careful: bool) -> float:
    """Events a second of a loop that only parses and inserts; a careful one also does what nobody can leave out."""
    connection = sqlite3.connect(folder / "opportune.sqlite", isolation_level=None)
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "cache_size = -32768"):
        connection.execute(f"PRAGMA {pragma}")
    head = connection.execute("SELECT value FROM counters WHERE name = 'seq'").fetchone()[0]
    started = perf_counter()
    seq = head
    for start in range(0, len(bodies), CONNECTIONS):
        connection.execute("BEGIN IMMEDIATE")
        for body in bodies[start : start + CONNECTIONS]:
            for event in json.loads(body)["batch"]:
                seq += 1
                key = key_of("anonymous", event["anonymousId"])
                name, at = event.get("event", "Page Viewed"), int(time.time() * 1_000)
                line = json.dumps([at, seq, name, "browser", {"path": event["properties"]["path"]}])
                row = (lane_of(key), key, 1, at, seq, None, line, name, "browser", 0, seq)
                kept = json.dumps(event).encode()
                if is_careful:
                    connection.execute(RECENT, (lane_of(key), key, at - DAY, at + DAY)).fetchall()
                    kept = pack(kept)
                connection.execute(EVENT, row)
                connection.execute(BODY, (seq, key, 1, at, name, "browser", kept))
        connection.execute("UPDATE counters SET value = ? WHERE name = 'seq'", (seq,))
        connection.execute("COMMIT")
    taken = perf_counter() - started
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return float((seq - head) / taken)


async def _pairs(serving: Serving) -> tuple[int, float, list[float]]:
    """How many decisions did not know the event acknowledged before them, pairs a second, and their waits."""
    stale, waits = 0, []
    numbers = iter(range(PAIRS))

    async def alternate() -> None:
        nonlocal stale
        capturing = await Connection(serving.port, shop.WRITE_KEY).open()
        deciding = await Connection(serving.port, shop.SECRET_KEY).open()
        for number in numbers:
            visitor, product = shop.visitor_id(number % shop.VISITORS), f"fresh-{number}"
            event = shop.message("Product Viewed", visitor, int(time.time() * 1_000), number)
            event["properties"]["product_id"] = product
            started = perf_counter()
            status, answer = await capturing.post("/v1/track", json.dumps(event).encode())
            assert status == 200, answer
            status, answer = await deciding.post(
                "/v1/decide", json.dumps({"anonymousId": visitor, "slots": ["echo"]}).encode()
            )
            assert status == 200, answer
            waits.append((perf_counter() - started) * 1_000)
            stale += json.loads(answer)["decisions"]["echo"]["value"] != product
        capturing.close()
        deciding.close()

    started = perf_counter()
    await asyncio.gather(*(alternate() for _ in range(PAIR_CONNECTIONS)))
    return stale, PAIRS / (perf_counter() - started), waits
