"""The log's promises, searched for counterexamples: on memory, SQLite and PostgreSQL, and between them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from uuid import uuid4

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from tests.contract.stored import (
    DAY,
    DEVICE,
    HOUR,
    NOW,
    PHONE,
    USER,
    event,
    exposure,
    opportunity,
    quick_folder,
    written,
)
from tests.postgres_server import Postgres
from tests.searching import examples

from opportune.core.history.link import FOREVER, Link
from opportune.core.rule import RunState
from opportune.core.situation import Assignment, Trait
from opportune.storage.base import (
    BusinessKey,
    EventQuery,
    EventRow,
    Exposure,
    Opportunity,
    Recollection,
    Storage,
    Transaction,
)
from opportune.storage.memory import MemoryStorage
from opportune.storage.postgres import PostgresStorage
from opportune.storage.sqlite import SqliteStorage

EXAMPLES = examples(15)
KEYS = (DEVICE, PHONE, USER)
ASKED = ((DEVICE,), (PHONE,), (USER,), (DEVICE, USER), (PHONE, DEVICE))


@contextmanager
def memory() -> Iterator[Storage]:
    yield MemoryStorage()


@contextmanager
def sqlite() -> Iterator[Storage]:
    with quick_folder() as folder:
        storage = SqliteStorage(folder / "opportune.db")
        try:
            yield storage
        finally:
            storage.close()


@contextmanager
def database(server: Postgres, layout: str) -> Iterator[str]:
    """The URL of a database that has its tables and nothing in them."""
    name = f"opportune_search_{uuid4().hex}"
    try:
        yield server.make_database(name, template=layout)
    finally:
        server.drop_database(name)


Opening = Callable[[], AbstractContextManager[Storage]]


@pytest.fixture(scope="module", params=["memory", "postgres", "sqlite"])
def opening(request: pytest.FixtureRequest) -> Opening:
    """Opens a store with nothing in it, as often as examples are tried."""
    if request.param != "postgres":
        return {"memory": memory, "sqlite": sqlite}[request.param]
    server = request.getfixturevalue("postgres_server")
    layout = request.getfixturevalue("postgres_layout")

    @contextmanager
    def postgres() -> Iterator[Storage]:
        with database(server, layout) as url, closing(PostgresStorage(url)) as storage:
            yield storage

    return postgres


moments = st.integers(-100 * DAY, HOUR).map(lambda offset: NOW + offset)
names = st.sampled_from(["Page Viewed", "Product Viewed", "Order Completed"]) | st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=8
)
fact_values = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
    | st.lists(st.sampled_from(["p-1", "p-2"]), max_size=2)
)


@st.composite
def rows(draw: st.DrawFn) -> EventRow:
    return event(
        draw(st.sampled_from(KEYS)),
        at=draw(moments),
        name=draw(names),
        event_class=draw(st.sampled_from([0, 1, 1, 2])),
        source=draw(st.sampled_from(["browser", "server"])),
        message_id=draw(st.sampled_from("abcdefgh")),
        value=draw(st.integers(0, 10_000)),
        **draw(st.dictionaries(st.sampled_from(["product", "path", "on"]), fact_values, max_size=3)),
    )


def take_once(row: EventRow) -> Callable[[Transaction], bool]:
    """A capture in small: a message known within a day around is not taken again."""

    def job(transaction: Transaction) -> bool:
        [recent] = transaction.find_recent([(row.key, row.occurred_at - DAY, row.occurred_at + DAY)])
        if row.message in recent.messages:
            return False
        transaction.append_event(row)
        return True

    return job


def recall_all(storage: Storage, as_of: int | None = None) -> list[Recollection]:
    return [storage.recall(keys, now=NOW, as_of=as_of) for keys in ASKED]


def recall_again(storage: Storage, known: list[Recollection]) -> list[Recollection]:
    """Each as of its own newest commit."""
    return [
        storage.recall(keys, now=NOW, as_of=before.seq) for keys, before in zip(ASKED, known, strict=True)
    ]


def seen_of(storage: Storage) -> object:
    """Everything a store answers, in a form that can be compared between adapters."""
    return [
        plain(recall_all(storage)),
        storage.list_events(EventQuery(limit=500)),
        storage.list_events(EventQuery(keys=(DEVICE, USER), limit=500)),
        storage.list_exposures(KEYS),
        storage.list_opportunities(KEYS),
        storage.list_seen_events(),
        storage.list_totals("1900-01-01", "2100-01-01"),
        storage.list_run_states(),
        storage.list_set_aside(),
        [storage.list_person_keys(key) for key in KEYS],
        storage.changed_at(),
    ]


def plain(recollections: list[Recollection]) -> object:
    """Sequences of any kind as lists."""
    return msgspec.json.decode(msgspec.json.encode(recollections))


@settings(max_examples=EXAMPLES)
@given(st.lists(rows(), max_size=12), st.randoms(use_true_random=False))
def test_duplicates_change_nothing(opening: Opening, events: list[EventRow], random: object) -> None:
    with opening() as storage:
        for row in events:
            written(storage, take_once(row))
        before = seen_of(storage)
        again = list(events)
        random.shuffle(again)
        assert not any(written(storage, take_once(row)) for row in again)
        assert seen_of(storage) == before


def told_of(storage: Storage) -> list[object]:
    """The history itself, without the numbers that the order of arrival gave."""
    history: list[object] = []
    for key in KEYS:
        found = storage.recall((key,), now=NOW).events[key]
        history.append([(item.occurred_at, item.name, item.source, item.facts) for item in found])
    return history


@settings(max_examples=EXAMPLES)
@given(
    st.lists(rows(), max_size=12, unique_by=lambda row: row.occurred_at), st.randoms(use_true_random=False)
)
def test_any_order_of_arrival_gives_the_same_history(
    opening: Opening, events: list[EventRow], random: object
) -> None:
    with opening() as first, opening() as second:
        for row in events:
            written(first, lambda transaction, row=row: transaction.append_event(row))
        shuffled = list(events)
        random.shuffle(shuffled)
        written(second, lambda transaction: [transaction.append_event(row) for row in shuffled])
        assert told_of(first) == told_of(second)
        assert first.list_totals("1900", "2100") == second.list_totals("1900", "2100")


class Script:
    """Operations as plain data, so that one list can be played on several stores."""

    def __init__(self, operations: list[tuple[str, object]]) -> None:
        self.operations = operations

    def play(self, storage: Storage) -> None:
        for kind, value in self.operations:
            play(storage, kind, value)


def play(storage: Storage, kind: str, value: object) -> object:
    job = JOBS[kind]
    try:
        return written(storage, lambda transaction: job(transaction, value))
    except RuntimeError as error:
        return str(error)


def append(transaction: Transaction, row: EventRow) -> int:
    return transaction.append_event(row)


def supersede(transaction: Transaction, row: EventRow) -> int:
    """A better version of the order named like the key."""
    known = transaction.find_business_key("Order Completed", str(row.key))
    if known is not None:
        transaction.supersede_event(known)
    seq = transaction.append_event(row)
    transaction.put_business_key(
        BusinessKey(
            event="Order Completed",
            value=str(row.key),
            key=row.key,
            event_class=row.event_class,
            occurred_at=row.occurred_at,
            seq=seq,
            is_verified=True,
        )
    )
    return seq


def link(transaction: Transaction, keys: tuple[int, int]) -> None:
    """As capture does it: the newest stretch of a key goes to another person."""
    key, person = keys
    if key == person:
        return
    in_force = [item for item in transaction.list_links(key) if item.until_seq == FOREVER]
    if any(item.person == person and item.to_seq == FOREVER for item in in_force):
        return
    seq = transaction.append_event(event(key, name="Identified"))
    for item in in_force:
        if item.to_seq == FOREVER:
            transaction.close_link(item, seq)
            transaction.add_link(Link(key, item.person, item.from_seq, seq, seq))
    transaction.add_link(Link(key, person, seq if in_force else 0, FOREVER, seq))


def unlink(transaction: Transaction, keys: tuple[int, int]) -> None:
    seq = transaction.append_event(event(keys[0], name="Unlinked"))
    for item in transaction.list_links(keys[0]):
        if item.until_seq == FOREVER:
            transaction.close_link(item, seq)


def put_traits(transaction: Transaction, value: tuple[int, dict[str, Trait]]) -> None:
    transaction.put_traits(*value)


def expose(transaction: Transaction, value: Exposure) -> None:
    transaction.add_exposures([value])


def show(transaction: Transaction, value: Exposure) -> None:
    transaction.mark_shown(value, value.at + 7)


def ask(transaction: Transaction, value: Opportunity) -> None:
    transaction.add_opportunities([value])


def assign(transaction: Transaction, value: Assignment) -> None:
    transaction.add_assignments(value.unit, [value])


def operate(transaction: Transaction, state: RunState) -> None:
    transaction.put_run_state(state)


def fail(transaction: Transaction, row: EventRow) -> None:
    transaction.append_event(row)
    transaction.put_traits(row.key, {"broken": Trait(True, "browser", NOW)})
    transaction.add_exposures([exposure(row.key, arm="broken")])
    transaction.add_link(Link(row.key, 5))
    raise RuntimeError("half way")


JOBS: dict[str, Callable[[Transaction, object], object]] = {
    "append": append,
    "supersede": supersede,
    "link": link,
    "unlink": unlink,
    "traits": put_traits,
    "expose": expose,
    "show": show,
    "ask": ask,
    "assign": assign,
    "operate": operate,
    "fail": fail,
}

keys = st.sampled_from(KEYS)
pairs = st.tuples(keys, keys)
traits = st.builds(Trait, fact_values, st.sampled_from(["browser", "server"]), st.integers(NOW, NOW + 3))
exposures = st.builds(
    lambda unit, session, arm, at: exposure(unit, session=session, arm=arm, at=at),
    keys,
    st.integers(1, 3),
    st.sampled_from(["control", "treatment"]),
    moments,
)
operations = st.one_of(
    st.tuples(st.just("append"), rows()),
    st.tuples(st.just("supersede"), rows()),
    st.tuples(st.just("link"), pairs),
    st.tuples(st.just("unlink"), pairs),
    st.tuples(st.just("traits"), st.tuples(keys, st.dictionaries(st.sampled_from("ab"), traits, max_size=2))),
    st.tuples(st.just("expose"), exposures),
    st.tuples(st.just("show"), exposures),
    st.tuples(
        st.just("ask"),
        st.builds(
            lambda key, session, slot: opportunity(key, session=session, slot=slot),
            keys,
            st.integers(1, 3),
            st.sampled_from(["hero", "banner"]),
        ),
    ),
    st.tuples(
        st.just("assign"),
        st.builds(Assignment, st.sampled_from(["e1", "e2"]), st.sampled_from("ab"), st.integers(1, 2), keys),
    ),
    st.tuples(st.just("fail"), rows()),
)


@settings(max_examples=EXAMPLES)
@given(st.lists(operations, max_size=15), st.lists(operations, max_size=15))
def test_as_of_is_stable_whatever_arrives_later(
    opening: Opening, before: list[tuple[str, object]], after: list[tuple[str, object]]
) -> None:
    with opening() as storage:
        Script(before).play(storage)
        known = recall_all(storage)
        then = plain(recall_again(storage, known))
        Script(after).play(storage)
        assert plain(recall_again(storage, known)) == then


@settings(max_examples=EXAMPLES)
@given(st.lists(operations, max_size=20))
def test_as_of_the_head_tells_the_same_as_now(opening: Opening, script: list[tuple[str, object]]) -> None:
    with opening() as storage:
        Script(script).play(storage)
        known = recall_all(storage)
        for known_now, then in zip(known, recall_again(storage, known), strict=True):
            assert plain([msgspec.structs.replace(known_now, exposures=())]) == plain(
                [msgspec.structs.replace(then, exposures=())]
            )
            assert [(item.arm, item.session, item.shown_at) for item in known_now.exposures] == [
                (item.arm, item.session, item.shown_at) for item in then.exposures
            ]


@settings(max_examples=EXAMPLES)
@given(st.lists(operations, max_size=20))
def test_an_event_is_one_persons_only(opening: Opening, script: list[tuple[str, object]]) -> None:
    """Merging, sharing and undoing neither lose an event nor give it to two persons."""
    with opening() as storage:
        Script(script).play(storage)
        owners: dict[int, set[int]] = {}
        for key in KEYS:
            known = storage.recall((key,), now=NOW)
            person = storage.recall((known.person,), now=NOW)
            for found in person.events.values():
                for item in found:
                    owners.setdefault(item.seq, set()).add(person.person)
        assert all(len(persons) == 1 for persons in owners.values())


@settings(max_examples=EXAMPLES)
@given(st.lists(operations, max_size=20), st.integers(0, 20))
def test_totals_rebuilt_are_the_totals_folded(
    opening: Opening, script: list[tuple[str, object]], fold_at: int
) -> None:
    with opening() as storage:
        Script(script[:fold_at]).play(storage)
        storage.fold_totals()
        Script(script[fold_at:]).play(storage)
        incremental = storage.list_totals("1900", "2100")
        storage.rebuild_totals()
        assert storage.list_totals("1900", "2100") == incremental


def numbered_anew(storage: Storage) -> object:
    """What a store tells, its events numbered 0, 1, 2 in the order of their commits: stores number with gaps."""
    stored = storage.list_events(EventQuery(limit=500))
    place = {row.seq: number for number, row in enumerate(reversed(stored))}
    recollections = [
        msgspec.structs.replace(
            known,
            seq=0,
            events={
                key: [msgspec.structs.replace(item, seq=place[item.seq]) for item in found]
                for key, found in known.events.items()
            },
        )
        for known in recall_all(storage)
    ]
    return [
        plain(recollections),
        [msgspec.structs.replace(row, seq=place[row.seq]) for row in stored],
        [plain_rows(storage.list_exposures(KEYS)), plain_rows(storage.list_opportunities(KEYS))],
        [storage.list_seen_events(), storage.list_totals("1900", "2100")],
        [storage.list_person_keys(key) for key in KEYS],
    ]


def plain_rows(rows: Sequence[object]) -> list[object]:
    return [msgspec.to_builtins(row) for row in rows]


@settings(max_examples=EXAMPLES)
@given(st.lists(operations, max_size=20), st.integers(0, 20))
def test_every_store_tells_what_memory_tells(
    opening: Opening, script: list[tuple[str, object]], fold_at: int
) -> None:
    with opening() as storage, memory() as reference:
        for told in (storage, reference):
            Script(script[:fold_at]).play(told)
            told.fold_totals()
            Script(script[fold_at:]).play(told)
        assert numbered_anew(storage) == numbered_anew(reference)


class Agreement(RuleBasedStateMachine):
    """Memory and SQLite, told the same, answer the same."""

    @initialize()
    def open(self) -> None:
        self.closing = ExitStack()
        self.path = self.closing.enter_context(quick_folder()) / "opportune.db"
        self.memory: Storage = MemoryStorage()
        self.sqlite: Storage = SqliteStorage(self.path)

    @rule(operation=operations)
    def tell_both(self, operation: tuple[str, object]) -> None:
        assert play(self.memory, *operation) == play(self.sqlite, *operation)

    @rule(state=st.builds(RunState, rule=st.sampled_from("ab"), share=st.integers(0, 9)))
    def operate_both(self, state: RunState) -> None:
        play(self.memory, "operate", state)
        play(self.sqlite, "operate", state)

    @rule()
    def fold_both(self) -> None:
        self.memory.fold_totals()
        self.sqlite.fold_totals()

    @rule()
    def open_again(self) -> None:
        self.sqlite.close()
        self.sqlite = SqliteStorage(self.path)

    @rule(back=st.integers(0, 10))
    def recall_an_earlier_moment(self, back: int) -> None:
        as_of = max(0, self.memory.recall((DEVICE,), now=NOW).seq - back)
        assert plain(recall_all(self.memory, as_of)) == plain(recall_all(self.sqlite, as_of))

    @invariant()
    def they_agree(self) -> None:
        if hasattr(self, "sqlite"):
            assert seen_of(self.memory) == seen_of(self.sqlite)

    def teardown(self) -> None:
        if hasattr(self, "sqlite"):
            self.sqlite.close()
            self.closing.close()


Agreement.TestCase.settings = settings(max_examples=EXAMPLES, stateful_step_count=25)


class TestMemoryAndSqliteAgree(Agreement.TestCase):
    """Small on purpose; `make soak` searches longer."""
