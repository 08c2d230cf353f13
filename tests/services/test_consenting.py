"""Who pays for consent: nobody's history is read for it until somebody has stated consent, in whatever process."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from tests.building import NOW
from tests.stores import ON_LASTING, open_again, settle

from opportune.app.house import build_house
from opportune.services.capturing import CaptureSource, capture, prepare
from opportune.services.house import House
from opportune.services.people.consenting import keep_agreed
from opportune.services.publishing import load_running
from opportune.storage.base import Storage

SHOP, SITE = CaptureSource(is_secret=True), CaptureSource(name="site")
VIEW = {"type": "track", "event": "Product Viewed", "messageId": "m", "anonymousId": "d-1"}


class Watched:
    """A house, and whose histories it read."""

    def __init__(self, storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
        self.house: House = build_house(storage, clock=lambda: NOW)
        self.read: list[Sequence[int]] = []
        remember = storage.remember

        def told(keys: Sequence[int], **more: Any) -> Any:
            self.read.append(keys)
            return remember(keys, **more)

        monkeypatch.setattr(storage, "remember", told)

    def identify(self, **traits: Any) -> None:
        message = {"type": "identify", "userId": "u-1", "anonymousId": "d-1", "traits": traits}
        capture(self.house, SHOP, [message]).result()

    def may_keep(self) -> bool:
        prepared = prepare(self.house, SITE, [VIEW])
        return bool(asyncio.run(keep_agreed(self.house, prepared, is_believed=False)))


def test_a_shop_that_never_stated_consent_pays_nothing(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = Watched(storage, monkeypatch)
    shop.identify(email="anna@example.org")
    assert shop.may_keep()
    assert shop.read == []
    shop.identify(consent=["personalize"])
    assert not shop.may_keep()
    assert shop.read


def test_another_process_learns_it(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    shop, other = Watched(storage, monkeypatch), Watched(storage, monkeypatch)
    before = storage.changed_at()
    shop.identify(consent=["personalize"])
    settle(storage)
    assert storage.changed_at() != before
    load_running(other.house)
    assert not other.may_keep()


@ON_LASTING
@pytest.mark.parametrize("is_older", [False, True])
def test_a_process_that_starts_later_knows_it(
    storage: Storage, monkeypatch: pytest.MonkeyPatch, is_older: bool
) -> None:
    shop = Watched(storage, monkeypatch)
    shop.identify(consent=["personalize"])
    if is_older:
        storage.write(lambda transaction: transaction.put_setting("consent stated", "")).result()
    settle(storage)
    again = open_again(storage)
    try:
        assert not Watched(again, monkeypatch).may_keep()
    finally:
        again.close()


def test_a_house_that_has_not_read_it_yet_reads_histories(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = Watched(storage, monkeypatch)
    shop.house.has_consent_traits = None
    assert shop.may_keep()
    assert shop.read
