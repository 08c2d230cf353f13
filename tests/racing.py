"""Two servers that do the same at the same moment: processes of their own, each with its store and its house."""

from __future__ import annotations

import asyncio
import multiprocessing
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import closing
from functools import partial
from multiprocessing.synchronize import Barrier
from queue import Empty
from time import monotonic
from traceback import format_exc
from typing import Any

from tests.building import NOW, programme, rule
from tests.stores import settle

from opportune.app.house import build_house
from opportune.core.moment import MINUTE, to_iso
from opportune.core.rule import Test
from opportune.core.situation import Context
from opportune.errors import StorageBusyError
from opportune.services.appending import CaptureResult
from opportune.services.capturing import CaptureSource, capture
from opportune.services.deciding import Question, decide_slots
from opportune.services.house import House
from opportune.storage.postgres import PostgresStorage

BROWSER = CaptureSource(name="site")
SERVER = CaptureSource(name="backend", is_secret=True)
SERVERS = 2
ROUND = 40
PATIENCE_SECONDS = 180.0

Outcomes = dict[tuple[str, int], str]
"""What became of each visitor's `message` and `order`."""


def in_two_processes(job: Callable[..., Any], *arguments: Any) -> list[Any]:
    """Runs `job(server, barrier, *arguments)` as server 0 and 1 at once; what each gives."""
    context = multiprocessing.get_context("forkserver" if sys.platform == "linux" else "spawn")
    context.set_forkserver_preload(["pytest", __name__])  # they start with the house imported
    barrier, results = context.Barrier(SERVERS), context.Queue()
    processes = [
        context.Process(target=_run, args=(job, server, barrier, results, *arguments), daemon=True)
        for server in range(SERVERS)
    ]
    for process in processes:
        process.start()
    try:
        found = dict(results.get(timeout=PATIENCE_SECONDS) for _ in processes)
    except Empty:
        raise AssertionError("a server did not come to its end") from None
    finally:
        for process in processes:
            process.join(5)
            process.kill()
    faults = [fault for fault in found.values() if isinstance(fault, Exception)]
    if faults:
        raise faults[0]
    return [found[server] for server in range(SERVERS)]


def _run(job: Callable[..., Any], server: int, barrier: Barrier, results: Any, *arguments: Any) -> None:
    try:
        results.put((server, job(server, barrier, *arguments)))
    except Exception:  # noqa: BLE001 - told where the test waits, in words, as not every error travels
        barrier.abort()
        results.put((server, AssertionError(format_exc())))


def house_over(storage: PostgresStorage) -> House:
    """As a server has it, with a test whose visitors are split in half."""
    house = build_house(storage, clock=lambda: NOW)
    house.programme = programme(rule("A", test=Test()))
    house.deadline_seconds = PATIENCE_SECONDS
    return house


def race(server: int, barrier: Barrier, url: str, visitors: int) -> Outcomes:
    """Takes in the same message and the same order of each visitor, and decides for them, beside the other."""
    with closing(PostgresStorage(url)) as storage:
        return asyncio.run(_race(house_over(storage), server, barrier, visitors))


async def _race(house: House, server: int, barrier: Barrier, visitors: int) -> Outcomes:
    """One server takes the visitors of a round from the first on, the other from the last."""
    outcomes: Outcomes = {}
    for start in range(0, visitors, ROUND):
        numbers = list(range(start, min(start + ROUND, visitors)))
        if server:
            numbers.reverse()
        for kind, source, message_of in (
            ("message", BROWSER, viewed),
            ("order", SERVER if server else BROWSER, partial(bought, server)),
        ):
            barrier.wait(PATIENCE_SECONDS)
            sent = [(number, capture(house, source, [message_of(number)])) for number in numbers]
            for number, first in sent:
                result = delivered(house, source, [message_of(number)], first)
                outcomes[kind, number] = result.outcomes[0].state
        barrier.wait(PATIENCE_SECONDS)
        for _ in range(2):  # whose records were refused the first time has them written the second
            await asyncio.gather(*(decided(house, number) for number in numbers))
            settle(house.storage)
    return outcomes


def delivered(
    house: House,
    source: CaptureSource,
    messages: Sequence[dict[str, Any]],
    first: Future[CaptureResult] | None = None,
) -> CaptureResult:
    """What became of them in the end: whoever stands too long behind the other server is told to send again."""
    until, sent = monotonic() + PATIENCE_SECONDS, first or capture(house, source, messages)
    while True:
        try:
            return sent.result(PATIENCE_SECONDS)
        except StorageBusyError:
            assert monotonic() < until
            sent = capture(house, source, messages)


async def decided(house: House, number: int) -> None:
    """Asks again for whom the store could not be read in time."""
    until = monotonic() + PATIENCE_SECONDS
    while (await decide_slots(house, question_of(number))).decisions[0].decision.outcome == "error":
        assert monotonic() < until


def viewed(number: int) -> dict[str, Any]:
    return {
        "type": "track",
        "event": "Product Viewed",
        "anonymousId": f"v-{number}",
        "messageId": f"view-{number}",
        "timestamp": to_iso(NOW - MINUTE),
    }


def bought(server: int, number: int) -> dict[str, Any]:
    """The device's browser tells one server of it, the shop's backend the other."""
    who = {"userId": f"u-{number}"} if server else {"anonymousId": f"v-{number}"}
    return {
        "type": "track",
        "event": "Order Completed",
        **who,
        "messageId": f"order-{number}-{server}",
        "timestamp": to_iso(NOW - MINUTE),
        "properties": {"order_id": f"o-{number}", "total": 20 if server else 99, "currency": "EUR"},
    }


def question_of(number: int) -> Question:
    context = Context(attributes={"keen": 1})
    return Question(anonymous_id=f"v-{number}", slots=("hero",), context=context)


def write_of_one_person(server: int, barrier: Barrier, url: str, events: int) -> int:
    """Server 0 takes what a device sends, server 1 what the shop says of its user; how many were taken."""
    with closing(PostgresStorage(url)) as storage:
        house = house_over(storage)
        barrier.wait(PATIENCE_SECONDS)
        taken = 0
        for number in range(events):
            source, who = (SERVER, {"userId": "u"}) if server else (BROWSER, {"anonymousId": "v"})
            message = {
                "type": "identify" if number % 8 == 7 else "track",
                "event": "Product Viewed",
                **who,
                "messageId": f"{server}-{number}",
                "timestamp": to_iso(NOW - (number * 7919 % 600 + 1) * MINUTE),
                "traits": {"visits": number},
            }
            taken += delivered(house, source, [message]).accepted
        return taken
