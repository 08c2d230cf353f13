"""Links: which person a key's events belong to, over which stretch of the log, as known when.

A person is a set of linked keys and is named by an integer: its user key, or for a visitor nobody
knows, the device key itself. Events are never re-keyed; a merge is a row, an undo closes it.
What is to be written for a merge is worked out here; writing it is storage's work.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

FOREVER = 2**62
"""The open end of a stretch of `seq`."""

MOST_USERS = 5
"""A device that more users than this identified on is a kiosk and links nothing any more."""


class Link(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Events of `key` with `from_seq <= seq < to_seq` are `person`'s, known from `since_seq` until `until_seq`."""

    key: int
    person: int
    from_seq: int = 0
    to_seq: int = FOREVER
    since_seq: int = 0
    until_seq: int = FOREVER

    def is_known(self, as_of: int) -> bool:
        return self.since_seq <= as_of < self.until_seq

    def owns(self, seq: int) -> bool:
        return self.from_seq <= seq < self.to_seq

    @property
    def is_in_force(self) -> bool:
        return self.until_seq == FOREVER


class LinkChanges(msgspec.Struct, frozen=True):
    """Rows that are not known any more from `seq` on, and rows that are."""

    seq: int
    closed: tuple[Link, ...] = ()
    added: tuple[Link, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.closed or self.added)


Turn = tuple[int, int]
"""(person, from_seq): from this event on the key is that person's."""


def owner_of(key: int, links: Iterable[Link]) -> int:
    """Whose the key is now: the person of its newest stretch in force, else the key is a person by itself."""
    turns = _turns(links)
    return turns[-1][0] if turns else key


def is_kiosk(links: Iterable[Link]) -> bool:
    """Whether too many users identified on this key."""
    return len({link.person for link in links}) > MOST_USERS


def links_after(
    key: int, links: Sequence[Link], person: int, seq: int, *, is_identify: bool = True
) -> LinkChanges:
    """What changes when the event `seq` names a proven user, `person`, together with the device `key`.

    The first user owns the device from its beginning, the next one from here on. The sixth user makes it
    a kiosk: every row is closed, and an empty one remembers them. A link that was undone comes
    back only with an `identify`. `links` are all the key ever had.
    """
    if key == person or is_kiosk(links):
        return LinkChanges(seq)
    turns = _turns(links)
    if turns and turns[-1][0] == person:
        return LinkChanges(seq)
    known_before = {link.person for link in links}
    was_undone = person in known_before and all(person != other for other, _ in turns)
    if was_undone and not is_identify:
        return LinkChanges(seq)
    if len(known_before | {person}) > MOST_USERS:
        return LinkChanges(seq, _in_force(links), (Link(key, person, seq, seq, seq, seq),))
    return _changes(key, links, [*turns, (person, seq if turns else 0)], seq)


def links_after_alias(links_of_previous: Sequence[Link], previous: int, person: int, seq: int) -> LinkChanges:
    """What changes when two persons are declared one: all that was `previous`'s becomes `person`'s.

    `links_of_previous` are all rows that ever led to `previous`; of other keys' rows only those are needed.
    """
    if previous == person:
        return LinkChanges(seq)
    moved = tuple(link for link in links_of_previous if link.person == previous and link.is_in_force)
    added = [Link(link.key, person, link.from_seq, link.to_seq, seq) for link in moved if link.key != person]
    return LinkChanges(seq, moved, (Link(previous, person, since_seq=seq), *added))


def links_without(key: int, links: Sequence[Link], person: int, seq: int) -> LinkChanges:
    """What changes when it turns out that the key never was this person's: an undo, known from `seq` on.

    The events of that time go back to whoever had the key before; at the beginning, to whoever had it next.
    """
    return _changes(key, links, [turn for turn in _turns(links) if turn[0] != person], seq)


def links_without_alias(
    links: Sequence[Link], previous: int, person: int, since_seq: int, seq: int
) -> LinkChanges:
    """Undoes the merge of `previous` into `person` that became known at `since_seq`.

    `links` are the rows that ever led to either of them. What the merge moved goes back, also where it
    was divided since; what else the person has stays.
    """
    before: dict[int, list[Link]] = {}
    for link in links:
        if link.person == previous and link.until_seq == since_seq:
            before.setdefault(link.key, []).append(link)
    closed: list[Link] = []
    added: list[Link] = []
    for link in links:
        if link.person != person or not link.is_in_force:
            continue
        if link.key == previous:
            closed.append(link)
        elif pieces := _given_back(link, before.get(link.key, ()), seq):
            closed.append(link)
            added.extend(pieces)
    return LinkChanges(seq, tuple(closed), tuple(added))


def _given_back(link: Link, before: Iterable[Link], seq: int) -> list[Link]:
    """The stretch cut into what was another person's before and what was not; empty when nothing was."""
    pieces: list[Link] = []
    at = link.from_seq
    for earlier in sorted(before, key=lambda earlier: earlier.from_seq):
        start, end = max(earlier.from_seq, at), min(earlier.to_seq, link.to_seq)
        if start >= end:
            continue
        if at < start:
            pieces.append(Link(link.key, link.person, at, start, seq))
        pieces.append(Link(link.key, earlier.person, start, end, seq))
        at = end
    if pieces and at < link.to_seq:
        pieces.append(Link(link.key, link.person, at, link.to_seq, seq))
    return pieces


def _in_force(links: Iterable[Link]) -> tuple[Link, ...]:
    return tuple(link for link in links if link.is_in_force)


def _turns(links: Iterable[Link]) -> list[Turn]:
    return sorted(
        ((link.person, link.from_seq) for link in links if link.is_in_force and link.from_seq < link.to_seq),
        key=lambda turn: turn[1],
    )


def _changes(key: int, links: Sequence[Link], turns: Sequence[Turn], seq: int) -> LinkChanges:
    """From the rows in force to those that these turns make; a row that stays is not touched."""
    wanted = _rows(key, turns, seq)
    stretches = {(link.person, link.from_seq, link.to_seq) for link in wanted}
    in_force = _in_force(links)
    kept = {(link.person, link.from_seq, link.to_seq) for link in in_force} & stretches
    return LinkChanges(
        seq,
        tuple(link for link in in_force if (link.person, link.from_seq, link.to_seq) not in kept),
        tuple(link for link in wanted if (link.person, link.from_seq, link.to_seq) not in kept),
    )


def _rows(key: int, turns: Sequence[Turn], seq: int) -> list[Link]:
    """Turns as stretches that follow each other without a gap, the first from the key's beginning."""
    joined: list[Turn] = []
    for person, from_seq in turns:
        if not joined:
            joined.append((person, 0))
        elif joined[-1][0] != person:
            joined.append((person, from_seq))
    if not joined:
        return []
    ends = [*(from_seq for _, from_seq in joined[1:]), FOREVER]
    return [
        Link(key, person, from_seq, to_seq, seq)
        for (person, from_seq), to_seq in zip(joined, ends, strict=True)
    ]
