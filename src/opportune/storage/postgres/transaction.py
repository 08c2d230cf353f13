"""One group's writes: whom they are about is locked first, rows are collected and sent together, nothing waits.

Reads see what the transaction wrote before them. Numbers are drawn after the locks, so that of one person's
records the later commit always has the higher ones, whichever process wrote it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
import psycopg

from opportune.core.experiments.experiment import Experiment
from opportune.core.history.event import SetAside
from opportune.core.history.key import business_key_of, lane_of
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
)
from opportune.storage.bodies import pack, unpack
from opportune.storage.days import day_of
from opportune.storage.lines import event_line, exposure_line, json_of, read_trait
from opportune.storage.postgres.connection import Connection, raw
from opportune.storage.postgres.erasing import PostgresErasing
from opportune.storage.postgres.measuring import PostgresKeepingSums
from opportune.storage.postgres.statements import ROWS_TOGETHER, SQL, Row, in_pieces
from opportune.storage.rows import event_place, exposure_place

BLOCK = 1_000
"""As many numbers as the sequence gives at once."""


class PostgresTransaction(PostgresErasing, PostgresKeepingSums):
    """Inside `BEGIN` and a pipeline; `finish` sends what was collected, and what belongs to every commit."""

    def __init__(self, connection: Connection, together: int = ROWS_TOGETHER[0]) -> None:
        self._connection = connection
        self._together = together
        """Rows that are asked about in one statement."""
        self._rows: dict[str, list[Row]] = {}
        self._heads: dict[int, int] = {}
        """Everybody held, with the newest number of a record about them."""
        self._links: dict[int, list[Link]] = {}
        self._ids: dict[int, tuple[str, str]] = {}
        self._next = 0
        self._end = 0
        self._newest = 0
        self._changes: dict[tuple[int, str], tuple[int, int]] = {}
        self._seen: dict[str, tuple[int, int, int]] = {}
        self._met: dict[int, int] = {}
        self._newest_erasure_at: int | None = None
        self._operator_changes = 0

    # -- what every transaction does ----------------------------------------------------------

    def hold(self, keys: Iterable[int]) -> None:
        """Nobody else changes these keys' persons until the commit; in key order, so that no two wait in a circle."""
        missing = set(keys) - self._heads.keys()
        if not missing:
            return
        self._send()
        missing |= {link.person for links in self._find_links(missing).values() for link in links}
        while missing := missing - self._heads.keys():
            ordered = sorted(missing, key=lambda key: (lane_of(key), key))
            for piece in in_pieces("hold_persons", [(lane_of(key), key, 0) for key in ordered]):
                raw(self._connection).execute(*piece)
            self._heads.update(dict.fromkeys(ordered, 0))
            self._end = 0  # numbers drawn before are lower than what somebody else may have written meanwhile
            self._links.update(self._find_links(ordered))
            for key, namespace, identifier in self._fetch(
                "find_known", [(lane_of(key), key) for key in ordered]
            ):
                self._ids[key] = (namespace, identifier)
            missing = {link.person for key in ordered for link in self._links[key]}
        self._newest_erasure_at = None  # somebody may have erased them before they were held

    def finish(self) -> None:
        """Sends everything that is to be part of the commit."""
        newest = self._newest
        heads = [
            (lane_of(key), key, max(head, newest)) for key, head in sorted(self._heads.items(), key=_by_lane)
        ]
        if any(head for _, _, head in heads):
            self._rows["hold_persons"] = list(heads)
        lane = lane_of(next(iter(self._heads), 0))
        for (day, name), (count, value) in self._changes.items():
            first_at, last_at, seen = self._seen.pop(name, (0, 0, 0))
            self._put("add_change", (lane, newest, day_of(day), name, count, value, seen, first_at, last_at))
        self._changes.clear()
        for key, at in sorted(self._met.items(), key=_by_lane):  # as with persons, nobody waits in a circle
            self._put("meet", (lane_of(key), key, at))
        if self._operator_changes:
            self._execute("count_change", (self._operator_changes,))
            self._execute("tell_changed", ())
            self._operator_changes = 0
        self._send()

    def _next_seq(self) -> int:
        if self._next >= self._end:
            row = self._one("next_block", ())
            self._next, self._end = row[0], row[0] + BLOCK
        self._newest = self._next
        self._next += 1
        return self._newest

    def _put(self, statement: str, row: Row) -> None:
        self._rows.setdefault(statement, []).append(row)

    def _send(self) -> None:
        """Hands the collected rows over; the answers are read with the next question, or at the end."""
        rows, self._rows = self._rows, {}
        for statement, waiting in rows.items():
            for piece in in_pieces(statement, waiting):
                raw(self._connection).execute(*piece)

    def _execute(
        self, statement: str, parameters: Sequence[object] | Mapping[str, object]
    ) -> psycopg.Cursor[tuple[Any, ...]]:
        self._send()
        return self._connection.execute(SQL[statement], parameters)

    def _one(self, statement: str, parameters: Sequence[object]) -> Any:
        return self._execute(statement, parameters).fetchone()

    def _fetch(self, statement: str, rows: Sequence[Row]) -> list[Any]:
        """Of every piece; they are asked together and answered together."""
        self._send()
        asked = [
            raw(self._connection).execute(*piece) for piece in in_pieces(statement, rows, self._together)
        ]
        return [row for cursor in asked for row in cursor.fetchall()]

    # -- reading ------------------------------------------------------------------------------

    @property
    def head_seq(self) -> int:
        return self._newest or int(self._one("find_head", ())[0])

    @property
    def newest_erasure_at(self) -> int:
        if self._newest_erasure_at is None:
            self._newest_erasure_at = int(self._one("find_newest_erasure", ())[0])
        return self._newest_erasure_at

    def find_recent(self, spans: Sequence[Span]) -> list[Recent]:
        self.hold({key for key, _, _ in spans})
        rows = [
            (number, lane_of(key), key, since_at, until_at, RECENT_BOUND)
            for number, (key, since_at, until_at) in enumerate(spans)
        ]
        found: list[list[int]] = [[] for _ in spans]
        for number, message in self._fetch("find_recent", rows):
            found[number].append(message)
        return [Recent(frozenset(messages), len(messages)) for messages in found]

    def find_business_key(self, event: str, value: str) -> BusinessKey | None:
        key = business_key_of(event, value)
        self.hold((key,))
        row = self._one("find_business_key", (lane_of(key), event, value))
        if row is None:
            return None
        return BusinessKey(
            event=row[0],
            value=row[1],
            key=row[2],
            event_class=row[3],
            occurred_at=row[4],
            seq=row[5],
            is_verified=row[6],
        )

    def find_stored(self, known: BusinessKey) -> StoredEvent | None:
        asked = (lane_of(known.key), known.event_class, known.occurred_at, known.seq)
        row = self._one("find_stored", asked)
        if row is None:
            return None
        return StoredEvent(
            seq=row[0], key=row[1], name=row[2], source=row[3], occurred_at=row[4], body=unpack(row[5])
        )

    def list_links(self, key: int) -> list[Link]:
        self.hold((key,))
        return self._links[key]

    def list_person_links(self, person: int) -> list[Link]:
        keys = [row[0] for row in self._execute("list_person_keys", (lane_of(person), person)).fetchall()]
        return [link for key in keys for link in self.list_links(key) if link.person == person]

    def _find_links(self, keys: Iterable[int]) -> dict[int, list[Link]]:
        found: dict[int, list[Link]] = {key: [] for key in keys}
        for row in self._fetch("find_links", [(lane_of(key), key) for key in found]):
            found[row[0]].append(Link(*row))
        return found

    # -- events and people --------------------------------------------------------------------

    def append_event(self, row: EventRow) -> int:
        if row.key not in self._heads:
            self.hold((row.key,))
        seq, lane = self._next_seq(), lane_of(row.key)
        key, kind, at, name, source = row.key, row.event_class, row.occurred_at, row.name, row.source
        line = event_line(at, seq, name, source, row.facts)
        self._put("append_event", (lane, key, kind, at, seq, row.value, row.message, line, name, source))
        self._put("append_body", (lane, seq, key, kind, at, name, source, pack(row.body)))
        self._change(name, at, 1, row.value)
        first_at, last_at, seen = self._seen.get(name, (at, at, 0))
        self._seen[name] = (min(first_at, at), max(last_at, at), seen + 1)
        return seq

    def _change(self, name: str, occurred_at: int, count: int, value: int) -> None:
        day_and_name = (occurred_at // DAY, name)
        before = self._changes.get(day_and_name, (0, 0))
        self._changes[day_and_name] = (before[0] + count, before[1] + value)

    def supersede_event(self, known: BusinessKey) -> None:
        self.hold((known.key,))
        place = event_place(known.key, known.event_class, known.occurred_at, known.seq)
        found = self._one("find_event", place)
        if found is None or found[3] is not None:
            return
        name, _, value, _ = found
        seq = self._next_seq()
        self._execute("supersede_event", (seq, *place))
        self._execute("supersede_body", (seq, place[0], *place[2:]))
        self._change(name, known.occurred_at, -1, -value)

    def update_facts(
        self, seq: int, key: int, event_class: EventClass, occurred_at: int, facts: bytes
    ) -> None:
        place = event_place(key, event_class, occurred_at, seq)
        found = self._one("find_event", place)
        if found is not None:
            self._execute("update_facts", (event_line(occurred_at, seq, found[0], found[1], facts), *place))

    def put_business_key(self, known: BusinessKey) -> None:
        key = business_key_of(known.event, known.value)
        self.hold((key,))
        self._send()  # one statement cannot put the same key twice
        self._put(
            "put_business_key",
            (
                lane_of(key),
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
        if key not in self._heads:
            self.hold((key,))
        known = self._ids.get(key)
        if known is None:
            self._ids[key] = (namespace, identifier)
            self._put("put_key", (lane_of(key), key, namespace, identifier))
        elif known != (namespace, identifier):
            raise ValueError(f"key {key} already stands for another id")

    def add_link(self, link: Link) -> None:
        self.hold((link.key, link.person))
        self._send()
        self._put("add_link", (lane_of(link.key), *msgspec.structs.astuple(link)))
        self._put("add_person_key", (lane_of(link.person), link.person, link.key))
        self._note_links(link.key, link.person, link.since_seq)

    def close_link(self, link: Link, until_seq: int) -> None:
        self.hold((link.key, link.person))
        identity = (lane_of(link.key), link.key, link.person, link.from_seq, link.since_seq)
        self._execute("close_link", (until_seq, *identity))
        self._note_links(link.key, link.person, until_seq)

    def _note_links(self, key: int, person: int, seq: int) -> None:
        """They are read again, and are known to whoever has seen this number."""
        for each in (key, person):
            self._heads[each] = max(self._heads[each], seq)
        self._links.update(self._find_links((key,)))

    def put_traits(self, key: int, traits: Mapping[str, Trait]) -> None:
        self.hold((key,))
        lane = lane_of(key)
        known = {
            name: (seq, line) for name, seq, line in self._execute("find_traits", (lane, key)).fetchall()
        }
        for name, trait in traits.items():
            if name in known:
                current = read_trait(known[name][1])[2]
                if trait.at < current.at or trait == current:
                    continue
            elif len(known) >= TRAITS_BOUND:
                continue
            seq = self._next_seq()
            if name in known:
                self._put("add_past_trait", (lane, key, name, known[name][0], seq, known[name][1]))
            line = json_of((seq, name, trait))
            self._put("put_trait", (lane, key, name, seq, line))
            known[name] = (seq, line)

    def set_aside(self, events: Iterable[SetAside]) -> None:
        for event in events:
            kept = (event.reason, event.code, pack(event.raw), event.message_id, event.name, event.source)
            self._put("set_aside", ("open", *kept, event.received_at))

    def close_set_aside(self, identifier: int, state: str) -> None:
        self._execute("close_set_aside", (state, identifier))

    # -- records ------------------------------------------------------------------------------

    def add_opportunities(self, opportunities: Iterable[Opportunity]) -> None:
        context, packed = b"", pack(b"")
        for asked in opportunities:
            self.hold((asked.key,))
            if asked.context != context:  # that of one request's places is the same
                context, packed = asked.context, pack(asked.context)
            line = json_of((asked.session, asked.slot, asked.at))
            place = (lane_of(asked.key), asked.key, asked.session, asked.slot, self._next_seq())
            self._put(
                "add_opportunity",
                (*place, asked.seq, asked.at, line, asked.outcome, asked.revision, packed),
            )

    def add_exposures(self, exposures: Iterable[Exposure]) -> None:
        for exposure in exposures:
            self.hold((exposure.unit,))
            receipt = pack(exposure.receipt) if exposure.receipt else b""
            line = exposure_line(exposure, exposure.at)
            self._put(
                "add_exposure", (*exposure_place(exposure), self._next_seq(), exposure.at, line, receipt)
            )

    def mark_shown(self, exposure: Exposure, at: int) -> None:
        self.hold((exposure.unit,))
        identity = exposure_place(exposure)
        found = self._one("find_exposure", identity)
        if found is None:
            return
        first_at, shown_at, shown_seq, count = found
        if shown_at is None:
            shown_at, shown_seq = at, self._next_seq()
        line = exposure_line(exposure, first_at, shown_at, count + 1)
        self._execute("mark_shown", (shown_at, shown_seq, count + 1, line, *identity))

    def add_assignments(self, unit: int, assignments: Iterable[Assignment]) -> None:
        self.hold((unit,))
        for given in assignments:
            seq = self._next_seq()
            line = json_of((seq, msgspec.structs.replace(given, unit=unit)))
            self._put(
                "add_assignment", (lane_of(unit), unit, given.experiment, given.phase, seq, given.arm, line)
            )

    # -- operators ----------------------------------------------------------------------------

    def put_playbook(self, playbook: StoredPlaybook) -> None:
        files = pack(msgspec.json.encode(playbook.files))
        stored = (playbook.revision, playbook.published_at, playbook.by, playbook.based_on, files)
        self._operate("put_playbook", stored)

    def put_run_state(self, state: RunState) -> None:
        self._operate("put_run_state", (state.rule, json_of(state)))

    def put_experiment(self, experiment: Experiment) -> None:
        self._execute(
            "put_experiment",
            (experiment.id, experiment.started_at, experiment.ended_at, json_of(experiment)),
        )

    def put_draft(self, draft: Draft) -> None:
        self._execute("put_draft", (draft.id, json_of(draft), json_of(Said())))

    def put_said(self, learning: str, said: Said) -> None:
        self._execute("put_said", (json_of(said), learning))

    def put_setting(self, name: str, value: str) -> None:
        if value:
            self._operate("put_setting", (name, value))
        else:
            self._operate("remove_setting", (name,))

    def put_api_key(self, key: ApiKey) -> None:
        self._operate("put_api_key", (key.digest, key.created_at, json_of(key)))

    def _operate(self, statement: str, parameters: Sequence[object]) -> None:
        self._execute(statement, parameters)
        self._operator_changes += 1

    def put_products(self, products: Iterable[Product]) -> None:
        version = self._one("next_catalogue", ())[0]
        newest = {product.id: product for product in products}  # one statement cannot put the same id twice
        for identifier in sorted(newest):
            self._put("put_products", (identifier, version, json_of(newest[identifier])))
        self._send()
        self._operator_changes += 1

    def add_consents(self, counts: Iterable[ConsentCount]) -> None:
        """In one order everywhere: processes that count at the same time never wait for each other in a circle."""
        for day, banner, has_gpc, answer, visits in sorted(map(msgspec.structs.astuple, counts)):
            self._put("add_consents", (day, banner, int(has_gpc), answer, visits))
        self._send()

    def retire_consents(self, before_day: str) -> None:
        self._execute("retire_consents", (before_day,))

    def meet(self, key: int, at: int) -> None:
        self._met.setdefault(key, at)

    def tell_change(self) -> None:
        self._operator_changes += 1

    def add_audit(self, entry: AuditEntry) -> None:
        self._execute("add_audit", (entry.at, entry.by, entry.act, entry.what, entry.detail))

    def add_note(self, note: Note) -> bool:
        return self._execute("add_note", (note.once, note.at, json_of(note))).fetchone() is not None

    def add_rule_counts(self, counts: Iterable[RuleCount]) -> None:
        """In one order everywhere, as visits by consent."""
        for row in sorted(map(msgspec.structs.astuple, counts)):
            self._put("add_rule_counts", row)
        self._send()

    def retire_rule_counts(self, before_hour: int) -> None:
        self._execute("retire_rule_counts", (before_hour,))


def fold(connection: Connection, most: int) -> int:
    """A bounded step of the feed, lane by lane, into totals and events seen; how many changes it took."""
    taken = 0
    for (lane,) in connection.execute(SQL["find_lanes"]).fetchall():
        if taken >= most:
            break
        rows = connection.execute(SQL["find_changes"], {"lane": lane, "most": most - taken}).fetchall()
        totals: dict[tuple[str, str], tuple[int, int]] = defaultdict(lambda: (0, 0))
        seen: dict[str, tuple[int, int, int]] = {}
        for _, day, name, count, value, times, first_at, last_at in sorted(rows):
            before = totals[day, name]
            totals[day, name] = (before[0] + count, before[1] + value)
            if times:
                known = seen.get(name, (first_at, last_at, 0))
                seen[name] = (min(known[0], first_at), max(known[1], last_at), known[2] + times)
        sums = sorted((day, name, *total) for (day, name), total in totals.items())
        for piece in in_pieces("put_totals", sums):
            raw(connection).execute(*piece)
        for piece in in_pieces("put_seen_events", sorted((name, *moments) for name, moments in seen.items())):
            raw(connection).execute(*piece)
        taken += len(rows)
    return taken


def rebuild_totals(connection: Connection) -> None:
    """From the events alone, of days that are whole; the others keep what was folded, and what waits in the feed."""
    connection.execute(SQL["hold_totals"])
    [(since_at,)] = connection.execute(SQL["hold_whole_since"]).fetchall()
    connection.execute(SQL["forget_totals"], (day_of(since_at // DAY),))
    connection.execute(SQL["forget_changes"], (day_of(since_at // DAY),))
    connection.execute(SQL["rebuild_totals"], (since_at,))
    connection.execute(SQL["add_erased_totals"], (day_of(since_at // DAY),))


def _by_lane(item: tuple[int, int]) -> tuple[int, int]:
    return lane_of(item[0]), item[0]
