"""History in bulk: in ascending time, once, and with no effect on anybody's page."""

from __future__ import annotations

from typing import Any

import pytest
from tests.building import NOW, programme

from opportune.core.decision import Exposed
from opportune.core.history.key import key_of
from opportune.core.moment import DAY, to_iso
from opportune.services.house import House
from opportune.services.importing import import_messages
from opportune.services.tokens import Token, sign
from opportune.storage.base import EventQuery, Storage

HISTORY = [
    {"type": "track", "event": "B", "userId": "u", "timestamp": to_iso(NOW - 1 * DAY), "messageId": "b"},
    {"type": "track", "event": "A", "userId": "u", "timestamp": to_iso(NOW - 400 * DAY), "messageId": "a"},
    {"type": "identify", "userId": "u", "anonymousId": "d", "traits": {"plan": "gold"}, "messageId": "i"},
    {"type": "track", "event": "C", "userId": "u", "originalTimestamp": to_iso(NOW - 9 * DAY), "messageId": "c",
     "sentAt": to_iso(NOW - 9 * DAY)},
]  # fmt: skip


@pytest.fixture
def house(storage: Storage) -> House:
    return House(storage=storage, clock=lambda: NOW, secret=b"secret", programme=programme())


def names(house: House) -> list[str]:
    events = house.storage.recall([key_of("user", "u")], now=NOW).events[key_of("user", "u")]
    return [event.name for event in sorted(events, key=lambda event: event.seq)]


def test_history_is_taken_in_ascending_time_and_once(house: House) -> None:
    done: list[int] = []
    result = import_messages(house, HISTORY, done.append, step=2)
    assert (result.accepted, result.duplicate, result.set_aside) == (4, 0, 0)
    assert done == [2, 4]
    newest = house.storage.list_events(EventQuery())[0].seq
    stored = house.storage.recall([key_of("user", "u")], now=NOW, as_of=newest)
    assert [event.name for event in reversed(stored.events[key_of("user", "u")])] == ["C", "B"]
    assert names(house) == ["C", "B"]
    again = import_messages(house, HISTORY[:2] + HISTORY[3:])
    assert (again.accepted, again.duplicate) == (0, 3)


def test_what_cannot_be_taken_is_counted_by_reason(house: House) -> None:
    broken: list[Any] = [{"type": "track", "userId": "u"}, "text", {"type": "track", "event": "X"}]
    result = import_messages(house, [*HISTORY, *broken])
    assert (result.accepted, result.set_aside) == (4, 3)
    assert result.reasons["userId or anonymousId is needed"] == 1


def test_an_import_shows_nothing_to_anybody(house: House) -> None:
    unit = key_of("user", "u")
    exposed = Exposed("rule", "hero", "Keen", "hash", "treatment")
    token = sign(house.secret, Token("hero", NOW, 0, "abc", unit, NOW, "Shoes", (exposed,), (unit,)))
    import_messages(
        house, [{"type": "track", "event": "Slot Viewed", "userId": "u", "properties": {"decision": token}}]
    )
    assert house.storage.list_exposures([unit]) == []
