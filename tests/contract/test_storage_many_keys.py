"""Somebody with very many devices: a decision reads the newest few of them, and never forgets an arm."""

from __future__ import annotations

from tests.contract.stored import NOW, USER, append, event, written

from opportune.core.history.link import Link
from opportune.core.situation import Assignment
from opportune.storage.base import KEYS_BOUND, Storage, Transaction

DEVICES = [2_000 + number for number in range(40)]


def fill(storage: Storage) -> list[int]:
    """Forty devices of one user, linked one after another, with an event each; gives their links' `seq`."""
    known: list[int] = []
    for number, device in enumerate(DEVICES):
        [seq] = append(storage, event(device, at=NOW - 1_000 + number, message_id=f"m-{device}"))
        known.append(seq)

        def job(transaction: Transaction, device: int = device, seq: int = seq) -> None:
            transaction.add_link(Link(device, USER, since_seq=seq))

        written(storage, job)
    first = [Assignment("A/1", "control", 1, DEVICES[0])]
    written(storage, lambda transaction: transaction.add_assignments(DEVICES[0], first))
    return known


def test_the_newest_devices_are_read_and_the_one_that_asks(storage: Storage) -> None:
    fill(storage)
    found = storage.recall([DEVICES[3]], now=NOW)
    assert found.keys == (DEVICES[3], USER, *DEVICES[-(KEYS_BOUND - 2) :])
    assert found.events.keys() == set(found.keys)
    assert storage.list_person_keys(USER) == (USER, (USER, *DEVICES))


def test_the_arm_given_on_the_first_device_of_all_stands(storage: Storage) -> None:
    fill(storage)
    kept = storage.recall([DEVICES[-1]], now=NOW).assignments
    assert kept == {"A/1": Assignment("A/1", "control", 1, DEVICES[0])}


def test_as_of_an_earlier_commit_the_newest_devices_are_those_of_then(storage: Storage) -> None:
    known = fill(storage)
    found = storage.recall([DEVICES[0]], now=NOW, as_of=known[20])
    assert found.keys == (DEVICES[0], USER, *DEVICES[12:21])
    assert found.assignments == {}


def test_up_to_the_bound_all_are_read(storage: Storage) -> None:
    known = fill(storage)
    found = storage.recall([DEVICES[0]], now=NOW, as_of=known[KEYS_BOUND - 2])
    assert set(found.keys) == {USER, *DEVICES[: KEYS_BOUND - 1]}
