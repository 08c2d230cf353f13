"""Small records to store, and short ways to store them: every test of the storage contract speaks in these."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import msgspec

from opportune.core.history.plan import EventClass
from opportune.core.history.timeline import TimelineEvent
from opportune.core.moment import DAY, HOUR, MINUTE
from opportune.storage.base import EventRow, Exposure, Opportunity, Recollection, Storage, Transaction

T = TypeVar("T")

NOW = 1_795_355_000_000
"""A Sunday in November 2026."""
DEVICE, PHONE, USER, OTHER_USER = 513, 770, 1_025, 1_282

__all__ = ["DAY", "DEVICE", "HOUR", "MINUTE", "NOW", "OTHER_USER", "PHONE", "USER"]


@contextmanager
def quick_folder() -> Iterator[Path]:
    """A folder in memory where the system has one: what a real disk does is proven by tests of their own."""
    in_memory = Path("/dev/shm")
    with TemporaryDirectory(dir=in_memory if os.access(in_memory, os.W_OK) else None) as folder:
        yield Path(folder)


def event(
    key: int = DEVICE,
    *,
    at: int = NOW,
    name: str = "Product Viewed",
    event_class: EventClass = 1,
    source: str = "browser",
    message_id: str = "m-1",
    value: int = 0,
    **facts: object,
) -> EventRow:
    body = {"type": "track", "name": name, "message_id": message_id, "properties": facts}
    return EventRow(
        key=key,
        event_class=event_class,
        occurred_at=at,
        name=name,
        source=source,
        message=hash(message_id) & (2**63 - 1),
        facts=msgspec.json.encode(facts),
        body=msgspec.json.encode(body),
        value=value,
    )


def exposure(unit: int = DEVICE, *, session: int = NOW, at: int = NOW, **fields: object) -> Exposure:
    plain = Exposure(
        subject="rule",
        unit=unit,
        slot="home hero",
        rule="Category returner",
        rule_hash="h1",
        arm="treatment",
        session=session,
        at=at,
    )
    return msgspec.structs.replace(plain, **fields)


def opportunity(
    key: int = DEVICE, *, session: int = NOW, slot: str = "home hero", at: int = NOW
) -> Opportunity:
    return Opportunity(
        key=key,
        slot=slot,
        session=session,
        seq=0,
        at=at,
        outcome="matched",
        context=b'{"page_path":"/"}',
        revision="r1",
    )


def written(storage: Storage, job: Callable[[Transaction], T]) -> T:
    """The job's result, after its commit."""
    return storage.write(job).result(timeout=60)


def append(storage: Storage, *rows: EventRow) -> list[int]:
    return written(storage, lambda transaction: [transaction.append_event(row) for row in rows])


def events_of(recollection: Recollection, key: int = DEVICE) -> list[TimelineEvent]:
    return list(recollection.events[key])


def moments(events: Iterable[TimelineEvent]) -> list[int]:
    return [event.occurred_at for event in events]
