"""Undoing a link: events go back, and what was told before stays told."""

from __future__ import annotations

import pytest
from tests.building import NOW, programme

from opportune.core.history.key import key_of
from opportune.errors import NotFoundError
from opportune.services.capturing import CaptureSource, capture
from opportune.services.house import House
from opportune.services.people.separating import separate_device, separate_users
from opportune.storage.base import Storage

SERVER = CaptureSource(is_secret=True)


@pytest.fixture
def house(storage: Storage) -> House:
    return House(storage=storage, clock=lambda: NOW, secret=b"secret", programme=programme())


def send(house: House, **message: object) -> int:
    result = capture(house, SERVER, [{"type": "track", "event": "X", **message}]).result()
    assert result.accepted == 1
    return result.outcomes[0].seq


def names(house: House, user: str, as_of: int | None = None) -> list[str]:
    past = house.storage.recall([key_of("user", user)], now=NOW, as_of=as_of)
    return sorted(event.name for events in past.events.values() for event in events)


def test_a_device_goes_back(house: House) -> None:
    send(house, anonymousId="d", event="Mine")
    linked = send(house, type="identify", anonymousId="d", userId="ann")
    assert names(house, "ann") == ["Mine"]
    separate_device(house, "d", "ann")
    assert names(house, "ann") == []
    assert names(house, "ann", as_of=linked) == ["Mine"]
    with pytest.raises(NotFoundError, match="A link between d and ann"):
        separate_device(house, "d", "ann")


def test_two_users_are_two_again_each_with_their_device(house: House) -> None:
    for user, device in (("ann", "d-1"), ("bob", "d-2")):
        send(house, anonymousId=device, event=f"of {user}")
        send(house, type="identify", anonymousId=device, userId=user)
    send(house, type="alias", userId="bob", previousId="ann")
    assert names(house, "bob") == names(house, "ann") == ["of ann", "of bob"]
    separate_users(house, "ann", "bob")
    assert (names(house, "ann"), names(house, "bob")) == (["of ann"], ["of bob"])
    with pytest.raises(NotFoundError):
        separate_users(house, "ann", "bob")
