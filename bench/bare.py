"""The endpoint to compare with: Starlette and msgspec on uvicorn, a plain read of the same rows, an answer as JSON.

`/read` reads with one plain SELECT a table what a decision reads: the timeline, and the visitor's exposures,
opportunities, assignments and traits; it decides nothing and writes nothing. `/timeline` reads the timeline alone.
`/read-and-write` also hands two exposures to a writer thread that
commits durably, several requests to a commit; like the real thing, its answer does not wait. `/all-rows` writes
every row a first decision leaves: two opportunities, two exposures with receipts, two assignments.
"""

from __future__ import annotations

import gc
import json
import socket
import sqlite3
import sys
import threading
import time
from collections.abc import Callable
from itertools import count
from queue import Empty, SimpleQueue

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from opportune.core.history.key import key_of, lane_of

TIMELINE = """SELECT occurred_at, seq, name, source, line FROM events
WHERE lane = ? AND key = ? AND class IN (0, 1) AND occurred_at >= ? LIMIT 500"""
RECORDS = (
    "SELECT subject, slot, rule, rule_hash, arm, session, line FROM exposures WHERE lane = ? AND unit = ? LIMIT 500",
    "SELECT session, slot, at, line FROM opportunities WHERE lane = ? AND key = ? LIMIT 200",
    "SELECT experiment, phase, arm, line FROM assignments WHERE lane = ? AND unit = ?",
    "SELECT name, line FROM traits WHERE lane = ? AND key = ?",
)
EXPOSURE = """INSERT OR IGNORE INTO exposures
(lane, unit, session, subject, slot, rule, rule_hash, arm, seq, line, first_at) VALUES (?,?,?,?,?,?,?,?,?,?,?)"""
OPPORTUNITY = "INSERT OR IGNORE INTO opportunities VALUES (?,?,?,?,?,?,?,?,?,?,?)"
RECEIPT = "INSERT OR REPLACE INTO receipts VALUES (?, ?)"
ASSIGNMENT = "INSERT OR IGNORE INTO assignments VALUES (?,?,?,?,?,?,?)"
PLACES = ("home-hero", "offer-bar")
DAYS_90_MS = 90 * 86_400_000
TOGETHER = 256

Rows = list[tuple[str, tuple[object, ...]]]


class Asked(msgspec.Struct, rename="camel"):
    """The part of the request that matters here."""

    anonymous_id: str
    slots: list[str]


class Value(msgspec.Struct):
    """An answer of the same size as the real one's."""

    headline: str = "Back for what you liked?"
    text: str = "Fresh in this week, with free returns for 60 days."
    cta: str = "See all of it"
    link: str = "/categories/all"


class Shown(msgspec.Struct):
    """One place's answer."""

    value: Value
    variant: str
    reason: str
    rule: str
    decision: str
    holds_until: str


class Writing:
    """A writer thread with grouped durable commits."""

    def __init__(self, path: str) -> None:
        self.queue: SimpleQueue[Rows] = SimpleQueue()
        self.path = path
        threading.Thread(target=self.work, daemon=True).start()

    def work(self) -> None:
        connection = sqlite3.connect(self.path, isolation_level=None, timeout=10)
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "cache_size = -65536"):
            connection.execute(f"PRAGMA {pragma}")
        while True:
            group = [self.queue.get()]
            try:
                while len(group) < TOGETHER:
                    group.append(self.queue.get_nowait())
            except Empty:
                pass
            connection.execute("BEGIN IMMEDIATE")
            for rows in group:
                for statement, values in rows:
                    connection.execute(statement, values)
            connection.execute("COMMIT")


def two_exposures(numbers: count[int], key: int, session: int) -> Rows:
    rows: Rows = []
    for place in PLACES:
        line = json.dumps(
            ["rule", place, "A rule", "0123456789abcdef", "treatment", session, session, None, 0]
        )
        identity = (lane_of(key), key, session, "rule", place, "A rule", "0123456789abcdef", "treatment")
        rows.append((EXPOSURE, (*identity, next(numbers), line, session)))
    return rows


def all_rows(numbers: count[int], key: int, session: int) -> Rows:
    rows, lane = two_exposures(numbers, key, session), lane_of(key)
    receipt = bytes(700)
    for place in PLACES:
        number, line = next(numbers), json.dumps([session, place, session])
        context = b'{"page_path":"/"}'
        asked = (lane, key, session, place, number, line, number, session, "shown", "0123456789ab", context)
        rows.append((OPPORTUNITY, asked))
        rows.append((RECEIPT, (number, receipt)))
        rows.append((ASSIGNMENT, (lane, key, f"{place}/bare", 1, number, "treatment", line)))
    return rows


def application(path: str) -> Starlette:
    decoder, encode = msgspec.json.Decoder(Asked), msgspec.json.Encoder().encode
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA cache_size = -65536")
    writing = Writing(path)
    numbers = count(2**40)
    session = time.time_ns() // 1_000_000

    def read(asked: Asked, records: tuple[str, ...] = RECORDS) -> tuple[int, bytes]:
        key = key_of("anonymous", asked.anonymous_id)
        place, since = (lane_of(key), key), time.time_ns() // 1_000_000 - DAYS_90_MS
        rows = connection.execute(TIMELINE, (*place, since)).fetchall()
        for statement in records:
            connection.execute(statement, place).fetchall()
        token = "x" * 180
        shown = {
            place: Shown(
                Value(), "Promise", "SPLIT", rows[0][2] if rows else "", token, "2026-11-29T10:00:00Z"
            )
            for place in asked.slots
        }
        return key, encode({"revision": "0123456789ab", "decisions": shown})

    async def answer_read(request: Request) -> Response:
        _, body = read(decoder.decode(await request.body()))
        return Response(body, media_type="application/json")

    async def answer_timeline(request: Request) -> Response:
        _, body = read(decoder.decode(await request.body()), ())
        return Response(body, media_type="application/json")

    def writes(make: Callable[[count[int], int, int], Rows]) -> Callable[[Request], object]:
        async def answer(request: Request) -> Response:
            key, body = read(decoder.decode(await request.body()))
            writing.queue.put(make(numbers, key, session))
            return Response(body, media_type="application/json")

        return answer

    return Starlette(
        routes=[
            Route("/read", answer_read, methods=["POST"]),
            Route("/timeline", answer_timeline, methods=["POST"]),
            Route("/read-and-write", writes(two_exposures), methods=["POST"]),
            Route("/all-rows", writes(all_rows), methods=["POST"]),
        ]
    )


def main() -> None:
    listener = socket.create_server(("127.0.0.1", 0), backlog=2_048)
    app = application(sys.argv[1])
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http="httptools",
        lifespan="off",
        ws="none",
        access_log=False,
        log_level="warning",
        proxy_headers=False,
        server_header=False,
        date_header=False,
    )
    sys.setswitchinterval(0.0005)
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 10, 10)  # as the real server: the comparison is about what they do
    print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
