"""Asking a log of a million events what a rule would have done: sampled, in full, and what goes on beside it."""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from pathlib import Path

from bench import shop
from bench.machine import describe_pinning
from bench.table import Section
from opportune.app.house import build_house
from opportune.app.storing import open_reading, open_storage
from opportune.core.moment import DAY
from opportune.process.place import Place
from opportune.services.publishing import publish
from opportune.services.traffic.backtesting import backtest
from opportune.services.traffic.trying import Asked
from opportune.storage.database.bodies import pack

EVENTS = int(os.environ.get("OPPORTUNE_BENCH_EVENTS", "1000000"))
EVENTS_EACH = 6.5
"""Of one visitor, on average."""
DAYS = 28
MOST_SAMPLED_SECONDS, MOST_FULL_SECONDS = 2, 30
PLAYBOOK = {
    "team.yaml": "owner: A\nreviewer: B\npurpose: To measure\nsafety limit: none\nrollback: by hand\n"
    "control group: 10%\n",
    "slots/asked.yaml": "slot: asked\ntype: text\nfallback: Welcome\nvariants:\n  Again: Welcome back\n",
    "slots/new.yaml": "slot: new\ntype: text\nfallback: Welcome\nvariants:\n  Again: Welcome back\n",
    "rules/asked.yaml": "rule: Asked\nwhen: a visitor viewed the same category at least 3 times in 7 days\n"
    "show:\n  asked: Again\n",
    "rules/new.yaml": "rule: New\nwhen: a visitor viewed the same category at least 3 times in 7 days\n"
    "show:\n  new: Again\n",
}
"""One rule in a place that pages ask for, one in a place that is imagined on every page."""

VISITORS = """CREATE TEMP TABLE visitors AS
WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :visitors)
SELECT key % 256 AS lane, key, n, at FROM (
    SELECT n, abs(random()) AS key, :until - abs(random()) % :span AS at FROM numbers)
ORDER BY 1, 2"""
ADDING = (
    "INSERT INTO keys (lane, key, namespace, id) SELECT lane, key, 'anonymous', 'v-' || n FROM visitors",
    """INSERT INTO events (lane, key, class, occurred_at, seq, line, name, source, value, message)
    WITH steps (step) AS (VALUES (0), (1), (2), (3), (4), (5), (6), (7))
    SELECT lane, key, 1, at + step * 30000, :head + n * 9 + step, json_array(at + step * 30000, :head + n * 9 + step,
        iif(step & 1, 'Product Viewed', 'Page Viewed'), 'browser', json_object('path', '/c' || (n + step / 3) % 7 ||
        '/' || step, 'category', 'c' || (n + step / 3) % 7)),
        iif(step & 1, 'Product Viewed', 'Page Viewed'), 'browser', 0, n * 9 + step
    FROM visitors CROSS JOIN steps WHERE step < 2 + n % 14""",
    """INSERT INTO opportunities (lane, key, session, slot, record_seq, line, seq, at, outcome, revision, context)
    SELECT lane, key, at, 'asked', :head + n * 9 + 8, json_array(at, 'asked', at + 61000), :head + n * 9 + 2,
        at + 61000, 'normal', 'earlier', :context FROM visitors""",
    """INSERT OR REPLACE INTO seen_events (name, first_at, last_at, count)
    SELECT 'Product Viewed', :until - :span, :until, :visitors * 4""",
    "UPDATE counters SET value = :head + (:visitors + 1) * 9 WHERE name = 'seq'",
)


def measure() -> Section:
    section = Section(
        "backtest", f"Asking a log of {EVENTS:,} events", ("", "seconds", "of a core", "visitors")
    )
    now = int(time.time() * 1_000)
    storage = open_reading(Place(_filled(now)))
    try:
        for rule, place in (("Asked", "a place pages ask for"), ("New", "a place nobody asked for")):
            for is_full in (False, True):
                started, spent = time.perf_counter(), time.process_time()
                found = backtest(storage, now, Asked(rule=rule), is_full=is_full)
                seconds, spent = time.perf_counter() - started, time.process_time() - spent
                most = MOST_FULL_SECONDS if is_full else MOST_SAMPLED_SECONDS
                section.add(
                    f"{place}, {'every visitor' if is_full else 'sampled'}",
                    f"{seconds:.1f}",
                    f"{spent:.1f}",
                    f"{found.looked_at:,}",
                    target=f"< {most} s",
                    is_met=seconds < most,
                )
    finally:
        storage.close()
    section.note("Seconds of a core are what it takes where nobody else wants it.")
    section.note(f"In the reading process, which steps back behind deciding. {describe_pinning()}")
    return section


def _filled(now: int) -> Path:
    folder = shop.KEPT / f"asked-{EVENTS}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    storage = open_storage(Place(folder))
    house = build_house(storage)
    publish(house, PLAYBOOK)
    storage.close()
    print(f"  filling {folder} with {EVENTS:,} events ...", flush=True)
    with sqlite3.connect(folder / "opportune.sqlite") as file:
        file.execute("PRAGMA synchronous = OFF")
        [(head,)] = file.execute("SELECT value FROM counters WHERE name = 'seq'").fetchall()
        asked = {
            "visitors": round(EVENTS / EVENTS_EACH),
            "head": head,
            "until": now,
            "span": DAYS * DAY,
            "context": pack(b'{"page_path":"/c1/1","page_type":"category"}'),
        }
        file.execute(VISITORS, asked)
        for statement in ADDING:
            file.execute(statement, asked)
        file.commit()
        file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return folder
