"""Measuring a test of a million visitors: kept sums, sums derived anew from the log, and what goes on beside it."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path
from statistics import median
from threading import Event, Thread
from zoneinfo import ZoneInfo

from bench import shop
from bench.ingest import make_bodies, send_all
from bench.load import Felt, put_load, tool
from bench.machine import describe_pinning
from bench.over_http import ask_everybody, load_on
from bench.serving import Serving, serve_opportune
from bench.table import Section
from opportune.app.serving import build_apart
from opportune.app.storing import open_storage
from opportune.core.allocation import IN, OUT
from opportune.core.experiments.experiment import Experiment, Phase
from opportune.core.experiments.measured import Measured
from opportune.core.history.standard_plan import STANDARD_PLAN
from opportune.core.metrics import Words
from opportune.core.metrics.reading import parse_metric
from opportune.core.moment import DAY
from opportune.process.place import Place
from opportune.services.experiments.measuring import Terms
from opportune.services.experiments.measuring import measure as derive
from opportune.settings import DEFAULTS
from opportune.storage.base import Storage

UNITS = int(os.environ.get("OPPORTUNE_BENCH_UNITS", "1000000"))
DAYS = 28
BUYERS = 50
"""One visitor of so many orders something, and one of twice as many was somebody known."""
ROUNDS = 3
START_SECONDS = 1.0
SECONDS = 4
CONNECTIONS = 16
SHARE = 0.4
"""Of the saturating rate of decisions, while it measures."""
BATCHES = 120
MOST_SUMS_MS, MOST_DERIVED_SECONDS = 100, 3
ORDERS, REVENUE = (
    parse_metric(text, Words()) for text in ("orders within 7 days", "revenue a visitor within 7 days")
)
TERMS = Terms(STANDARD_PLAN, ZoneInfo("Europe/Berlin"))

VISITORS = (
    """CREATE TEMP TABLE drawn AS
    WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :units)
    SELECT n, abs(random()) AS key, :until - abs(random()) % :span AS at, iif(random() & 1, 'in', 'out') AS arm
    FROM numbers""",
    "CREATE TEMP TABLE visitors AS SELECT key % 256 AS lane, key, n, at, arm FROM drawn ORDER BY 1, 2",
)
ADDING = (
    """INSERT INTO assignments (lane, unit, experiment, phase, first_seq, arm, line)
    SELECT lane, key, :experiment, 1, :head + n, arm,
        json_array(:head + n, json_array(:experiment, arm, 1, key, n % 10000)) FROM visitors""",
    """INSERT INTO exposures (lane, unit, session, subject, slot, rule, rule_hash, arm, seq, line, first_at,
        shown_at, count)
    SELECT lane, key, at, 'programme', '', '', '', arm, :head + :units + n,
        json_array('programme', '', '', '', arm, at, at, iif(n & 1, at, NULL), n & 1), at, iif(n & 1, at, NULL),
        n & 1 FROM visitors""",
    """INSERT INTO events (lane, key, class, occurred_at, seq, line, name, source, value, message)
    SELECT lane, key, 1, at, :head + 2 * :units + n, json_array(at, :head + 2 * :units + n, 'Page Viewed', 'browser',
        json_object('path', '/shoes/' || n % 100)), 'Page Viewed', 'browser', 0, n FROM visitors""",
    """INSERT INTO events (lane, key, class, occurred_at, seq, line, name, source, value, message)
    SELECT lane, key, 0, at + 60000, :head + 3 * :units + n, json_array(at + 60000, :head + 3 * :units + n,
        'Order Completed', 'shop', json_object('order_id', 'o' || n, 'value', n % 9000)), 'Order Completed', 'shop',
        n % 9000, n FROM visitors WHERE n % :buyers = 0""",
    """INSERT INTO bodies (seq, key, class, occurred_at, name, source, body)
    SELECT :head + 3 * :units + n, key, 0, at + 60000, 'Order Completed', 'shop', zeroblob(400) FROM visitors
    WHERE n % :buyers = 0 ORDER BY n""",
    """INSERT INTO links (lane, key, person, from_seq, since_seq, to_seq, until_seq)
    SELECT lane, key, :units + n, 0, :head, 4611686018427387904, 4611686018427387904 FROM visitors
    WHERE n % (2 * :buyers) = 0""",
    "UPDATE counters SET value = :head + 4 * :units WHERE name = 'seq'",
)


def experiment_of(now: int) -> Experiment:
    arms, since_at = ((OUT, 5_000), (IN, 5_000)), now - (DAYS + 1) * DAY
    return Experiment(
        id="programme/1",
        subject="programme",
        arms=arms,
        metric=ORDERS,
        others=(REVENUE,),
        caps={REVENUE.name: 8_000},
        started_at=since_at,
        planned_end_at=now,
        phases=(Phase(number=1, since_at=since_at, arms=arms),),
    )


def measure() -> Section:
    section = Section("measuring", f"Measuring {UNITS:,} visitors", ("figure", "p50 ms", "p99 ms"))
    now = int(time.time() * 1_000)
    folder = filled_folder(now)
    experiment = experiment_of(now)
    _measure_sums(section, folder, experiment, now)
    playbook = shop.write_playbook(shop.KEPT / "ten-conditions", shop.TEN_CONDITIONS)
    with serve_opportune(folder, playbook) as serving:
        beside = Beside(folder, experiment, now)
        _measure_ingest(section, serving, beside)
        _measure_decide(section, serving, beside)
    section.note(
        "Beside means all the time, in a process of its own (read-only, niced) as a server starts one a round; a "
        f"server then rests twenty times as long as it took. {describe_pinning()}"
    )
    return section


def filled_folder(now: int) -> Path:
    """The benches' shop, and so many visitors of a test who looked once; some bought."""
    folder = shop.KEPT / f"measured-{UNITS}"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(shop.filled_folder(), folder)
    print(f"  filling {folder} with {UNITS:,} visitors of a test ...", flush=True)
    open_storage(Place(folder)).close()
    with sqlite3.connect(folder / "opportune.sqlite") as file:
        file.execute("PRAGMA synchronous = OFF")
        [(head,)] = file.execute("SELECT value FROM counters WHERE name = 'seq'").fetchall()
        asked = {"units": UNITS, "head": head, "until": now, "span": DAYS * DAY, "buyers": BUYERS}
        asked["experiment"] = "programme/1"
        for statement in (*VISITORS, *ADDING):
            file.execute(statement, asked)
        file.commit()
        file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return folder


