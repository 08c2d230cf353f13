"""Commands that tell of somebody know what was answered a moment ago, however busy the writer is."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import pytest
from tests.building import NOW, decided, programme, rule
from tests.stores import ON_LASTING

from opportune.core.situation import Context
from opportune.process.commands import execute
from opportune.services.capturing import CaptureSource, capture
from opportune.services.deciding import Question
from opportune.services.house import House
from opportune.storage.base import Storage

SERVER = CaptureSource(name="shop", is_secret=True)


@pytest.fixture
def house(storage: Storage) -> House:
    made = House(storage, lambda: NOW, b"s" * 32, programme(rule("A")), deadline_seconds=30)
    message = {"type": "track", "event": "Page Viewed", "anonymousId": "v-1"}
    assert capture(made, SERVER, [message]).result().accepted == 1
    return made


@pytest.fixture
def busy(house: House) -> Iterator[Event]:
    """The writer is, until this is set."""
    goes_on = Event()
    house.storage.write(lambda _: goes_on.wait(60))
    yield goes_on
    goes_on.set()


def told(house: House, busy: Event, command: str, **args: Any) -> Any:
    """What a command gives that was asked while the writer was busy."""
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(execute, house, command, args)
        with pytest.raises(TimeoutError):
            asked.result(0.1)
        busy.set()
        return asked.result(60)


@ON_LASTING
def test_a_decision_of_a_moment_ago_is_explained_by_its_receipt(house: House, busy: Event) -> None:
    question = Question(anonymous_id="v-1", slots=("hero",), context=Context(attributes={"keen": True}))
    token = decided(house, question).decisions[0].token
    found = told(house, busy, "explain decision", decision=token, again="")
    assert (found["origin"], found["receipt"]["rule"]) == ("stored", "A")


@ON_LASTING
def test_what_is_exported_of_a_person_has_it_too(house: House, busy: Event) -> None:
    decided(house, Question(anonymous_id="v-1", slots=("hero",), context=Context(attributes={"keen": True})))
    found = told(house, busy, "person export", person="v-1", namespace=None)
    assert [each["rule"] for each in found["exposures"]] == ["A"]
