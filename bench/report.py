"""A long report, and a backtest of every visitor, in the reading process while decisions go on."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median

from bench import shop
from bench.load import Felt, put_load, tool
from bench.machine import describe_pinning
from bench.over_http import ask_everybody, load_on
from bench.serving import Serving, serve_opportune
from bench.table import Section
from opportune.app.serving import build_reader
from opportune.core.history.key import LANES
from opportune.core.traffic.tally import Tally
from opportune.http.backtests import PART_SECONDS
from opportune.process.place import Place
from opportune.process.reader import ReadingProcess
from opportune.services.traffic.backtesting import count_part
from opportune.services.traffic.trying import Asked
from opportune.settings import DEFAULTS
from opportune.storage.base import Storage

ROUNDS = 3
SECONDS = 4
CONNECTIONS = 16
SHARE = 0.4
"""Of the saturating rate, while the report runs."""
ASKED = Asked(rule="Hero for returners")


def measure() -> Section:
    section = Section("report", "Long reads beside decisions", ("requests/s", "p50 ms", "p99 ms"))
    folder = shop.filled_folder()
    playbook = shop.write_playbook(shop.KEPT / "ten-conditions", shop.TEN_CONDITIONS)
    with serve_opportune(folder, playbook) as serving:
        ask_everybody(serving)
        most = put_load(serving.port, load_on("/v1/decide"), seconds=2, connections=CONNECTIONS).rate
        idle, reporting, asking = [], [], []
        reports = parts = 0
        for _ in range(ROUNDS):
            idle.append(_load(serving, most))
            felt, found = asyncio.run(_beside(folder, serving, most, _report))
            reporting.append(felt)
            reports += found
            felt, found = asyncio.run(_beside(folder, serving, most, _backtest))
            asking.append(felt)
            parts += found
    section.add("decide, nothing beside it", *_figures(idle))
    ratios = []
    for name, busy in (("a report", reporting), ("a backtest of every visitor", asking)):
        ratio = median(each.p99 for each in busy) / median(each.p99 for each in idle)
        section.add(f"decide, {name} beside it", *_figures(busy), target="p99 <= 2x", is_met=ratio <= 2)
        ratios.append(f"{ratio:.2f}x")
    section.note(
        f"p99 is {' and '.join(ratios)}. The report counts events and adds up values by day and name over all "
        f"{shop.VISITORS:,} visitors' rows, again and again ({reports} times), as one of `services/reading.py` would, "
        f"the backtest ({parts} parts) decides again for all that was kept of them, in the house's own reading process "
        f"(read-only, niced). Load at {SHARE:.0%} of saturation by {tool()}. {describe_pinning()}"
    )
    return section


def report_on(storage: Storage, seconds: float) -> int:
    """Sums by day and name over every event, until the time is over; how often it came through."""
    store = storage.path  # type: ignore[attr-defined]
    connection = sqlite3.connect(f"{store.resolve().as_uri()}?mode=ro", uri=True)
    until, rounds = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        connection.execute(
            "SELECT occurred_at / 86400000 AS day, name, count(*), sum(value), count(DISTINCT key) FROM events "
            "WHERE until_seq IS NULL GROUP BY day, name"
        ).fetchall()
        rounds += 1
    connection.close()
    return rounds


Beside = Callable[[ReadingProcess], Awaitable[int]]
"""Reads for longer than the load lasts, and says how often it came through."""


async def _report(reader: ReadingProcess) -> int:
    found: int = await reader(report_on, SECONDS + 1)
    return found


async def _backtest(reader: ReadingProcess) -> int:
    until, parts, lanes = time.monotonic() + SECONDS + 1, 0, 0
    while time.monotonic() < until:
        part: Tally = await reader(count_part, int(time.time() * 1_000), ASKED, lanes % LANES, PART_SECONDS)
        parts, lanes = parts + 1, lanes + part.lanes
    return parts


async def _beside(folder: Path, serving: Serving, most: float, work: Beside) -> tuple[Felt, int]:
    reader = build_reader(Place(folder), DEFAULTS)
    try:
        await reader(report_on, 0)  # the process is there
        reading = asyncio.ensure_future(work(reader))
        await asyncio.sleep(0.3)
        load: Callable[[], Felt] = lambda: _load(serving, most)  # noqa: E731 - one line says it
        felt = await asyncio.to_thread(load)
        return felt, await reading
    finally:
        reader.close()


def _load(serving: Serving, most: float) -> Felt:
    felt = put_load(
        serving.port, load_on("/v1/decide"), seconds=SECONDS, connections=CONNECTIONS * 2, rate=most * SHARE
    )
    if felt.errors:
        raise RuntimeError(f"{felt.errors} requests failed")
    return felt


def _figures(found: list[Felt]) -> tuple[str, ...]:
    return (
        f"{median(each.rate for each in found):,.0f}",
        f"{median(each.p50 for each in found):.2f}",
        f"{median(each.p99 for each in found):.2f}",
    )
