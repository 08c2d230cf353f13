"""Reading what a decision sees of a visitor, as of any `seq`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from opportune.core.conditions.reach import CLASS_BOUNDS
from opportune.core.history.timeline import TimelineEvent
from opportune.core.moment import DAY
from opportune.core.situation import PastExposure, Trait
from opportune.storage.base import EXPOSURE_BOUND, KEYS_BOUND, OPPORTUNITY_BOUND, Recollection
from opportune.storage.memory.tables import MemoryReads, identity_of
from opportune.storage.person import (
    Stretch,
    is_within,
    kept_assignments,
    newest_first,
    newest_traits,
    person_of,
    read_keys,
    stretches_of,
)


class MemoryRecollectionReads(MemoryReads):
    """Reading what a decision sees."""

    def recall(self, keys: Sequence[int], *, now: int, as_of: int | None = None) -> Recollection:
        with self._lock:
            tables = self._tables
            seq = tables.head if as_of is None else min(as_of, tables.head)
            person = person_of(keys[-1], tables.links_of(keys[-1]), seq)
            known = self._tables.keys_of(person, seq)
            all_keys = read_keys(keys, known, KEYS_BOUND)
            owned = {
                key: stretches_of(key, tables.links_of(key), seq, person=person, is_asked=key in keys)
                for key in all_keys
            }
            return Recollection(
                seq=seq,
                person=person,
                keys=all_keys,
                events={key: self._timeline(key, stretches, now, seq) for key, stretches in owned.items()},
                traits=newest_traits(self._traits(owned, seq)),
                assignments=kept_assignments(
                    given
                    for key in dict.fromkeys([*all_keys, *known])
                    for given in tables.assignments.get(key, {}).values()
                    if given[0] <= seq
                ),
                exposures=self._exposures(all_keys, seq, as_of),
                opportunities=self._opportunities(keys[0], seq),
            )

    def _timeline(
        self, key: int, stretches: Sequence[Stretch], now: int, as_of: int
    ) -> Sequence[TimelineEvent]:
        rows = [
            row
            for row in self._tables.events.get(key, {}).values()
            if row.is_read(as_of) and is_within(row.seen.seq, stretches)
        ]
        found: list[TimelineEvent] = []
        for event_class, (most, days) in CLASS_BOUNDS.items():
            since_at = None if days is None else now - days * DAY
            events = [
                row.seen
                for row in rows
                if row.event.event_class == event_class
                and (since_at is None or row.event.occurred_at >= since_at)
            ]
            found += sorted(events, key=_order, reverse=True)[:most]
        return sorted(found, key=_order, reverse=True)

    def _traits(self, owned: Mapping[int, Sequence[Stretch]], as_of: int) -> Iterator[tuple[int, str, Trait]]:
        for key, stretches in owned.items():
            asserted = [item for item in self._tables.traits.get(key, {}).values() if item.seq <= as_of]
            for item in asserted:
                if is_within(item.seq, stretches):
                    yield item.seq, item.name, item.trait

    def _exposures(self, keys: Sequence[int], seq: int, as_of: int | None) -> Sequence[PastExposure]:
        found: list[Sequence[PastExposure]] = []
        for key in keys:
            given = [item for item in self._tables.exposures.get(key, {}).values() if item.seq <= seq]
            given.sort(key=lambda item: (item.exposure.session, identity_of(item.exposure)), reverse=True)
            found.append([item.past(as_of) for item in given[:EXPOSURE_BOUND]])
        return newest_first(found)

    def _opportunities(self, key: int, as_of: int) -> list[tuple[int, str, int]]:
        asked = [
            (opportunity.session, opportunity.slot, opportunity.at)
            for seq, opportunity in self._tables.opportunities.get(key, {}).values()
            if seq <= as_of
        ]
        asked.sort(reverse=True)
        return asked[:OPPORTUNITY_BOUND]


def _order(event: TimelineEvent) -> tuple[int, int]:
    return event.occurred_at, event.seq
