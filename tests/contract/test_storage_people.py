"""Keys, links and traits: whose events are whose, on one device and on several, now and as of a commit."""

from __future__ import annotations

import pytest
from tests.contract.stored import (
    DEVICE,
    NOW,
    OTHER_USER,
    PHONE,
    USER,
    append,
    event,
    events_of,
    moments,
    written,
)

from opportune.core.history.link import FOREVER, Link
from opportune.core.situation import Trait
from opportune.storage.base import TRAITS_BOUND, Storage, Transaction


def link(storage: Storage, *links: Link) -> None:
    def job(transaction: Transaction) -> None:
        for item in links:
            transaction.add_link(item)

    written(storage, job)


def test_the_id_behind_a_key_is_remembered_once(storage: Storage) -> None:
    written(storage, lambda transaction: transaction.put_key(DEVICE, "anonymous", "a-1"))
    written(storage, lambda transaction: transaction.put_key(DEVICE, "anonymous", "a-1"))
    assert storage.find_key_id(DEVICE) == ("anonymous", "a-1")
    assert storage.find_key_id(PHONE) is None


def test_a_second_id_under_a_key_is_refused(storage: Storage) -> None:
    written(storage, lambda transaction: transaction.put_key(DEVICE, "anonymous", "a-1"))
    with pytest.raises(ValueError, match="another id"):
        written(storage, lambda transaction: transaction.put_key(DEVICE, "anonymous", "a-2"))


def test_links_are_listed_oldest_first_with_closed_ones(storage: Storage) -> None:
    first, second = Link(DEVICE, USER, 0, FOREVER, 3), Link(DEVICE, OTHER_USER, 7, FOREVER, 7)
    link(storage, second, first, Link(PHONE, USER, 0, FOREVER, 5))
    written(storage, lambda transaction: transaction.close_link(first, 9))
    closed = Link(DEVICE, USER, 0, FOREVER, 3, 9)
    assert written(storage, lambda transaction: transaction.list_links(DEVICE)) == [closed, second]
    assert written(storage, lambda transaction: transaction.list_links(USER)) == []


def test_links_of_a_person_are_listed_by_key(storage: Storage) -> None:
    on_phone, on_device = Link(PHONE, USER, 0, FOREVER, 5), Link(DEVICE, USER, 0, FOREVER, 8)
    link(storage, on_phone, on_device, Link(DEVICE, OTHER_USER, 9, FOREVER, 9))
    assert written(storage, lambda transaction: transaction.list_person_links(USER)) == [on_device, on_phone]


def test_a_linked_device_brings_the_whole_person(storage: Storage) -> None:
    append(storage, event(DEVICE, at=NOW), event(USER, at=NOW - 1), event(PHONE, at=NOW - 2))
    link(storage, Link(DEVICE, USER, 0, FOREVER, 2), Link(PHONE, USER, 0, FOREVER, 3))
    known = storage.recall((DEVICE,), now=NOW)
    assert (known.person, known.keys) == (USER, (DEVICE, USER, PHONE))
    assert {key: moments(found) for key, found in known.events.items()} == {
        DEVICE: [NOW],
        USER: [NOW - 1],
        PHONE: [NOW - 2],
    }
    assert storage.list_person_keys(PHONE) == (USER, (USER, DEVICE, PHONE))
    assert storage.list_person_keys(USER) == (USER, (USER, DEVICE, PHONE))


def test_asked_keys_come_first(storage: Storage) -> None:
    append(storage, event())
    link(storage, Link(DEVICE, USER, 0, FOREVER, 1), Link(PHONE, USER, 0, FOREVER, 1))
    assert storage.recall((PHONE, USER), now=NOW).keys == (PHONE, USER, DEVICE)


def test_before_the_link_was_known_there_was_only_the_device(storage: Storage) -> None:
    append(storage, event(DEVICE), event(USER), event(DEVICE))
    link(storage, Link(DEVICE, USER, 0, FOREVER, 3))
    then = storage.recall((DEVICE,), now=NOW, as_of=2)
    assert (then.person, then.keys) == (DEVICE, (DEVICE,))
    assert storage.list_person_keys(DEVICE, as_of=2) == (DEVICE, (DEVICE,))
    assert storage.list_person_keys(DEVICE, as_of=3) == (USER, (USER, DEVICE))


