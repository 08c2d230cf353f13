"""Erasing in the database: what of a share leaves, while everybody it is about is held."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from opportune.core.history.key import business_key_of, lane_of
from opportune.core.history.link import FOREVER, Link
from opportune.core.moment import DAY
from opportune.storage.base import Belongings
from opportune.storage.database.erasing import DatabaseErasureReads, DatabaseErasureWrites, belongings_of
from opportune.storage.database.rows import erasure_of
from opportune.storage.days import day_of
from opportune.storage.personal import Erasure, Share
from opportune.storage.postgres.asking import PostgresReads, PostgresWrites

WITHOUT_LANE = "list_share_business_keys"
NAMED = "list_share_traits"
BY_KEY = {
    "past_traits": "erase_past_traits",
    "opportunities": "erase_opportunities",
    "exposures": "erase_exposures",
}


class PostgresErasureReads(DatabaseErasureReads, PostgresReads):
    """Reading what is somebody's, and who was erased."""

    def list_belongings(self, share: Share) -> Belongings:
        key, lane = share.key, lane_of(share.key)

        def ask(statement: str, stretch: tuple[int, int]) -> list[Any]:
            if statement == NAMED:
                first, end = stretch
                return self._all(statement, {"lane": lane, "key": key, "first": first, "end": end})
            return self._all(statement, (*(() if statement == WITHOUT_LANE else (lane,)), key, *stretch))

        return belongings_of(share, ask)


class PostgresErasureWrites(DatabaseErasureWrites, PostgresWrites):
    """What one job erases."""

    @property
    def newest_erasure_at(self) -> int:
        if self._newest_erasure_at is None:
            self._newest_erasure_at = int(self._one("find_newest_erasure", ())[0])
        return self._newest_erasure_at

    def find_erasures(self, marks: Iterable[tuple[int, str]]) -> dict[str, Erasure]:
        asked = [self._execute("find_erasure", mark) for mark in marks]
        return {row[1]: erasure_of(row) for cursor in asked for row in cursor.fetchall()}

    def put_erasures(self, erasures: Sequence[Erasure]) -> None:
        self._send()  # one statement cannot put the same mark twice
        for each in sorted(erasures, key=lambda each: (each.lane, each.mark)):
            self._put("put_erasure", (each.lane, each.mark, each.erased_at, each.is_unsubscribed))
        newest = max((each.erased_at for each in erasures), default=0)
        self._execute("note_newest_erasure", (newest,))

    def let_go(self, keys: Iterable[int]) -> None:
        for key in sorted(keys, key=lambda key: (lane_of(key), key)):
            if key in self._heads and key not in self._ids and not self._links.get(key):
                self._execute("remove_unwritten", {"lane": lane_of(key), "key": key})
                self._unhold(key)

    def _unhold(self, key: int) -> None:
        """Nothing more is written of it with this commit, unless it is held again."""
        for known in (self._heads, self._links, self._ids, self._met):
            known.pop(key, None)

    def erase_records(self, share: Share, most: int) -> dict[str, int]:
        self.hold((share.key,))
        left = dict.fromkeys(("events", *BY_KEY, "assignments", "business_keys"), 0)
        for first, end in share.stretches:
            asked = {
                "lane": lane_of(share.key),
                "key": share.key,
                "first": first,
                "end": end,
                "most": most,
            }
            left["business_keys"] += self._erase_business_keys(share.key, first, end, most)
            left["events"] += self._erase_events(asked)
            for table, statement in BY_KEY.items():
                left[table] += self._count(statement, asked)
            left["assignments"] += self._erase_assignments(asked)
        return left

    def _count(self, statement: str, parameters: Sequence[object] | Mapping[str, object]) -> int:
        """How many rows left. Each is given back: in a pipeline nothing else says it."""
        return len(self._execute(statement, parameters).fetchall())

    def _erase_events(self, asked: Mapping[str, int]) -> int:
        gone = self._execute("erase_events", asked).fetchall()
        sums: dict[tuple[str, str], list[int]] = {}
        for kind, at, seq, name, value, until_seq in gone:
            self._execute("erase_body", (asked["lane"], kind, at, seq))
            if until_seq is None:
                sums.setdefault((day_of(at // DAY), name), []).append(value)
        for (day, name), values in sorted(
            sums.items()
        ):  # in order, as of two who erase none waits in a circle
            for value in values:
                self._execute("add_erased_total", (day, name, value))
        return len(gone)

    def _erase_assignments(self, asked: Mapping[str, int]) -> int:
        gone = self._execute("erase_assignments", asked).fetchall()
        for arm in sorted(gone):
            self._execute("add_erased_unit", arm)
        return len(gone)

    def _erase_business_keys(self, key: int, first: int, end: int, most: int) -> int:
        """Whoever writes about an order takes turns by its own key, and so does this."""
        found = self._execute("list_share_business_keys", (key, first, end)).fetchall()[:most]
        orders = [business_key_of(event, value) for event, value, *_ in found]
        self.hold(orders)
        for (event, value, *_), order in zip(found, orders, strict=True):
            self._execute("erase_business_keys", (lane_of(order), event, value, key))
            self._let_go(order)
        return len(found)

    def _let_go(self, key: int) -> None:
        self._execute("remove_person", (lane_of(key), key))
        self._unhold(key)

    def erase_assignments(self, share: Share) -> int:
        self.hold((share.key,))
        place = {"lane": lane_of(share.key), "key": share.key, "most": FOREVER}
        return sum(
            self._erase_assignments({**place, "first": first, "end": end}) for first, end in share.stretches
        )

    def erase_traits(self, share: Share) -> int:
        asked = (lane_of(share.key), share.key)
        return sum(self._count("erase_traits", (*asked, *stretch)) for stretch in share.stretches)

    def remove_link(self, link: Link) -> None:
        key, person = link.key, link.person
        self.hold((key, person))
        self._execute("remove_link", (lane_of(key), key, person, link.from_seq, link.since_seq))
        self._links[key] = [
            other
            for other in self._links[key]
            if (other.person, other.from_seq, other.since_seq) != (person, link.from_seq, link.since_seq)
        ]
        if not any(other.person == person for other in self._links[key]):
            self._execute("remove_person_key", (lane_of(person), person, key))

    def remove_key(self, key: int) -> None:
        self.hold((key,))
        self._execute("remove_key", (lane_of(key), key))
        self._execute("remove_met", (lane_of(key), key))
        self._let_go(key)

    def remove_set_aside(self, identifiers: Iterable[int]) -> int:
        return sum(self._count("remove_set_aside", (identifier,)) for identifier in identifiers)

    def erase_audit(self, act: str, has_name: Callable[[str], bool], instead: str) -> int:
        found = self._execute("list_audit_of", (act,)).fetchall()
        named = [number for number, what in found if has_name(what)]
        for number in named:
            self._execute("erase_audit", (instead, number))
        return len(named)
