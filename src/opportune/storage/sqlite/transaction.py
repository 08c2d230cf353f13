"""One job's writes on the writer's connection, inside the group's transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from opportune.core.experiments.experiment import Experiment
from opportune.core.history.event import SetAside
from opportune.core.history.key import lane_of
from opportune.core.history.link import Link
from opportune.core.history.plan import EventClass
from opportune.core.learnings.learning import Draft, Said
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
    StoredPlaybook,
    Transaction,
)
from opportune.storage.bodies import pack, unpack
from opportune.storage.days import day_after, day_of
from opportune.storage.lines import event_line, exposure_line, json_of, read_trait
from opportune.storage.rows import event_place, exposure_place
from opportune.storage.sqlite.erasing import SqliteErasing
from opportune.storage.sqlite.measuring import SqliteKeepingSums
from opportune.storage.sqlite.statements import SQL
from opportune.storage.sqlite.tally import Tally

FOLD_STEP = 1_000


class SqliteTransaction(SqliteErasing, SqliteKeepingSums, Transaction):
    """Writes at once, counts in its tally; the writer undoes both when the job raises."""

    def __init__(self, connection: sqlite3.Connection, head: int) -> None:
        super().__init__(connection)
        self.tally = Tally(head)

    @property
    def head_seq(self) -> int:
        return self.tally.head

    def find_recent(self, spans: Sequence[Span]) -> list[Recent]:
        return [self._recent(*span) for span in spans]

    def _recent(self, key: int, since_at: int, until_at: int) -> Recent:
        asked = (lane_of(key), key, since_at, until_at, RECENT_BOUND)
        found = [row[0] for row in self._execute(SQL["find_recent"], asked)]
        return Recent(frozenset(found), len(found))

    def append_event(self, row: EventRow) -> int:
        seq = self.tally.next_seq()
        key, kind, at, name, source = row.key, row.event_class, row.occurred_at, row.name, row.source
        line = event_line(at, seq, name, source, row.facts)
        stored = (lane_of(key), key, kind, at, seq, line, name, source, row.value, row.message)
        self._execute(SQL["append_event"], stored)
        self._execute(SQL["append_body"], (seq, key, kind, at, name, source, pack(row.body)))
        self.tally.see(name, at)
        self.tally.change(name, at, 1, row.value)
        return seq

    def supersede_event(self, known: BusinessKey) -> None:
        place = event_place(known.key, known.event_class, known.occurred_at, known.seq)
        found = self._execute(SQL["find_event"], place).fetchone()
        if found is None:
            return
        name, _, value, until_seq = found
        if until_seq is not None:
            return
        seq = self.tally.next_seq()
        self._execute(SQL["supersede_event"], (seq, *place))
        self._execute(SQL["supersede_body"], (seq, known.seq))
        self.tally.change(name, known.occurred_at, -1, -value)

    def update_facts(
        self, seq: int, key: int, event_class: EventClass, occurred_at: int, facts: bytes
    ) -> None:
        place = event_place(key, event_class, occurred_at, seq)
        found = self._execute(SQL["find_event"], place).fetchone()
        if found is not None:
            line = event_line(occurred_at, seq, found[0], found[1], facts)
            self._execute(SQL["update_facts"], (line, *place))

    def find_business_key(self, event: str, value: str) -> BusinessKey | None:
        row = self._execute(SQL["find_business_key"], (event, value)).fetchone()
        if row is None:
            return None
        return BusinessKey(
            event=row[0],
            value=row[1],
            key=row[2],
            event_class=row[3],
            occurred_at=row[4],
            seq=row[5],
            is_verified=bool(row[6]),
        )

    def find_stored(self, known: BusinessKey) -> StoredEvent | None:
        row = self._execute(SQL["find_stored"], (known.seq,)).fetchone()
        if row is None:
            return None
        return StoredEvent(
            seq=row[0], key=row[1], name=row[2], source=row[3], occurred_at=row[4], body=unpack(row[5])
        )

    def put_business_key(self, known: BusinessKey) -> None:
        self._execute(
            SQL["put_business_key"],
            (
                known.event,
                known.value,
                known.key,
                known.event_class,
                known.occurred_at,
                known.seq,
                known.is_verified,
            ),
        )

    def put_key(self, key: int, namespace: str, identifier: str) -> None:
        known = self._execute(SQL["find_key_id"], (lane_of(key), key)).fetchone()
        if known is None:
            self._execute(SQL["put_key"], (lane_of(key), key, namespace, identifier))
        elif known != (namespace, identifier):
            raise ValueError(f"key {key} already stands for another id")

    def list_links(self, key: int) -> list[Link]:
        return [Link(*row) for row in self._execute(SQL["list_links"], (lane_of(key), key))]

    def list_person_links(self, person: int) -> list[Link]:
        return [Link(*row) for row in self._execute(SQL["list_person_links"], (lane_of(person), person))]

    def add_link(self, link: Link) -> None:
        lane = lane_of(link.person)
        self._execute(SQL["add_link"], (lane_of(link.key), *msgspec.structs.astuple(link)))
        self._execute(SQL["add_person"], (lane, link.person, link.since_seq))
        self._execute(SQL["add_person_key"], (lane, link.person, link.key))

    def close_link(self, link: Link, until_seq: int) -> None:
        identity = (lane_of(link.key), link.key, link.person, link.from_seq, link.since_seq)
        self._execute(SQL["close_link"], (until_seq, *identity))

    def put_traits(self, key: int, traits: Mapping[str, Trait]) -> None:
        lane = lane_of(key)
        for name, trait in traits.items():
            known = self._execute(SQL["find_trait"], (lane, key, name)).fetchone()
            if known is not None:
                current = read_trait(known[1])[2]
                if trait.at < current.at or trait == current:
                    continue
            elif self._execute(SQL["count_traits"], (lane, key)).fetchone()[0] >= TRAITS_BOUND:
                continue
            seq = self.tally.next_seq()
            if known is not None:
                self._execute(SQL["add_past_trait"], (lane, key, name, known[0], seq, known[1]))
            self._execute(SQL["put_trait"], (lane, key, name, seq, json_of((seq, name, trait))))

    def set_aside(self, events: Iterable[SetAside]) -> None:
        for event in events:
            self._execute(
                SQL["set_aside"],
                (
                    event.reason,
                    event.code,
                    pack(event.raw),
                    event.message_id,
                    event.name,
                    event.source,
                    event.received_at,
                ),
            )

    def close_set_aside(self, identifier: int, state: str) -> None:
        self._execute(SQL["close_set_aside"], (state, identifier))

    def add_opportunities(self, opportunities: Iterable[Opportunity]) -> None:
        context, packed = b"", pack(b"")
        for asked in opportunities:
            if asked.context != context:  # that of one request's places is the same
                context, packed = asked.context, pack(asked.context)
            seq = self.tally.head + 1
            stored = (
                lane_of(asked.key),
                asked.key,
                asked.session,
                asked.slot,
                seq,
                json_of((asked.session, asked.slot, asked.at)),
                asked.seq,
                asked.at,
                asked.outcome,
                asked.revision,
                packed,
            )
            if self._execute(SQL["add_opportunity"], stored).rowcount:
                self.tally.head = seq

    def add_exposures(self, exposures: Iterable[Exposure]) -> None:
        for exposure in exposures:
            seq = self.tally.head + 1
            line = exposure_line(exposure, exposure.at)
            if self._execute(
                SQL["add_exposure"], (*exposure_place(exposure), seq, line, exposure.at)
            ).rowcount:
                self.tally.head = seq
                if exposure.receipt:
                    self._execute(SQL["add_receipt"], (seq, pack(exposure.receipt)))

    def mark_shown(self, exposure: Exposure, at: int) -> None:
        identity = exposure_place(exposure)
        found = self._execute(SQL["find_exposure"], identity).fetchone()
        if found is None:
            return
        first_at, shown_at, shown_seq, count = found
        if shown_at is None:
            shown_at, shown_seq = at, self.tally.next_seq()
        line = exposure_line(exposure, first_at, shown_at, count + 1)
        self._execute(SQL["mark_shown"], (shown_at, shown_seq, count + 1, line, *identity))

    def add_assignments(self, unit: int, assignments: Iterable[Assignment]) -> None:
        for given in assignments:
            seq = self.tally.head + 1
            line = json_of((seq, msgspec.structs.replace(given, unit=unit)))
            stored = (lane_of(unit), unit, given.experiment, given.phase, seq, given.arm, line)
            if self._execute(SQL["add_assignment"], stored).rowcount:
                self.tally.head = seq

    def put_playbook(self, playbook: StoredPlaybook) -> None:
        files = pack(msgspec.json.encode(playbook.files))
        self._execute(
            SQL["put_playbook"],
            (playbook.revision, playbook.published_at, playbook.by, playbook.based_on, files),
        )
        self.tally.operator_changes += 1

    def put_run_state(self, state: RunState) -> None:
        self._execute(SQL["put_run_state"], (state.rule, json_of(state)))
        self.tally.operator_changes += 1

    def put_experiment(self, experiment: Experiment) -> None:
        self._execute(
            SQL["put_experiment"],
            (experiment.id, experiment.started_at, experiment.ended_at, json_of(experiment)),
        )

    def put_draft(self, draft: Draft) -> None:
        self._execute(SQL["put_draft"], (draft.id, json_of(draft), json_of(Said())))

    def put_said(self, learning: str, said: Said) -> None:
        self._execute(SQL["put_said"], (json_of(said), learning))

    def put_setting(self, name: str, value: str) -> None:
        if value:
            self._execute(SQL["put_setting"], (name, value))
        else:
            self._execute(SQL["remove_setting"], (name,))
        self.tally.operator_changes += 1

    def put_api_key(self, key: ApiKey) -> None:
        self._execute(SQL["put_api_key"], (key.digest, key.created_at, json_of(key)))
        self.tally.operator_changes += 1

    def put_products(self, products: Iterable[Product]) -> None:
        version = self._execute(SQL["next_catalogue"]).fetchone()[0]
        rows = [(product.id, version, json_of(product)) for product in products]
        self.connection.executemany(SQL["put_product"], rows)
        self.tally.operator_changes += 1

    def add_consents(self, counts: Iterable[ConsentCount]) -> None:
        self.connection.executemany(SQL["add_consents"], map(msgspec.structs.astuple, counts))

    def retire_consents(self, before_day: str) -> None:
        self._execute(SQL["retire_consents"], (before_day,))

    def add_audit(self, entry: AuditEntry) -> None:
        self._execute(SQL["add_audit"], (entry.at, entry.by, entry.act, entry.what, entry.detail))

    def add_note(self, note: Note) -> bool:
        return bool(self._execute(SQL["add_note"], (note.once, note.at, json_of(note))).rowcount)

    def add_rule_counts(self, counts: Iterable[RuleCount]) -> None:
        self.connection.executemany(SQL["add_rule_counts"], map(msgspec.structs.astuple, counts))

    def retire_rule_counts(self, before_hour: int) -> None:
        self._execute(SQL["retire_rule_counts"], (before_hour,))

    def fold_totals(self) -> int:
        """A bounded step of the change feed, as of the last commit."""
        last, count = self._execute(SQL["find_fold"], (FOLD_STEP,)).fetchone()
        if count:
            self._execute(SQL["fold_totals"], (last,))
            self._execute(SQL["forget_changes"], (last,))
        return int(count)

    def rebuild_totals(self) -> None:
        """Of days that are whole; the others keep what was folded, and what waits in the feed."""
        since_at = self._execute(SQL["find_whole_since"]).fetchone()[0]
        day = since_at // DAY
        self._execute(SQL["forget_totals"], (day_of(day),))
        self._execute(SQL["forget_changes_since"], (day_of(day),))
        self._execute(SQL["rebuild_totals"], (since_at,))
        self._execute(SQL["add_erased_totals"], (day_of(day),))
        self.tally.counts_anew_since = day

    def retire_events(self, before_at: int, most: int) -> int:
        """A bounded step, in the order of the table it costs most to find them in."""
        self._execute(SQL["note_retired"], (day_after(before_at) * DAY,))
        old = self._execute(SQL["find_old_events"], (before_at, most)).fetchall()
        places = sorted(event_place(*event) for event in old)
        self.connection.executemany(SQL["retire_event"], places)
        self.connection.executemany(SQL["retire_body"], [place[-1:] for place in places])
        self._execute(SQL["retire_business_keys"], (before_at, most))
        return len(old)
