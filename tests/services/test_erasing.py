"""Erasing a person: nothing of theirs is left anywhere, nothing comes back, and nobody else loses anything."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

import msgspec
import psycopg
import pytest
from tests.building import NOW, decided, programme, rule
from tests.stores import ON_MEMORY, settle

from opportune.core.history.key import key_of
from opportune.core.moment import DAY, HOUR, to_iso
from opportune.core.rule import Test
from opportune.core.situation import Context
from opportune.errors import BadRequestError, NotFoundError
from opportune.services.capturing import CaptureResult, CaptureSource, capture
from opportune.services.deciding import Question
from opportune.services.house import House
from opportune.services.importing import import_messages
from opportune.services.people.dropping import SUBSCRIBED
from opportune.services.people.erasing import apply_erasures, erase, is_unsubscribed, list_all_erasures
from opportune.services.people.exporting import describe_person, export_person
from opportune.services.people.identifying import find_people
from opportune.services.people.separating import separate_device
from opportune.services.setting_aside import replay
from opportune.storage.base import Storage
from opportune.storage.database.bodies import unpack
from opportune.storage.memory import MemoryStorage
from opportune.storage.personal import ErasedUnits
from opportune.storage.postgres import PostgresStorage
from opportune.storage.sqlite import SqliteStorage

BROWSER, SERVER = CaptureSource(name="site"), CaptureSource(name="backend", is_secret=True)
IDS = ("device-of-anna", "phone-of-anna", "user-anna")
SECRETS = (*IDS, "anna@example.org", "a gift for a very special friend", "order-of-anna")
EVER = ("2000-01-01", "2100-01-01")


class Clock:
    now = NOW

    def __call__(self) -> int:
        self.now += 1
        return self.now


@pytest.fixture
def house(storage: Storage) -> House:
    house = House(
        storage=storage, clock=Clock(), secret=b"s" * 32, programme=programme(rule("A", test=Test()))
    )
    house.deadline_seconds = 30
    return house


def send(house: House, source: CaptureSource, *messages: dict[str, Any]) -> CaptureResult:
    stamped = [{"timestamp": to_iso(house.clock()), **message} for message in messages]
    return capture(house, source, stamped).result()


def view(who: str, number: int = 0, **other: Any) -> dict[str, Any]:
    properties = {"product_id": f"p-{number}", "note": "a gift for a very special friend"}
    return {
        "type": "track",
        "event": "Product Viewed",
        "anonymousId": who,
        "messageId": f"{who}-{number}",
        "properties": properties,
        **other,
    }


def order(user: str, number: str, value: float = 10) -> dict[str, Any]:
    properties = {"order_id": number, "total": value, "currency": "EUR"}
    return {"type": "track", "event": "Order Completed", "userId": user, "properties": properties}


def identify(user: str, device: str, **traits: Any) -> dict[str, Any]:
    return {"type": "identify", "userId": user, "anonymousId": device, "traits": traits}


def ask(house: House, device: str) -> None:
    question = Question(anonymous_id=device, slots=("hero",), context=Context(attributes={"keen": 1}))
    for _ in range(2):
        decided(house, question)
    settle(house.storage)


def live(house: House, name: str = "anna") -> None:
    """Somebody with two devices and an account, who has left a trace everywhere."""
    device, phone, user = f"device-of-{name}", f"phone-of-{name}", f"user-{name}"
    send(house, BROWSER, *(view(device, number) for number in range(5)))
    ask(house, device)
    send(house, SERVER, identify(user, device, email=f"{name}@example.org", city="Paris"))
    send(house, SERVER, identify(user, phone, city="Rome"))
    send(house, BROWSER, view(phone, 9))
    ask(house, phone)
    send(house, BROWSER, {**order(user, f"order-of-{name}"), "anonymousId": device, "userId": None})
    send(house, SERVER, order(user, f"order-of-{name}"))
    send(house, BROWSER, {"type": "track", "anonymousId": device, "messageId": "nameless"})
    send(house, BROWSER, {"type": "track", "context": {"traits": {"email": f"{name}@example.org"}}})


def rows_of(storage: Storage) -> dict[str, list[Any]]:
    """Every row of every table."""
    if isinstance(storage, SqliteStorage):
        with closing(sqlite3.connect(storage.path)) as file:
            names = [name for (name,) in file.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
            return {name: file.execute(f"SELECT * FROM {name}").fetchall() for name in names}
    if isinstance(storage, PostgresStorage):
        with psycopg.connect(storage.url) as connection:
            asked = (
                "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
            )
            names = [name for (name,) in connection.execute(asked).fetchall()]
            return {name: connection.execute(f"SELECT * FROM {name}").fetchall() for name in names}  # type: ignore[arg-type]  # the names are ours
    assert isinstance(storage, MemoryStorage)
    return {
        name: [table] for name, table in vars(storage._tables).items() if name not in ("_undo", "erasures")
    }


def traces_of(storage: Storage, *texts: str) -> list[str]:
    """Where one of the ids, its key or one of the texts still stands; packed columns are unpacked."""
    keys = [key_of(space, text) for text in texts for space in ("user", "anonymous", "claim")]  # type: ignore[arg-type]  # the three there are
    sought = [*texts, *map(str, keys)]
    found = []
    for name, rows in rows_of(storage).items():
        for row in rows:
            cells = list(row) if isinstance(row, tuple) else [row]
            for cell in cells:
                if isinstance(cell, bytes | memoryview):
                    raw = bytes(cell)
                    text = unpack(raw).decode("utf-8", "replace") if raw[:1] in (b"\0", b"\1") else str(raw)
                else:
                    text = str(cell)
                found += [f"{name}: {each} in {text[:300]}" for each in sought if each in text]
    return found


def erased(house: House, identifier: str = "user-anna", step: int = 200) -> None:
    erase(house, find_people(house.storage, identifier), by="tom", step=step)


def test_nothing_of_an_erased_person_is_left_in_any_table(house: House) -> None:
    live(house)
    live(house, "berta")
    assert traces_of(house.storage, *SECRETS)
    erased(house)
    secrets = [secret for secret in SECRETS if secret != "a gift for a very special friend"]
    assert traces_of(house.storage, *secrets) == []
    with pytest.raises(NotFoundError):
        find_people(house.storage, "user-anna")


def test_every_kind_of_thing_was_there_and_is_exported(house: House) -> None:
    """Else the test before would prove less than it says."""
    live(house)
    kept = describe_person(house.storage, "user-anna").kept
    assert all(kept.values()), kept
    assert len(kept) == 7
    exported = export_person(house.storage, "device-of-anna")
    assert export_person(house.storage, "user-anna") == exported
    assert export_person(house.storage, "Anna@Example.org") == exported
    assert {view.id for view in exported.ids} >= set(IDS)
    assert exported.addresses == ["anna@example.org"]
    assert any(trait.replaced and trait.value == "Paris" for trait in exported.traits)
    assert any(event.message["messageId"] == "phone-of-anna-9" for event in exported.events)
    assert exported.exposures[0].receipt["slot"] == "hero"
    assert [row.code for row in exported.set_aside]
    assert {known.value for known in exported.business_keys} == {"order-of-anna"}


@pytest.mark.parametrize("step", [1, 2, 7])
def test_however_small_the_steps_nothing_is_left(house: House, step: int) -> None:
    live(house)
    erased(house, step=step)
    assert traces_of(house.storage, *SECRETS) == []


def test_erasing_somebody_leaves_everybody_else_as_they_were(house: House) -> None:
    live(house)
    live(house, "berta")
    before = export_person(house.storage, "user-berta")
    erased(house)
    assert export_person(house.storage, "user-berta") == before


def test_of_a_device_that_two_users_share_each_has_their_own_part(house: House) -> None:
    send(house, BROWSER, view("shared", 1))
    send(house, SERVER, identify("user-anna", "shared", email="anna@example.org"))
    send(house, BROWSER, view("shared", 2))
    send(house, SERVER, identify("user-berta", "shared", email="berta@example.org"))
    send(house, BROWSER, view("shared", 3))
    before = export_person(house.storage, "user-berta")
    messages = [event.message["messageId"] for event in export_person(house.storage, "user-anna").events]
    assert [name for name in messages if name.startswith("shared")] == ["shared-1", "shared-2"]
    erased(house, "anna@example.org")
    assert export_person(house.storage, "user-berta") == before
    assert traces_of(house.storage, "user-anna", "anna@example.org", "shared-1", "shared-2") == []


def test_what_comes_late_is_dropped_and_counted(house: House) -> None:
    live(house)
    past = house.clock()
    erased(house)
    late = [
        view("device-of-anna", 1, timestamp=to_iso(past)),
        {**order("user-anna", "order-of-anna"), "timestamp": to_iso(past)},
        {**identify("somebody-else", "new-device", email="ANNA@example.org"), "timestamp": to_iso(past)},
        {"type": "track", "userId": "user-anna", "timestamp": to_iso(past)},
    ]
    result = send(house, SERVER, *late)
    assert (result.erased, result.accepted, result.set_aside) == (4, 0, 0)
    assert import_messages(house, late).erased == 4
    assert sum(erasure.dropped for erasure in list_all_erasures(house.storage)) == 8
    assert traces_of(house.storage, *SECRETS) == []


def test_who_comes_back_is_somebody_new(house: House) -> None:
    live(house)
    erased(house)
    assert send(house, BROWSER, view("device-of-anna", 1)).accepted == 1
    ask(house, "device-of-anna")
    exported = export_person(house.storage, "device-of-anna")
    assert [event.message["messageId"] for event in exported.events] == ["device-of-anna-1"]
    assert exported.exposures
    assert exported.links == []


def test_a_replay_of_what_was_set_aside_brings_nobody_back(house: House) -> None:
    """The event names nobody; a fix says afterwards whose it was."""
    past = to_iso(house.clock())
    send(house, SERVER, {"type": "track", "event": "Product Viewed", "timestamp": past})
    [kept] = house.storage.list_set_aside()
    live(house)
    erased(house)
    assert replay(house, [kept.id], {"userId": "user-anna"}).erased == 1
    assert house.storage.list_set_aside(state="open", before_id=kept.id + 1, limit=1) == []
    assert traces_of(house.storage, *SECRETS) == []


def test_somebody_of_whom_only_broken_events_came_is_found_too(house: House) -> None:
    send(house, BROWSER, {"type": "track", "anonymousId": "device-of-anna"})
    assert len(export_person(house.storage, "device-of-anna").set_aside) == 1
    erased(house, "device-of-anna")
    assert house.storage.list_set_aside() == []


def test_a_set_aside_message_is_theirs_by_an_address_wherever_it_stands(house: House) -> None:
    live(house)
    order_of = {"type": "track", "properties": {"customer": {"emails": ["x@y.org", "Anna@example.org"]}}}
    send(house, SERVER, order_of, {"type": "track", "properties": {"note": "anna@example.organic"}})
    erased(house)
    [left] = house.storage.list_set_aside()
    assert b"organic" in left.raw


def test_users_who_were_joined_are_one_person(house: House) -> None:
    """As shops do it: first known by the address, later by a number."""
    live(house)
    send(house, SERVER, order("anna@example.org", "order-of-anna-2"))
    send(house, SERVER, {"type": "alias", "userId": "user-anna", "previousId": "anna@example.org"})
    live(house, "berta")
    before = export_person(house.storage, "user-berta")
    assert (
        export_person(house.storage, "anna@example.org").ids == export_person(house.storage, "user-anna").ids
    )
    erased(house, "anna@example.org")
    assert traces_of(house.storage, *(secret for secret in SECRETS if "gift" not in secret)) == []
    assert export_person(house.storage, "user-berta") == before


def test_a_visitor_who_was_only_asked_for_is_found_too(house: House) -> None:
    ask(house, "device-of-anna")
    assert export_person(house.storage, "device-of-anna").opportunities
    erased(house, "device-of-anna")
    assert traces_of(house.storage, *SECRETS) == []


def test_a_decision_under_way_leaves_nothing_behind(house: House) -> None:
    """It was decided before and is written after."""
    live(house)
    house.held.clear()
    question = Question(anonymous_id="fresh", slots=("hero",), context=Context(attributes={"keen": 1}))
    decided(house, question)
    held = house.held[key_of("anonymous", "fresh")]
    send(house, SERVER, identify("user-anna", "fresh"))
    erased(house)
    house.storage.write(held.job, held.about).result()
    assert traces_of(house.storage, *SECRETS, "fresh") == []
    assert key_of("anonymous", "fresh") not in house.visits


def test_a_token_from_before_is_not_recorded_after(house: House) -> None:
    ask(house, "device-of-anna")
    question = Question(
        anonymous_id="device-of-anna", slots=("hero",), context=Context(attributes={"keen": 1}), is_ahead=True
    )
    token = decided(house, question).decisions[0].token
    erased(house, "device-of-anna")
    seen = {"type": "track", "event": "Slot Viewed", "anonymousId": "device-of-anna"}
    assert send(house, BROWSER, {**seen, "properties": {"slot": "hero", "decision": token}}).accepted == 1
    assert export_person(house.storage, "device-of-anna").exposures == []


def test_who_unsubscribed_stays_so(house: House) -> None:
    live(house)
    send(house, SERVER, {"type": "track", "event": "Unsubscribed", "userId": "user-anna"})
    live(house, "berta")
    erased(house)
    erased(house, "user-berta")
    assert is_unsubscribed(house, "Anna@example.org")
    assert not is_unsubscribed(house, "berta@example.org")
    house.clock()
    send(house, SERVER, identify("new-id", "new-device", email="anna@example.org"))
    known = {trait.name: trait.value for trait in export_person(house.storage, "new-id").traits}
    assert known[SUBSCRIBED] is False
    send(house, SERVER, identify("new-id", "new-device", subscribed=True))
    traits = export_person(house.storage, "new-id").traits
    assert [(trait.value, trait.replaced) for trait in traits if trait.name == SUBSCRIBED] == [
        (False, True),
        (True, False),
    ]


def test_totals_stay_and_are_the_same_when_made_anew(house: House) -> None:
    live(house)
    live(house, "berta")
    before = house.storage.list_totals(*EVER)
    assert any(name == "Order Completed" for _, name, _, _ in before)
    erased(house)
    assert house.storage.list_totals(*EVER) == before
    while house.storage.fold_totals():
        pass
    house.storage.rebuild_totals()
    assert house.storage.list_totals(*EVER) == before


def test_a_test_says_how_many_of_its_visitors_were_erased(house: House) -> None:
    live(house)
    live(house, "berta")
    ask(house, "somebody")
    given = [export_person(house.storage, f"user-{name}") for name in ("anna", "berta")]
    expected: dict[tuple[str, int, str], int] = {}
    for one in [one for exported in given for one in exported.assignments]:
        place = (one.experiment, one.phase, one.arm)
        expected[place] = expected.get(place, 0) + 1
    erased(house)
    erased(house, "user-berta")
    assert house.storage.list_erased_units() == [
        ErasedUnits(*place, count) for place, count in sorted(expected.items())
    ]
    assert expected


def test_an_act_that_named_them_keeps_the_act_alone(house: House) -> None:
    live(house)
    separate_device(house, "phone-of-anna", "user-anna", by="tom")
    erased(house)
    erased(house, "phone-of-anna")
    assert [entry.what for entry in house.storage.list_audit() if entry.act == "separated"] == ["(erased)"]
    assert traces_of(house.storage, *SECRETS) == []


def test_the_list_erases_again_what_a_restored_backup_brings_back(house: House) -> None:
    live(house)
    erased(house)
    listed = [
        msgspec.structs.replace(each, erased_at=each.erased_at + DAY)
        for each in list_all_erasures(house.storage)
    ]
    house.clock.now += HOUR  # type: ignore[attr-defined]  # the test's own
    live(house)
    live(house, "berta")
    before = export_person(house.storage, "user-berta")
    assert traces_of(house.storage, *IDS)
    assert apply_erasures(house, listed) == 3
    assert traces_of(house.storage, *(secret for secret in SECRETS if "gift" not in secret)) == []
    assert export_person(house.storage, "user-berta") == before
    assert apply_erasures(house, listed) == 0


def test_a_user_and_somebody_elses_device_of_one_id_are_told_apart(house: House) -> None:
    send(house, SERVER, order("7", "order-1"))
    send(house, BROWSER, view("7"))
    with pytest.raises(BadRequestError, match="Two people have the id '7'"):
        find_people(house.storage, "7")
    assert len(find_people(house.storage, "7", "anonymous").keys) == 1
    erase(house, find_people(house.storage, "7", "user"))
    assert [event.name for event in export_person(house.storage, "7").events] == ["Product Viewed"]


def test_an_address_that_two_people_gave_finds_both(house: House) -> None:
    send(house, SERVER, identify("u-1", "d-1", email="family@example.org"))
    send(house, SERVER, identify("u-2", "d-2", email="Family@example.org"))
    send(house, SERVER, identify("u-3", "d-3", email="family@example.org.uk"))
    assert describe_person(house.storage, "family@example.org").people == 2
    erased(house, "family@example.org")
    with pytest.raises(NotFoundError):
        find_people(house.storage, "u-2")
    assert find_people(house.storage, "u-3")


@ON_MEMORY
def test_the_act_is_on_record_and_names_nobody(house: House) -> None:
    live(house)
    erased(house)
    entry = house.storage.list_audit()[0]
    assert (entry.by, entry.act, entry.what) == ("tom", "person erased", "3 ids")
