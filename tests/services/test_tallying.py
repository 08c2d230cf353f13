"""Tallying: each visit is counted once by what it agreed to, on every store, and nobody can be found by it."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import msgspec
import pytest
from tests.building import NOW, programme
from tests.stores import make_full

from opportune.core.moment import from_iso
from opportune.core.situation import Context
from opportune.core.team import Team
from opportune.errors import StorageFullError
from opportune.services.house import House
from opportune.services.people.tallying import notice_visit, tally_consents
from opportune.services.retiring import retire
from opportune.storage.base import ConsentCount, Storage

YES, NO, NOBODY_ASKED = frozenset({"measure"}), frozenset({"personalize"}), None


@pytest.fixture
def house(storage: Storage) -> House:
    return House(storage=storage, clock=lambda: NOW, secret=b"s" * 32, programme=programme())


def visit(
    house: House,
    *asked: frozenset[str] | None,
    banner: object = "cookiebot",
    has_gpc: bool = False,
    context: Context | None = None,
) -> None:
    """One visit's questions, as the page script asks them."""
    before = None
    for purposes in asked:
        its = msgspec.structs.replace(context or Context(), purposes=purposes)
        notice_visit(house, its, banner, before=before, has_gpc=has_gpc)
        before = purposes is None or "measure" in purposes


def counted(house: House) -> dict[tuple[str, bool, str], int]:
    tally_consents(house)
    rows = house.storage.list_consents("", "9")
    return {(row.banner, row.has_gpc, row.answer): row.visits for row in rows}


def test_a_visit_counts_once_however_often_it_asks(house: House) -> None:
    visit(house, NO, NO, NO)
    visit(house, YES, YES)
    visit(house, YES)
    assert counted(house) == {("cookiebot", False, "no"): 1, ("cookiebot", False, "yes"): 2}


def test_who_answers_later_is_counted_as_what_they_became(house: House) -> None:
    visit(house, NO, NO, YES, YES, NO)
    assert counted(house) == {
        ("cookiebot", False, "no"): 1,
        ("cookiebot", False, "later yes"): 1,
        ("cookiebot", False, "later no"): 1,
    }


def test_rounds_of_counting_add_up(house: House) -> None:
    for _ in range(2):
        visit(house, NO)
        assert tally_consents(house) == 1
    assert tally_consents(house) == 0
    assert counted(house) == {("cookiebot", False, "no"): 2}


def test_the_browsers_own_signal_and_each_banner_are_counted_apart(house: House) -> None:
    visit(house, NO, has_gpc=True)
    visit(house, NO, banner="unknown")
    visit(house, NOBODY_ASKED, NOBODY_ASKED, banner="none")
    assert counted(house) == {
        ("cookiebot", True, "no"): 1,
        ("unknown", False, "no"): 1,
        ("none", False, "yes"): 1,
    }


def test_where_the_team_needs_consent_silence_is_a_no(house: House) -> None:
    house.programme = programme(team=Team(needs_consent=True))
    visit(house, NOBODY_ASKED, NOBODY_ASKED, banner="none")
    assert counted(house) == {("none", False, "no"): 1}


def test_machines_previews_and_made_up_banners_are_nobodys_visit(house: House) -> None:
    visit(house, YES, context=Context(is_machine=True))
    visit(house, YES, context=Context(is_preview=True))
    for banner in ("my own", ["none"], None, 7):
        visit(house, YES, banner=banner)
    assert counted(house) == {}


def test_a_day_is_the_teams_own(house: House) -> None:
    house.clock = lambda: from_iso("2026-11-22T23:30:00Z")
    berlin = msgspec.structs.replace(house.programme.playbook.vocabulary, zone=ZoneInfo("Europe/Berlin"))
    house.programme.playbook = msgspec.structs.replace(house.programme.playbook, vocabulary=berlin)
    visit(house, YES)
    tally_consents(house)
    [row] = house.storage.list_consents("", "9")
    assert row == ConsentCount("2026-11-23", "cookiebot", False, "yes", 1)


def test_what_a_full_disk_refuses_waits(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    visit(house, NO, YES)
    with monkeypatch.context() as patch:
        make_full(house.storage, patch)
        with pytest.raises(StorageFullError):
            tally_consents(house)
    assert counted(house) == {("cookiebot", False, "no"): 1, ("cookiebot", False, "later yes"): 1}


def test_days_past_their_time_leave(house: House) -> None:
    visit(house, NO)
    tally_consents(house)
    house.clock = lambda: from_iso("2028-11-22T12:00:00Z")
    retire(house, 13, may_go_on=lambda: True)
    assert counted(house) == {}