def share_the_device(storage: Storage) -> None:
    """Two events of the first user, two of the second, on one device."""
    append(storage, *(event(DEVICE, at=NOW + step) for step in range(4)))
    first_before, first, second = (
        Link(DEVICE, USER, 0, FOREVER, 1),
        Link(DEVICE, USER, 0, 3, 3),
        Link(DEVICE, OTHER_USER, 3, FOREVER, 3),
    )
    link(storage, first_before)
    written(storage, lambda transaction: transaction.close_link(first_before, 3))
    link(storage, first, second)


def test_a_shared_device_is_cut_between_its_users(storage: Storage) -> None:
    share_the_device(storage)
    alone = storage.recall((DEVICE,), now=NOW)
    assert (alone.person, moments(events_of(alone))) == (OTHER_USER, [NOW + 3, NOW + 2])
    first = storage.recall((USER,), now=NOW)
    assert first.keys == (USER, DEVICE)
    assert moments(events_of(first)) == [NOW + 1, NOW]
    second = storage.recall((DEVICE, OTHER_USER), now=NOW)
    assert moments(events_of(second)) == [NOW + 3, NOW + 2]


def test_a_stranger_asking_with_a_shared_device_reads_nobody(storage: Storage) -> None:
    share_the_device(storage)
    known = storage.recall((DEVICE, PHONE), now=NOW)
    assert (known.person, known.keys, events_of(known)) == (PHONE, (DEVICE, PHONE), [])


def test_the_bound_counts_only_the_persons_own_stretch(storage: Storage) -> None:
    append(storage, *(event(DEVICE, at=NOW - 1_000 - step) for step in range(30)))
    append(storage, *(event(DEVICE, at=NOW - step) for step in range(600)))
    link(storage, Link(DEVICE, USER, 0, 31, 1), Link(DEVICE, OTHER_USER, 31, FOREVER, 31))
    assert len(events_of(storage.recall((USER,), now=NOW))) == 30


def test_as_of_before_the_second_user_the_first_had_it_all(storage: Storage) -> None:
    share_the_device(storage)
    then = storage.recall((DEVICE,), now=NOW, as_of=2)
    assert (then.person, moments(events_of(then))) == (USER, [NOW + 1, NOW])


def test_a_device_never_linked_counts_whole_for_who_asks_with_it(storage: Storage) -> None:
    append(storage, event(DEVICE), event(USER))
    known = storage.recall((DEVICE, USER), now=NOW)
    assert (known.person, known.keys) == (USER, (DEVICE, USER))
    assert (len(events_of(known)), len(events_of(known, USER))) == (1, 1)


def test_an_undone_link_gives_the_device_back(storage: Storage) -> None:
    append(storage, event(DEVICE), event(USER))
    made = Link(DEVICE, USER, 0, FOREVER, 2)
    link(storage, made)
    append(storage, event(DEVICE, at=NOW + 1))
    written(storage, lambda transaction: transaction.close_link(made, transaction.head_seq))
    known = storage.recall((DEVICE,), now=NOW)
    assert (known.person, known.keys, len(events_of(known))) == (DEVICE, (DEVICE,), 2)
    assert storage.recall((USER,), now=NOW).keys == (USER,)
    assert storage.recall((DEVICE,), now=NOW, as_of=2).keys == (DEVICE, USER)


def test_an_alias_moves_a_whole_user(storage: Storage) -> None:
    append(storage, event(USER), event(OTHER_USER), event(DEVICE))
    link(storage, Link(USER, OTHER_USER, 0, FOREVER, 3), Link(DEVICE, OTHER_USER, 0, FOREVER, 3))
    for asked in (USER, DEVICE, OTHER_USER):
        known = storage.recall((asked,), now=NOW)
        assert (known.person, set(known.keys)) == (OTHER_USER, {USER, DEVICE, OTHER_USER})
        assert [len(known.events[key]) for key in (USER, DEVICE, OTHER_USER)] == [1, 1, 1]


