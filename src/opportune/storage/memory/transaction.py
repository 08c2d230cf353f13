"""One job's writes: what visitors and operators do, put into the tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from opportune.core.experiments.experiment import Experiment
from opportune.core.history.event import SetAside
from opportune.core.history.link import Link
from opportune.core.history.plan import EventClass
from opportune.core.history.timeline import FactValue, TimelineEvent
from opportune.core.learnings.learning import Draft, Kept, Said
from opportune.core.moment import DAY
from opportune.core.note import Note
from opportune.core.product import Product
from opportune.core.rule import RunState
from opportune.core.situation import Assignment, Trait
from opportune.storage.base import (
    RECENT_BOUND,
    TRAITS_BOUND,
    ApiKey,
    AuditEntry,
    BusinessKey,
    ConsentCount,
    EventRow,
    Exposure,
    Opportunity,
    Recent,
    RuleCount,
    Span,
    StoredEvent,
    StoredExposure,
    StoredPlaybook,
    StoredSetAside,
)
from opportune.storage.days import day_of
from opportune.storage.memory.erasing import MemoryErasing
from opportune.storage.memory.tables import Asserted, ExposedRow, Row, identity_of, stored

FACTS = msgspec.json.Decoder(dict[str, FactValue])


class MemoryTransaction(MemoryErasing):
    """One job's writes, on the tables themselves."""

    @property
    def head_seq(self) -> int:
        return self._tables.head

    def find_recent(self, spans: Sequence[Span]) -> list[Recent]:
        return [self._recent(*span) for span in spans]

    def _recent(self, key: int, since_at: int, until_at: int) -> Recent:
        rows = [row.event for row in self._tables.events.get(key, {}).values()]
        found = [row.message for row in rows if since_at <= row.occurred_at < until_at][:RECENT_BOUND]
        return Recent(frozenset(found), len(found))

    def append_event(self, row: EventRow) -> int:
        tables = self._tables
        facts = FACTS.decode(row.facts)
        seq = tables.next("seq")
        seen = TimelineEvent(row.occurred_at, seq, row.name, row.source, facts)
        tables.put(tables.events[row.key], seq, Row(row, seen))
        tables.put(tables.owners, seq, row.key)
        at = row.occurred_at
        first_at, last_at, count = tables.seen.get(row.name, (at, at, 0))
        tables.put(tables.seen, row.name, (min(first_at, at), max(last_at, at), count + 1))
        tables.put(tables.feed, seq, (day_of(row.occurred_at // DAY), row.name, 1, row.value))
        return seq

    def supersede_event(self, known: BusinessKey) -> None:
        tables = self._tables
        row = tables.events[known.key].get(known.seq)
        if row is None or row.until_seq is not None:
            return
        seq = tables.next("seq")
        tables.put(tables.events[known.key], known.seq, msgspec.structs.replace(row, until_seq=seq))
        event = row.event
        tables.put(tables.feed, seq, (day_of(event.occurred_at // DAY), event.name, -1, -event.value))

    def update_facts(
        self, seq: int, key: int, event_class: EventClass, occurred_at: int, facts: bytes
    ) -> None:
        row = self._tables.events[key].get(seq)
        if row is None or (row.event.event_class, row.event.occurred_at) != (event_class, occurred_at):
            return
        seen = row.seen
        updated = Row(
            msgspec.structs.replace(row.event, facts=facts),
            TimelineEvent(seen.occurred_at, seq, seen.name, seen.source, FACTS.decode(facts)),
            row.until_seq,
        )
        self._tables.put(self._tables.events[key], seq, updated)

    def find_business_key(self, event: str, value: str) -> BusinessKey | None:
        return self._tables.business_keys.get((event, value))

    def find_stored(self, known: BusinessKey) -> StoredEvent | None:
        row = self._tables.events[known.key].get(known.seq)
        return None if row is None or row.until_seq is not None else stored(known.seq, row.event)

    def put_business_key(self, known: BusinessKey) -> None:
        self._tables.put(self._tables.business_keys, (known.event, known.value), known)

    def put_key(self, key: int, namespace: str, identifier: str) -> None:
        known = self._tables.keys.get(key)
        if known is None:
            self._tables.put(self._tables.keys, key, (namespace, identifier))
        elif known != (namespace, identifier):
            raise ValueError(f"key {key} already stands for another id")

    def list_links(self, key: int) -> list[Link]:
        return sorted(self._tables.links_of(key), key=_link_order)

    def list_person_links(self, person: int) -> list[Link]:
        keys = sorted(self._tables.person_keys.get(person, {}))
        return [link for key in keys for link in self.list_links(key) if link.person == person]

    def add_link(self, link: Link) -> None:
        tables = self._tables
        tables.put(tables.links[link.key], (link.person, link.from_seq, link.since_seq), link)
        if link.key not in tables.person_keys[link.person]:
            tables.put(tables.person_keys[link.person], link.key, None)

    def close_link(self, link: Link, until_seq: int) -> None:
        links, identity = self._tables.links[link.key], (link.person, link.from_seq, link.since_seq)
        if identity in links:
            closed = msgspec.structs.replace(links[identity], until_seq=until_seq)
            self._tables.put(links, identity, closed)

    def put_traits(self, key: int, traits: Mapping[str, Trait]) -> None:
        tables = self._tables
        for name, trait in traits.items():
            current = _trait_in_force(tables.traits[key].values(), name)
            if current is not None and (trait.at < current.at or trait == current):
                continue
            if current is None and len({item.name for item in tables.traits[key].values()}) >= TRAITS_BOUND:
                continue
            seq = tables.next("seq")
            tables.put(tables.traits[key], seq, Asserted(seq, name, trait))

    def set_aside(self, events: Iterable[SetAside]) -> None:
        for event in events:
            number = self._tables.next("set aside")
            kept = StoredSetAside(id=number, **msgspec.structs.asdict(event))
            self._tables.put(self._tables.set_aside, number, kept)

    def close_set_aside(self, identifier: int, state: str) -> None:
        kept = self._tables.set_aside.get(identifier)
        if kept is not None:
            self._tables.put(self._tables.set_aside, identifier, msgspec.structs.replace(kept, state=state))

    def add_opportunities(self, opportunities: Iterable[Opportunity]) -> None:
        for opportunity in opportunities:
            asked = self._tables.opportunities[opportunity.key]
            identity = (opportunity.session, opportunity.slot)
            if identity not in asked:
                self._tables.put(asked, identity, (self._tables.next("seq"), opportunity))

    def add_exposures(self, exposures: Iterable[Exposure]) -> None:
        for exposure in exposures:
            given, identity = self._tables.exposures[exposure.unit], identity_of(exposure)
            if identity not in given:
                kept = StoredExposure(
                    **{name: getattr(exposure, name) for name in Exposure.__struct_fields__}
                )
                self._tables.put(given, identity, ExposedRow(self._tables.next("seq"), kept))

    def mark_shown(self, exposure: Exposure, at: int) -> None:
        tables = self._tables
        given, identity = tables.exposures[exposure.unit], identity_of(exposure)
        exposed = given.get(identity)
        if exposed is None:
            return
        kept, shown_seq = exposed.exposure, exposed.shown_seq
        if kept.shown_at is None:
            kept, shown_seq = msgspec.structs.replace(kept, shown_at=at), tables.next("seq")
        kept = msgspec.structs.replace(kept, count=kept.count + 1)
        tables.put(given, identity, ExposedRow(exposed.seq, kept, shown_seq))

    def add_assignments(self, unit: int, assignments: Iterable[Assignment]) -> None:
        for assignment in assignments:
            given, identity = self._tables.assignments[unit], (assignment.experiment, assignment.phase)
            if identity not in given:
                kept = msgspec.structs.replace(assignment, unit=unit)
                self._tables.put(given, identity, (self._tables.next("seq"), kept))

    def put_playbook(self, playbook: StoredPlaybook) -> None:
        self._tables.put(self._tables.playbooks, self._tables.next("playbook"), playbook)
        self._tables.next("changed")

    def put_run_state(self, state: RunState) -> None:
        self._tables.put(self._tables.run_states, state.rule, state)
        self._tables.next("changed")

    def put_experiment(self, experiment: Experiment) -> None:
        self._tables.put(self._tables.experiments, experiment.id, experiment)

    def put_draft(self, draft: Draft) -> None:
        known = self._tables.learnings.get(draft.id)
        self._tables.put(self._tables.learnings, draft.id, Kept(draft, known.said if known else Said()))

    def put_said(self, learning: str, said: Said) -> None:
        known = self._tables.learnings.get(learning)
        if known is not None:
            self._tables.put(self._tables.learnings, learning, Kept(known.draft, said))

    def put_setting(self, name: str, value: str) -> None:
        if value:
            self._tables.put(self._tables.settings, name, value)
        else:
            self._tables.remove(self._tables.settings, name)
        self._tables.next("changed")

    def put_api_key(self, key: ApiKey) -> None:
        self._tables.put(self._tables.api_keys, key.digest, key)
        self._tables.next("changed")

    def put_products(self, products: Iterable[Product]) -> None:
        version = self._tables.next("catalogue")
        for product in products:
            self._tables.put(self._tables.products, product.id, (version, product))
        self._tables.next("changed")

    def add_consents(self, counts: Iterable[ConsentCount]) -> None:
        known = self._tables.consents
        for count in counts:
            place = (count.day, count.banner, count.has_gpc, count.answer)
            self._tables.put(known, place, known.get(place, 0) + count.visits)

    def retire_consents(self, before_day: str) -> None:
        for place in [place for place in self._tables.consents if place[0] < before_day]:
            self._tables.remove(self._tables.consents, place)

    def add_audit(self, entry: AuditEntry) -> None:
        self._tables.put(self._tables.audit, len(self._tables.audit), entry)

    def add_note(self, note: Note) -> bool:
        if note.once in self._tables.notes:
            return False
        self._tables.put(self._tables.notes, note.once, note)
        return True

    def add_rule_counts(self, counts: Iterable[RuleCount]) -> None:
        known = self._tables.rule_counts
        for count in counts:
            place = (count.hour, count.rule, count.slot, count.what)
            self._tables.put(known, place, known.get(place, 0) + count.count)

    def retire_rule_counts(self, before_hour: int) -> None:
        for place in [place for place in self._tables.rule_counts if place[0] < before_hour]:
            self._tables.remove(self._tables.rule_counts, place)


def _link_order(link: Link) -> tuple[int, int, int]:
    return link.since_seq, link.from_seq, link.person


def _trait_in_force(asserted: Iterable[Asserted], name: str) -> Trait | None:
    """Only what beat its forerunner was kept, so the newest is the one in force."""
    return next((item.trait for item in reversed(list(asserted)) if item.name == name), None)
