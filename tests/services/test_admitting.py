"""A link to the set-up page works once and not for long; a session ends by itself and cannot be made up."""

from __future__ import annotations

from tests.building import NOW, programme

from opportune.services.admitting import (
    LINK_LIFE_MS,
    LINKS,
    SESSION_LIFE_MS,
    is_admitted,
    make_link,
    open_link,
)
from opportune.services.house import House
from opportune.storage.base import Storage


class Clock:
    now = NOW

    def __call__(self) -> int:
        return self.now


def house_of(storage: Storage, secret: bytes = b"s" * 32) -> tuple[House, Clock]:
    clock = Clock()
    return House(storage=storage, clock=clock, secret=secret, programme=programme()), clock


def test_a_link_opens_once(storage: Storage) -> None:
    house, _ = house_of(storage)
    word = make_link(house, by="mia")
    cookie = open_link(house, word)
    assert cookie is not None
    assert is_admitted(house, cookie)
    assert open_link(house, word) is None
    assert word not in (storage.find_setting(LINKS) or "")
    assert [entry.act for entry in storage.list_audit()] == ["set-up opened", "set-up link made"]


def test_a_guess_waits_for_nobodys_turn(storage: Storage) -> None:
    house, _ = house_of(storage)
    make_link(house)
    with storage.turn():
        assert open_link(house, "guess") is None


def test_a_link_ends_unopened(storage: Storage) -> None:
    house, clock = house_of(storage)
    word = make_link(house)
    clock.now += LINK_LIFE_MS
    assert open_link(house, word) is None


def test_several_links_wait_beside_each_other_but_not_without_bound(storage: Storage) -> None:
    house, _ = house_of(storage)
    words = [make_link(house) for _ in range(22)]
    assert open_link(house, words[0]) is None
    assert open_link(house, words[-2]) is not None
    assert open_link(house, words[-1]) is not None


def test_a_session_ends_and_cannot_be_made_up(storage: Storage) -> None:
    house, clock = house_of(storage)
    cookie = open_link(house, make_link(house)) or ""
    later = cookie.replace(str(NOW + SESSION_LIFE_MS), str(NOW + 2 * SESSION_LIFE_MS))
    other, _ = house_of(storage, b"o" * 32)
    for wrong in ("", "x", ".", "9" * 20, f"{cookie}x", later, "é.1.2"):
        assert not is_admitted(house, wrong)
    assert not is_admitted(other, cookie)
    clock.now += SESSION_LIFE_MS
    assert not is_admitted(house, cookie)