def test_ten_devices_are_one_person(storage: Storage) -> None:
    devices = [DEVICE + 256 * step + step for step in range(10)]
    append(storage, *(event(key, at=NOW + step) for step, key in enumerate(devices)))
    link(storage, *(Link(key, USER, 0, FOREVER, step + 1) for step, key in enumerate(devices)))
    known = storage.recall((devices[4],), now=NOW)
    assert known.keys == (devices[4], USER, *devices[:4], *devices[5:])
    assert sum(len(found) for found in known.events.values()) == 10


def put(storage: Storage, key: int, **traits: Trait) -> None:
    written(storage, lambda transaction: transaction.put_traits(key, traits))


def test_traits_asserted_later_win_name_by_name(storage: Storage) -> None:
    put(storage, DEVICE, plan=Trait("free", "browser", NOW), city=Trait("Ulm", "browser", NOW))
    put(storage, DEVICE, plan=Trait("paid", "server", NOW + 2))
    put(storage, DEVICE, plan=Trait("trial", "server", NOW + 1))
    traits = storage.recall((DEVICE,), now=NOW).traits
    assert traits == {"plan": Trait("paid", "server", NOW + 2), "city": Trait("Ulm", "browser", NOW)}


def test_a_trait_of_none_is_removed_and_stays_so_for_older_news(storage: Storage) -> None:
    put(storage, DEVICE, plan=Trait("free", "browser", NOW))
    put(storage, DEVICE, plan=Trait(None, "server", NOW + 2))
    put(storage, DEVICE, plan=Trait("trial", "server", NOW + 1))
    assert storage.recall((DEVICE,), now=NOW).traits == {}
    put(storage, DEVICE, plan=Trait("paid", "server", NOW + 3))
    assert storage.recall((DEVICE,), now=NOW).traits == {"plan": Trait("paid", "server", NOW + 3)}


def test_nobody_can_give_a_key_more_traits_than_a_decision_can_read(storage: Storage) -> None:
    for hundred in range(4):
        put(storage, DEVICE, **{f"t{hundred}{n:02}": Trait(n, "browser", NOW) for n in range(100)})
    put(storage, DEVICE, t000=Trait("newer", "browser", NOW + 1), t399=Trait("late", "browser", NOW + 1))
    traits = storage.recall((DEVICE,), now=NOW).traits
    assert (len(traits), traits["t000"].value, "t399" in traits) == (TRAITS_BOUND, "newer", False)


def test_traits_of_all_keys_are_one_profile(storage: Storage) -> None:
    append(storage, event(DEVICE), event(USER))
    put(storage, DEVICE, plan=Trait("free", "browser", NOW + 5), city=Trait("Ulm", "browser", NOW))
    put(storage, USER, plan=Trait("paid", "server", NOW), tags=Trait(["a"], "server", NOW))
    link(storage, Link(DEVICE, USER, 0, FOREVER, 2))
    traits = storage.recall((DEVICE,), now=NOW).traits
    assert {name: trait.value for name, trait in traits.items()} == {
        "plan": "free",
        "city": "Ulm",
        "tags": ["a"],
    }


def test_traits_as_of_a_commit_are_those_of_then(storage: Storage) -> None:
    append(storage, event())
    put(storage, DEVICE, plan=Trait("free", "browser", NOW))
    then = storage.recall((DEVICE,), now=NOW).seq
    put(storage, DEVICE, plan=Trait("paid", "server", NOW + 1), city=Trait("Ulm", "browser", NOW))
    assert storage.recall((DEVICE,), now=NOW, as_of=then).traits == {"plan": Trait("free", "browser", NOW)}
    assert storage.recall((DEVICE,), now=NOW, as_of=then - 1).traits == {}


def test_a_trait_told_by_the_first_user_of_a_device_is_not_the_seconds(storage: Storage) -> None:
    put(storage, DEVICE, name=Trait("Ada", "browser", NOW))
    put(storage, DEVICE, name=Trait("Bob", "browser", NOW + 1))
    link(storage, Link(DEVICE, USER, 0, 2, 2), Link(DEVICE, OTHER_USER, 2, FOREVER, 2))
    assert storage.recall((USER,), now=NOW).traits == {"name": Trait("Ada", "browser", NOW)}
    assert storage.recall((DEVICE,), now=NOW).traits == {"name": Trait("Bob", "browser", NOW + 1)}