def _measure_sums(section: Section, folder: Path, experiment: Experiment, now: int) -> None:
    storage = open_storage(Place(folder))
    try:
        wall, cpu = [], []
        for _ in range(ROUNDS):
            began, used = time.perf_counter(), time.process_time()
            measured = derive(storage, experiment, TERMS, now)
            wall.append(time.perf_counter() - began)
            cpu.append(time.process_time() - used)
        arms = [measured.total(arm) for arm in (IN, OUT)]
        assert sum(each.units for each in arms) == UNITS, "somebody is missing"
        assert sum(each.by_metric[ORDERS.name].y for each in arms) == UNITS // BUYERS, "an order is missing"
        storage.write(lambda transaction: transaction.put_measured(measured)).result()
        sums = [_timed(lambda: _totals(storage, experiment)) for _ in range(20)]
    finally:
        storage.close()
    ms, seconds = median(sums) * 1_000, min(wall)
    section.add("from kept sums", f"{ms:.1f} ms", target=f"<= {MOST_SUMS_MS} ms", is_met=ms <= MOST_SUMS_MS)
    section.add(
        "derived from the log, orders and revenue",
        f"{seconds:.2f} s",
        target=f"<= {MOST_DERIVED_SECONDS} s",
        is_met=seconds <= MOST_DERIVED_SECONDS,
    )
    section.note(
        f"Derived: the fastest of {ROUNDS} rounds, {min(cpu):.2f} s of processor time. One visitor of {BUYERS} bought, "
        f"one of {2 * BUYERS} is linked to a user; {len(measured.cells)} cells of {DAYS} days."
    )


def _totals(storage: Storage, experiment: Experiment) -> None:
    """What a report reads: both arms whole, closed days, and those who saw it."""
    found = storage.find_measured(experiment.id)
    assert found is not None
    for arm in (IN, OUT):
        for part in ("", "shown"):
            assert found.total(arm, part=part, until_day=max(cell.day for cell in found.cells)).units


def _timed(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


class Beside:
    """Measures again and again in processes of their own while something else goes on."""

    def __init__(self, folder: Path, experiment: Experiment, now: int) -> None:
        self._apart = build_apart(Place(folder), DEFAULTS, Event())
        self._experiment, self._now = experiment, now
        self.rounds = 0

    def run(self, work: Callable[[], object]) -> None:
        done = Event()
        thread = Thread(target=self._measure, args=(done,))
        thread.start()
        time.sleep(START_SECONDS)
        work()
        done.set()
        thread.join()

    def _measure(self, done: Event) -> None:
        while not done.is_set():
            found: Measured = self._apart(derive, self._experiment, TERMS, self._now)
            assert found.cells
            self.rounds += 1


def _measure_ingest(section: Section, serving: Serving, beside: Beside) -> None:
    numbers = count(time.time_ns() // 1_000)
    alone: list[float] = []
    busy: list[float] = []

    def send(into: list[float]) -> None:
        rate, _ = asyncio.run(send_all(serving, list(make_bodies(numbers, BATCHES))))
        into.append(rate)

    for _ in range(ROUNDS):
        send(alone)
        beside.run(lambda: send(busy))
    ratio = median(alone) / median(busy)
    section.add("events a second, nothing beside it", f"{median(alone):,.0f}")
    section.add(
        "events a second, measuring beside it", f"{median(busy):,.0f}", target="<= 1.3x", is_met=ratio <= 1.3
    )
    section.note(f"An event costs {ratio:.2f}x while it measures ({beside.rounds} times).")


def _measure_decide(section: Section, serving: Serving, beside: Beside) -> None:
    ask_everybody(serving)
    most = put_load(serving.port, load_on("/v1/decide"), seconds=2, connections=CONNECTIONS).rate
    idle: list[Felt] = []
    busy: list[Felt] = []
    load: Callable[[], Felt] = lambda: put_load(  # noqa: E731 - one line says it
        serving.port, load_on("/v1/decide"), seconds=SECONDS, connections=CONNECTIONS, rate=most * SHARE
    )
    for _ in range(ROUNDS):
        idle.append(load())
        beside.run(lambda: busy.append(load()))
    ratio = median(each.p99 for each in busy) / median(each.p99 for each in idle)
    for what, felt in (("nothing", idle), ("measuring", busy)):
        section.add(
            f"decide, {what} beside it",
            f"{median(each.rate for each in felt):,.0f} requests/s",
            f"{median(each.p50 for each in felt):.2f}",
            f"{median(each.p99 for each in felt):.2f}",
            target="p99 <= 2x" if felt is busy else "",
            is_met=ratio <= 2 if felt is busy else None,
        )
    section.note(f"Deciding: p99 is {ratio:.2f}x; load at {SHARE:.0%} of saturation by {tool()}.")
