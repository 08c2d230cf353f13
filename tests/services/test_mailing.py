"""When the weekly mail is due, in the team's time zone, on every store; once a week, and later after a failure."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec
import pytest
from tests.building import programme
from tests.services.test_reporting import FILES, Clock

from opportune.core.moment import HOUR, MINUTE
from opportune.core.note import Note
from opportune.services.house import House
from opportune.services.learnings.mailing import (
    PAUSES_MS,
    find_state,
    is_weekly_due,
    list_unmailed,
    note_failed,
    note_mailed,
    note_sent,
    week_words,
)
from opportune.services.publishing import publish
from opportune.storage.base import Storage

ZONE = ZoneInfo("Europe/Berlin")


def at(text: str) -> int:
    """A moment of the team's wall clock."""
    return round(datetime.fromisoformat(text).replace(tzinfo=ZONE).timestamp() * 1_000)


class Wall(Clock):
    now = at("2026-11-18 12:00")


@pytest.fixture
def clock() -> Wall:
    return Wall()


@pytest.fixture
def house(storage: Storage, clock: Wall) -> House:
    house = House(storage=storage, clock=clock, secret=b"s" * 32, programme=programme(), deadline_seconds=30)
    publish(house, {**FILES, "team.yaml": f"{FILES['team.yaml']}time zone: Europe/Berlin\n"})
    return house


def due_at(house: House, clock: Wall, text: str) -> bool:
    clock.now = at(text)
    return is_weekly_due(house)


def test_an_installation_that_learns_of_its_mail_server_midweek_begins_with_the_next_monday(
    house: House, clock: Wall
) -> None:
    assert not due_at(house, clock, "2026-11-18 12:00")
    assert not due_at(house, clock, "2026-11-23 06:59")
    assert due_at(house, clock, "2026-11-23 07:00")


def test_it_is_due_once_a_week_at_seven_of_the_teams_clock_through_summer_and_winter(
    house: House, clock: Wall
) -> None:
    for monday in ("2026-10-19", "2026-10-26", "2027-03-22", "2027-03-29", "2027-01-04"):
        note_sent(house, "mia@shop.example")
        assert not due_at(house, clock, f"{monday} 06:59")
        assert due_at(house, clock, f"{monday} 07:00")
        note_sent(house, "mia@shop.example")
        assert not is_weekly_due(house)
        clock.now += 6 * 24 * HOUR
        assert not is_weekly_due(house)


def test_a_server_that_stood_still_on_monday_catches_up(house: House, clock: Wall) -> None:
    clock.now = at("2026-11-16 08:00")
    note_sent(house, "mia@shop.example")
    assert due_at(house, clock, "2026-11-27 15:00")


def test_what_was_sent_is_known_after_a_restart_and_to_other_processes(house: House, clock: Wall) -> None:
    clock.now = at("2026-11-23 07:00")
    note_sent(house, "mia@shop.example")
    other = House(storage=house.storage, clock=clock, secret=house.secret, programme=house.programme)
    assert not is_weekly_due(other)
    assert find_state(other.storage).week == "2026-11-23"
    assert ("weekly mail sent", "mia@shop.example") in {
        (entry.act, entry.what) for entry in other.storage.list_audit()
    }


def test_after_a_failure_it_waits_longer_each_time_and_says_so_once(house: House, clock: Wall) -> None:
    clock.now = at("2026-11-23 07:00")
    for number, pause in enumerate((*PAUSES_MS, PAUSES_MS[-1])):
        assert is_weekly_due(house)
        assert note_failed(house, "the mail server is away") is (number == 0)
        clock.now += pause - MINUTE // 2
        assert not is_weekly_due(house)
        clock.now += MINUTE // 2
    assert find_state(house.storage).failures == len(PAUSES_MS) + 1
    assert [entry.act for entry in house.storage.list_audit()].count("mail failed") == 1
    note_sent(house, "mia@shop.example")
    assert (find_state(house.storage).failures, find_state(house.storage).error) == (0, "")


def test_the_week_is_told_by_its_days() -> None:
    assert week_words(at("2026-11-23 07:00"), ZONE) == "16 Nov to 22 Nov 2026"
    assert week_words(at("2027-01-06 07:00"), ZONE) == "28 Dec to 3 Jan 2027"


def off(clock: Wall, once: str = "Returner sold out") -> Note:
    words = "“Returner” was switched off: its product is sold out."
    return Note(at=clock.now, kind="switched off", words=words, once=once, rules=("Returner",))


def write(house: House, *notes: Note) -> None:
    for note in notes:
        house.storage.write(lambda transaction, note=note: transaction.add_note(note)).result()


def test_a_rule_that_was_switched_off_is_told_of_once(house: House, clock: Wall) -> None:
    write(house, off(clock, "long ago"))
    clock.now += HOUR
    assert list_unmailed(house) == []
    clock.now += MINUTE
    first = off(clock)
    write(house, first, Note(at=clock.now, kind="warning", words="Orders are few", once="few"))
    assert list_unmailed(house) == [first]
    note_mailed(house, [first])
    assert list_unmailed(house) == []
    late = msgspec.structs.replace(off(clock, "another"), at=clock.now - MINUTE // 2)
    write(house, late)
    assert list_unmailed(house) == [late]


def test_what_was_switched_off_waits_while_the_mail_server_fails(house: House, clock: Wall) -> None:
    list_unmailed(house)
    write(house, off(clock))
    note_failed(house, "away")
    assert list_unmailed(house) == []
    clock.now += PAUSES_MS[0]
    assert len(list_unmailed(house)) == 1
