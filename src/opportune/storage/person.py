"""Whose events are whose, worked out from links: the same answer for every adapter.

Links say it per key and per stretch of `seq`; a key never linked belongs to whoever asks with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from opportune.core.history.link import FOREVER, Link
from opportune.core.situation import Assignment, PastExposure, Trait

Stretch = tuple[int, int]
"""Events with `first <= seq < second`."""

WHOLE: tuple[Stretch, ...] = ((0, FOREVER),)


def person_of(key: int, links: Sequence[Link], as_of: int) -> int:
    """Who owns the newest stretch of a key; a key with no such link is a person by itself."""
    open_links = [link for link in links if link.is_known(as_of) and link.to_seq > as_of]
    if not open_links:
        return key
    return max(open_links, key=lambda link: (link.from_seq, link.since_seq)).person


def stretches_of(
    key: int, links: Sequence[Link], as_of: int, *, person: int, is_asked: bool
) -> tuple[Stretch, ...]:
    """The parts of a key's log that are this person's, ascending and apart from each other.

    A person's own key is theirs except where it was linked to someone else. A key the caller asked with
    and that was never linked (the device of somebody who has just signed in) counts whole.
    """
    known = [link for link in links if link.is_known(as_of)]
    if key == person:
        others = [(link.from_seq, link.to_seq) for link in known if link.person != person]
        return without(others) if others else WHOLE
    if is_asked and not any(link.since_seq <= as_of for link in links):
        return WHOLE
    return joined((link.from_seq, link.to_seq) for link in known if link.person == person)


def keys_of(person: int, links: Iterable[Link], as_of: int) -> tuple[int, ...]:
    """A person's keys: its own first, then as they were linked."""
    linked = [(link.since_seq, link.key) for link in links if link.person == person and link.is_known(as_of)]
    return tuple(dict.fromkeys([person, *(key for _, key in sorted(linked))]))


def read_keys(asked: Sequence[int], known: Sequence[int], bound: int) -> tuple[int, ...]:
    """Those asked with, the person's own (the first known), and as many as fit of those linked last."""
    first = dict.fromkeys([*asked, *known[:1]])
    others = [key for key in known if key not in first]
    return (*first, *others[max(len(others) + len(first) - bound, 0) :])


def joined(stretches: Iterable[Stretch]) -> tuple[Stretch, ...]:
    """Ascending and apart from each other."""
    found: list[Stretch] = []
    for first, end in sorted(stretches):
        if found and first <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        elif first < end:
            found.append((first, end))
    return tuple(found)


def without(others: Iterable[Stretch]) -> tuple[Stretch, ...]:
    """What is left of the whole."""
    left: list[Stretch] = []
    start = 0
    for first, end in joined(others):
        if first > start:
            left.append((start, first))
        start = end
    if start < FOREVER:
        left.append((start, FOREVER))
    return tuple(left)


def is_within(seq: int, stretches: Sequence[Stretch]) -> bool:
    return any(first <= seq < end for first, end in stretches)


def newest_traits(asserted: Iterable[tuple[int, str, Trait]]) -> dict[str, Trait]:
    """Of `(seq, name, trait)` from several keys the one asserted last wins; a value of None is no trait."""
    newest: dict[str, tuple[int, int, Trait]] = {}
    for seq, name, trait in asserted:
        current = newest.get(name)
        if current is None or (trait.at, seq) >= current[:2]:
            newest[name] = (trait.at, seq, trait)
    return {name: trait for name, (_, _, trait) in newest.items() if trait.value is not None}


def kept_assignments(given: Iterable[tuple[int, Assignment]]) -> dict[str, Assignment]:
    """Of `(seq, assignment)` the one given first in each experiment, whatever phase it was in."""
    kept: dict[str, tuple[int, Assignment]] = {}
    for seq, assignment in given:
        current = kept.get(assignment.experiment)
        if current is None or seq < current[0]:
            kept[assignment.experiment] = (seq, assignment)
    return {experiment: assignment for experiment, (_, assignment) in kept.items()}


def newest_first(exposures: Sequence[Sequence[PastExposure]]) -> Sequence[PastExposure]:
    """Exposures of several keys, each newest session first, as one list in that order."""
    if len(exposures) == 1:
        return exposures[0]
    together = [exposure for given in exposures for exposure in given]
    together.sort(key=lambda exposure: exposure.session, reverse=True)
    return together
