"""Links: merges lose and double nothing, in any order and for several devices, can be undone, and stay told."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from opportune.core.history.link import (
    FOREVER,
    MOST_USERS,
    Link,
    LinkChanges,
    is_kiosk,
    links_after,
    links_after_alias,
    links_without,
    links_without_alias,
    owner_of,
)

DEVICE, ANN, BOB = 1, 101, 102


class Log:
    """Links as a store keeps them, and the last `seq` given out."""

    def __init__(self) -> None:
        self.links: list[Link] = []
        self.seq = 0

    def of(self, key: int) -> list[Link]:
        return [link for link in self.links if link.key == key]

    def to(self, person: int) -> list[Link]:
        return [link for link in self.links if link.person == person]

    def apply(self, changes: LinkChanges) -> None:
        for closed in changes.closed:
            self.links[self.links.index(closed)] = msgspec.structs.replace(closed, until_seq=changes.seq)
        self.links.extend(changes.added)
        identities = [(link.key, link.person, link.from_seq, link.since_seq) for link in self.links]
        assert len(set(identities)) == len(identities)

    def identify(self, device: int, user: int, *, explicitly: bool = True) -> None:
        self.seq += 1
        person = owner_of(user, self.of(user))
        self.apply(links_after(device, self.of(device), person, self.seq, is_identify=explicitly))

    def alias(self, previous: int, user: int) -> int:
        self.seq += 1
        former = owner_of(previous, self.of(previous))
        self.apply(links_after_alias(self.to(former), former, owner_of(user, self.of(user)), self.seq))
        return self.seq

    def owners(self, key: int, seq: int, as_of: int) -> list[int]:
        """Whose an event of the key was, as known then: never more than one."""
        return [link.person for link in self.of(key) if link.is_known(as_of) and link.owns(seq)]

    def told(self, devices: Iterable[int], as_of: int) -> list[list[int]]:
        return [self.owners(device, seq, as_of) for device in devices for seq in range(as_of + 1)]


def test_the_first_user_owns_a_device_from_its_beginning() -> None:
    log = Log()
    log.seq = 9
    log.identify(DEVICE, ANN)
    assert log.links == [Link(DEVICE, ANN, 0, FOREVER, 10)]
    log.identify(DEVICE, ANN)
    assert len(log.links) == 1


def test_the_next_user_owns_it_from_there_on() -> None:
    log = Log()
    log.identify(DEVICE, ANN)
    log.seq = 20
    log.identify(DEVICE, BOB)
    assert [log.owners(DEVICE, seq, 21) for seq in (1, 20, 21, 99)] == [[ANN], [ANN], [BOB], [BOB]]
    assert log.owners(DEVICE, 21, 20) == [ANN]


def test_a_sixth_user_makes_a_kiosk_that_links_nothing_any_more() -> None:
    log = Log()
    for user in range(101, 101 + MOST_USERS):
        log.identify(DEVICE, user)
    assert not is_kiosk(log.of(DEVICE))
    log.identify(DEVICE, 999)
    assert is_kiosk(log.of(DEVICE))
    assert owner_of(DEVICE, log.of(DEVICE)) == DEVICE
    log.identify(DEVICE, 101)
    assert all(not log.owners(DEVICE, seq, log.seq) for seq in range(log.seq + 1))


def test_an_undone_link_comes_back_only_with_an_identify() -> None:
    log = Log()
    log.identify(DEVICE, ANN)
    log.seq += 1
    log.apply(links_without(DEVICE, log.of(DEVICE), ANN, log.seq))
    log.identify(DEVICE, ANN, explicitly=False)
    assert owner_of(DEVICE, log.of(DEVICE)) == DEVICE
    log.identify(DEVICE, ANN)
    assert owner_of(DEVICE, log.of(DEVICE)) == ANN


def test_a_middle_users_undo_gives_the_time_back_to_the_one_before() -> None:
    log = Log()
    for user in (ANN, BOB, ANN):
        log.identify(DEVICE, user)
    log.seq += 1
    log.apply(links_without(DEVICE, log.of(DEVICE), BOB, log.seq))
    assert {owner for seq in range(9) for owner in log.owners(DEVICE, seq, log.seq)} == {ANN}


def test_an_alias_to_itself_and_in_a_circle_change_nothing() -> None:
    log = Log()
    log.alias(ANN, ANN)
    assert not log.links
    log.alias(ANN, BOB)
    before = list(log.links)
    log.alias(BOB, ANN)
    assert log.links == before


def test_an_alias_brings_the_devices_along_and_its_undo_takes_them_back() -> None:
    log = Log()
    log.identify(DEVICE, ANN)
    log.identify(2, BOB)
    since = log.alias(ANN, BOB)
    assert [owner_of(key, log.of(key)) for key in (DEVICE, 2, ANN)] == [BOB, BOB, BOB]
    log.identify(DEVICE, 103)
    log.seq += 1
    links = [link for key in (DEVICE, 2, ANN) for link in log.of(key)]
    log.apply(links_without_alias(links, ANN, BOB, since, log.seq))
    assert log.owners(DEVICE, 0, log.seq) == [ANN]
    assert log.owners(DEVICE, log.seq, log.seq) == [103]
    assert owner_of(2, log.of(2)) == BOB
    assert owner_of(ANN, log.of(ANN)) == ANN


devices = st.integers(1, 4)
users = st.integers(101, 108)
acts = st.lists(
    st.tuples(st.just("identify"), devices, users)
    | st.tuples(st.just("alias"), users, users)
    | st.tuples(st.just("undo"), devices, users),
    max_size=25,
)


def act(log: Log, kind: str, one: int, other: int) -> None:
    if kind == "identify":
        log.identify(one, other)
    elif kind == "alias":
        log.alias(one, other)
    else:
        log.seq += 1
        log.apply(links_without(one, log.of(one), owner_of(other, log.of(other)), log.seq))


@given(acts)
def test_no_event_ever_belongs_to_two_and_once_linked_none_is_lost(steps: list[tuple[str, int, int]]) -> None:
    log = Log()
    for step in steps:
        act(log, *step)
        for device in range(1, 5):
            owners = [log.owners(device, seq, log.seq) for seq in range(log.seq + 2)]
            assert all(len(found) <= 1 for found in owners)
            assert len({len(found) for found in owners}) == 1, "a device is linked whole or not at all"


@given(acts)
def test_what_was_known_at_a_moment_stays_told_whatever_comes_later(
    steps: list[tuple[str, int, int]],
) -> None:
    log = Log()
    told = []
    for step in steps:
        act(log, *step)
        told.append((log.seq, log.told(range(1, 5), log.seq)))
    for as_of, before in told:
        assert log.told(range(1, 5), as_of) == before


@given(acts, st.integers(1, 4), users)
def test_an_undone_user_has_nothing_of_that_device_left(
    steps: list[tuple[str, int, int]], device: int, user: int
) -> None:
    log = Log()
    for step in steps:
        act(log, *step)
    person = owner_of(user, log.of(user))
    log.seq += 1
    log.apply(links_without(device, log.of(device), person, log.seq))
    assert all(person not in log.owners(device, seq, log.seq) for seq in range(log.seq + 1))


@given(st.lists(st.tuples(devices, st.sampled_from([ANN, BOB])), max_size=6), st.integers(1, 4))
def test_undoing_an_alias_gives_everybody_back_what_was_theirs(
    pairs: list[tuple[int, int]], device: int
) -> None:
    log = Log()
    for one, user in pairs:
        log.identify(one, user)
    before = [log.owners(device, seq, log.seq) for seq in range(20)]
    since = log.alias(ANN, BOB)
    log.seq += 1
    keys = {link.key for link in log.to(ANN) + log.to(BOB)}
    links = [link for key in keys for link in log.of(key)]
    log.apply(links_without_alias(links, ANN, BOB, since, log.seq))
    assert [log.owners(device, seq, log.seq) for seq in range(20)] == before


@given(st.permutations([(1, ANN), (2, ANN), (3, ANN), (2, ANN)]))
def test_several_devices_of_one_user_are_theirs_in_any_order(pairs: list[tuple[int, int]]) -> None:
    log = Log()
    for device, user in pairs:
        log.identify(device, user)
    assert all(log.owners(device, seq, log.seq) == [ANN] for device in (1, 2, 3) for seq in range(9))
