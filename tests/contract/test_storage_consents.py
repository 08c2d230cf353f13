"""Visits by consent in a store: sums of a day that add up, and leave when they are past their time."""

from __future__ import annotations

from tests.contract.stored import written

from opportune.storage.base import ConsentCount, Storage

NO = ConsentCount("2026-11-22", "cookiebot", False, "no", 380)
YES = ConsentCount("2026-11-22", "cookiebot", False, "yes", 620)
PRIVATE = ConsentCount("2026-11-22", "cookiebot", True, "no", 5)
BEFORE = ConsentCount("2026-11-21", "unknown", False, "later yes", 1)


def add(storage: Storage, *counts: ConsentCount) -> None:
    written(storage, lambda transaction: transaction.add_consents(counts))


def test_an_empty_store_has_counted_no_visit(storage: Storage) -> None:
    add(storage)
    assert storage.list_consents("", "9") == []


def test_visits_are_added_to_those_of_their_day(storage: Storage) -> None:
    add(storage, YES, BEFORE, NO, PRIVATE)
    add(storage, ConsentCount("2026-11-22", "cookiebot", False, "no", 3))
    more = ConsentCount("2026-11-22", "cookiebot", False, "no", 383)
    assert storage.list_consents("2026-11-21", "2026-11-22") == [BEFORE, more, YES, PRIVATE]
    assert storage.list_consents("2026-11-22", "2026-11-22") == [more, YES, PRIVATE]


def test_earlier_days_leave(storage: Storage) -> None:
    add(storage, YES, BEFORE)
    written(storage, lambda transaction: transaction.retire_consents("2026-11-22"))
    assert storage.list_consents("", "9") == [YES]
