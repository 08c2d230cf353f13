"""A whole installation moved from SQLite to PostgreSQL and back: nothing lost, nothing changed, and that is proven."""

from __future__ import annotations

import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.building import decided
from tests.contract.stored import DEVICE, NOW, PHONE, USER, exposure, quick_folder, written
from tests.contract.test_storage_experiments import experiment
from tests.contract.test_storage_learnings import draft
from tests.contract.test_storage_measuring import SEED, measured
from tests.postgres_server import Postgres
from tests.serving import environment
from tests.storage.test_storage_properties import operations, plain, play, recall_all

from opportune.app.house import opened_house
from opportune.app.moving import opened_for_moving
from opportune.core.history.key import business_key_of, key_of, lane_of
from opportune.core.moment import HOUR, MINUTE, to_iso
from opportune.core.note import Note
from opportune.core.product import Product
from opportune.core.situation import Context
from opportune.errors import BadRequestError, DataFolderBusyError, HalfMovedError
from opportune.process.place import Place
from opportune.services import moving
from opportune.services.authorizing import authorize
from opportune.services.capturing import CaptureSource, capture
from opportune.services.catalogue.cataloguing import put_products
from opportune.services.comparing import Compared, compare
from opportune.services.deciding import Question
from opportune.services.explaining import explain_token, replay_token
from opportune.services.house import House
from opportune.services.moving import Store, finish, move
from opportune.services.operating import add_key, switch_off, switch_on
from opportune.services.people.erasing import erase
from opportune.services.people.identifying import find_people
from opportune.services.publishing import publish
from opportune.storage.base import ConsentCount, EventQuery, RuleCount, Storage
from opportune.storage.moving import TABLES
from opportune.storage.postgres import moving as postgres_moving

BROWSER, SERVER = CaptureSource(name="site"), CaptureSource(name="backend", is_secret=True)
PLAYBOOK = {
    "team.yaml": "owner: Mia\nreviewer: Tom\npurpose: Help\nsafety limit: none\nrollback: by hand\n",
    "slots/hero.yaml": "slot: home hero\ntype: text\nfallback: Welcome\nvariants:\n  Shoes: More {category}\n",
    "rules/returner.yaml": "rule: Returner\nwhen: a visitor viewed the same category at least 2 times in 7 days\n"
    "show:\n  home hero: Shoes\ntest: half and half, on added to cart, for 7 weeks\n",
}
VISITORS = tuple(f"v-{number}" for number in range(12))
KEYS = (
    *(key_of("anonymous", visitor) for visitor in VISITORS),
    *(key_of("user", f"u-{n}") for n in range(3)),
)
WRITE_KEY = "a-public-write-key"


class Clock:
    now = NOW

    def __call__(self) -> int:
        self.now += 1
        return self.now


def silent(_done: int, _of: int) -> None: ...


def folder_at(path: Path) -> Place:
    return Place(path)


def database_at(url: str) -> Place:
    return Place(Path(), url)


def opened(place: Place) -> Any:
    return opened_house(place)


@contextmanager
def both(source: Place, target: Place) -> Iterator[tuple[Store, Store]]:
    with opened_for_moving(source) as ours, opened_for_moving(target) as theirs:
        yield ours, theirs


def moved(source: Place, target: Place) -> Compared:
    """All of it, compared, and given free."""
    with both(source, target) as (ours, theirs):
        move(ours, theirs, silent)
        compared = compare(ours, theirs, silent, Random(1))
        if not compared.differences:
            finish(theirs)
        return compared


# -- an installation that has seen everything -------------------------------------------------


def send(house: House, source: CaptureSource, *messages: dict[str, Any]) -> None:
    capture(house, source, [{"timestamp": to_iso(house.clock()), **message} for message in messages]).result()


def view(visitor: str, number: int) -> dict[str, Any]:
    properties = {"product_id": f"p-{number}", "category": "shoes", "price": 9.5}
    return {"type": "track", "event": "Product Viewed", "anonymousId": visitor, "properties": properties}


def order(visitor: str, **other: Any) -> dict[str, Any]:
    """Another version of it each time."""
    properties = {"order_id": f"of {visitor}", "revenue": 49.9, **other}
    return {"type": "track", "event": "Order Completed", "anonymousId": visitor, "properties": properties}


def ask(house: House, visitor: str) -> str:
    question = Question(anonymous_id=visitor, slots=("home-hero",), context=Context(page_path="/ünïcode"))
    token = decided(house, question).decisions[0].token
    house.storage.write(lambda _: None).result()
    return token


def fill(house: House) -> list[str]:
    """Links, an alias, orders with better versions, traits, tests, set aside events, acts; decisions' tokens."""
    house.clock = Clock()
    house.deadline_seconds = 10
    add_key(house, kind="write", name="site", value=WRITE_KEY)
    publish(house, PLAYBOOK)
    for visitor in VISITORS:
        send(house, BROWSER, view(visitor, 1), view(visitor, 2), order(visitor))
    for visitor in VISITORS[-2:]:
        ask(house, visitor)
    tokens = [ask(house, visitor) for visitor in VISITORS[:-2]]
    for number in range(3):
        traits = {"plan": "gold", "age": 30 + number}
        who = {"userId": f"u-{number}", "anonymousId": VISITORS[number]}
        send(house, SERVER, {"type": "identify", **who, "traits": traits})
        send(house, SERVER, {"type": "identify", **who, "traits": {"plan": "silver"}})
        send(house, SERVER, order(VISITORS[number], revenue=12))
    send(house, SERVER, {"type": "alias", "userId": "u-0", "previousId": "u-1"})
    send(house, BROWSER, {"type": "track", "anonymousId": "v-0"}, {"type": "track", "event": "Nobody's"})
    publish(house, PLAYBOOK | {"slots/hero.yaml": PLAYBOOK["slots/hero.yaml"].replace("Welcome", "Hello")})
    [given] = house.storage.list_exposures([KEYS[5]])
    written(house.storage, lambda transaction: transaction.mark_shown(given, house.clock()))
    put_products(house, [Product(id=f"p-{n}", name="Schuh", price=990, rating=4.5) for n in range(9)])
    written(house.storage, lambda transaction: transaction.put_experiment(experiment()))
    written(house.storage, lambda transaction: transaction.put_draft(draft()))
    visits = [ConsentCount("2026-11-22", "cookiebot", has_gpc, "no", 7) for has_gpc in (False, True)]
    written(house.storage, lambda transaction: transaction.add_consents(visits))
    note = Note(
        at=NOW, kind="switched off", words="“Größe 44” was switched off.", once="a", rules=("Größe 44",)
    )
    written(house.storage, lambda transaction: transaction.add_note(note))
    told = [RuleCount(NOW // HOUR * HOUR, "Returner/1", "home-hero", what, 7) for what in ("shown", "failed")]
    written(house.storage, lambda transaction: transaction.add_rule_counts(told))
    written(house.storage, lambda transaction: transaction.put_measured(measured()))
    written(house.storage, lambda transaction: transaction.add_erased_sums(SEED, measured().cells))
    for visitor in ("v-10", "v-11"):
        erase(house, find_people(house.storage, visitor))
    switch_off(house, reason="to see", by="Mia")
    switch_on(house, by="Mia")
    return tokens


def answers_of(storage: Storage) -> dict[str, object]:
    """Everything a store says, but for the head that a decision notes: it may be a later one after a move."""
    recalled = [
        storage.recall([key], now=NOW + MINUTE, as_of=as_of) for key in KEYS for as_of in (None, 20, 60, 90)
    ]
    return {
        "recalled": plain([msgspec.structs.replace(found, seq=0) for found in recalled]),
        "events": storage.list_events(EventQuery(limit=1_000)),
        "of a person": storage.list_events(EventQuery(keys=KEYS[:3], limit=1_000)),
        "exposures": storage.list_exposures(KEYS, limit=1_000),
        "opportunities": storage.list_opportunities(KEYS, limit=1_000),
        "ids": [storage.find_key_id(key) for key in KEYS],
        "keys": [storage.list_person_keys(key) for key in KEYS],
        "set aside": storage.list_set_aside(),
        "experiments": storage.list_experiments(),
        "learnings": storage.list_learnings(),
        "measured": storage.find_measured(SEED),
        "erased sums": storage.find_erased_sums(SEED),
        "seen": storage.list_seen_events(),
        "totals": storage.list_totals("1900", "2100"),
        "playbooks": storage.list_playbooks(),
        "run states": storage.list_run_states(),
        "api keys": storage.list_api_keys(),
        "audit": storage.list_audit(),
        "products": storage.list_products(),
        "visits by consent": storage.list_consents("", "9"),
        "notes": storage.list_notes(),
        "rule counts": storage.list_rule_counts(0, 2**62),
        "erasures": storage.list_erasures(),
        "erased units": storage.list_erased_units(),
        "secret": storage.find_setting("secret"),
        "changed": storage.changed_at(),
    }


@pytest.fixture
def folder() -> Iterator[Path]:
    with quick_folder() as quick:
        yield quick


@pytest.fixture
def source(folder: Path) -> Place:
    place = folder_at(folder / "source")
    with opened(place) as house:
        fill(house)
    return place


def test_there_and_back_everything_is_as_it_was(folder: Path, postgres_url: str) -> None:
    source, target, back = folder_at(folder / "a"), database_at(postgres_url), folder_at(folder / "b")
    with opened(source) as house:
        tokens = fill(house)
        expected = answers_of(house.storage)
        receipts = [explain_token(house, token).receipt.to_json() for token in tokens]
    there, again = moved(source, target), moved(target, back)
    assert (there.differences, again.differences) == ((), ())
    assert there.rows == again.rows
    assert all(count for count, _ in there.rows.values()), "the test's store has an empty table"
    assert there.receipts >= 5
    for place in (target, back):
        with opened(place) as house:
            assert answers_of(house.storage) == expected
            assert authorize(house, WRITE_KEY).name == "site"
            assert [explain_token(house, token).receipt.to_json() for token in tokens] == receipts
            assert all(replay_token(house, token).is_equal for token in tokens)


def test_life_goes_on_at_the_target(source: Place, folder: Path, postgres_url: str) -> None:
    back = folder_at(folder / "b")
    for here, there in ((source, database_at(postgres_url)), (database_at(postgres_url), back)):
        moved(here, there)
        with opened(there) as house:
            house.clock = Clock()
            house.clock.now += MINUTE
            known = {found.seq for found in house.storage.list_events(EventQuery(limit=1_000))}
            before = house.storage.recall([KEYS[0]], now=NOW + MINUTE)
            send(house, SERVER, order("v-9", revenue=house.clock()), view("v-0", 3))
            send(house, SERVER, {"type": "track", "userId": "u-1", "event": "Signed Up"}, {"type": "track"})
            publish(house, PLAYBOOK)
            after = house.storage.recall([KEYS[0]], now=NOW + MINUTE)
            assert after.seq > before.seq
            now_known = {found.seq for found in house.storage.list_events(EventQuery(limit=1_000))}
            assert len(now_known - known) >= 2
            assert min(now_known - known) > max(known)
            ids = [found.id for found in house.storage.list_set_aside()]
            assert len(ids) == len(set(ids)) >= 3
            [playbook, *_] = house.storage.list_playbooks()
            assert playbook.files == PLAYBOOK


@settings(max_examples=5)
@given(st.lists(operations, max_size=30))
def test_whatever_was_done_to_a_store_can_be_moved(
    postgres_server: Postgres, script: list[tuple[str, object]]
) -> None:
    name = "opportune_test_moved_scripts"
    with quick_folder() as folder, ExitStack() as stack:
        url = postgres_server.make_database(name)
        stack.callback(postgres_server.drop_database, name)
        source, target, back = folder_at(folder / "a"), database_at(url), folder_at(folder / "b")
        with opened(source) as house:
            for kind, value in script:
                play(house.storage, kind, value)
        assert not moved(source, target).differences
        assert not moved(target, back).differences
        said = []
        for place in (source, target, back):
            with opened(place) as house:
                found = [one for as_of in (None, 3, 10) for one in recall_all(house.storage, as_of)]
                told = plain([msgspec.structs.replace(one, seq=0) for one in found])
                said.append((told, [house.storage.list_person_keys(key) for key in (DEVICE, PHONE, USER)]))
        assert said[0] == said[1] == said[2]


def test_a_receipt_nobody_can_read_any_more_is_moved_as_it_is(folder: Path, postgres_url: str) -> None:
    source, target, receipt = folder_at(folder / "a"), database_at(postgres_url), b'{"of":"an older version"}'
    with opened(source) as house:
        written(house.storage, lambda transaction: transaction.add_exposures([exposure(receipt=receipt)]))
    compared = moved(source, target)
    assert (compared.differences, compared.receipts) == ((), 1)
    with opened(target) as house:
        assert [found.receipt for found in house.storage.list_exposures([DEVICE])] == [receipt]


# -- stopped half way -------------------------------------------------------------------------


class Killed(Exception):  # noqa: N818 - not an error of ours
    pass


def kill_at(step: int) -> Any:
    """Ends the move at one of its pages."""
    calls = 0

    def notice(_done: int, _of: int) -> None:
        nonlocal calls
        calls += 1
        if calls == step:
            raise Killed

    return notice


@pytest.mark.parametrize("is_back", [False, True], ids=["to PostgreSQL", "to SQLite"])
def test_a_move_that_was_killed_goes_on_where_it_stopped(
    source: Place, folder: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch, *, is_back: bool
) -> None:
    target = database_at(postgres_url)
    if is_back:
        moved(source, target)
        source, target = target, folder_at(folder / "b")
    monkeypatch.setattr(moving, "PAGE_ROWS", 7)
    done: list[int] = []
    for _ in range(40):
        with both(source, target) as (ours, theirs):
            try:
                move(ours, theirs, kill_at(5))
                break
            except Killed:
                done.append(msgspec.json.decode(theirs.tables.find_mark() or "{}")["done"])
        with pytest.raises(HalfMovedError), opened(target):
            pass
    assert done == sorted(set(done))
    assert len(done) > 3
    assert not moved(source, target).differences
    with opened(source) as ours, opened(target) as theirs:
        assert answers_of(theirs.storage) == answers_of(ours.storage)


KILLED = """
import os, signal, sys
from opportune.app.moving import opened_for_moving
from opportune.process.place import place_from
from opportune.services import moving
moving.PAGE_ROWS = 11
def notice(done, of):
    if done > of / 2:
        os.kill(os.getpid(), signal.SIGKILL)
with opened_for_moving(place_from(sys.argv[1])) as source, opened_for_moving(place_from(sys.argv[2])) as target:
    moving.move(source, target, notice)
"""


@pytest.mark.parametrize("is_back", [False, True], ids=["to PostgreSQL", "to SQLite"])
def test_a_killed_process_leaves_what_it_had_committed(
    source: Place, folder: Path, postgres_url: str, *, is_back: bool
) -> None:
    target = database_at(postgres_url)
    if is_back:
        moved(source, target)
        source, target = target, folder_at(folder / "b")
    command = [sys.executable, "-c", KILLED, source.name, target.name]
    ended = subprocess.run(command, env=environment(), timeout=60, check=False)
    assert ended.returncode == -signal.SIGKILL
    with both(source, target) as (_, theirs):
        assert sum(theirs.tables.count(table) for table in TABLES) > 50
    assert not moved(source, target).differences


def test_a_page_written_twice_is_there_once(source: Place, postgres_url: str) -> None:
    with both(source, database_at(postgres_url)) as (ours, theirs):
        for table in TABLES:
            page = ours.tables.read(table, None, 5)
            theirs.tables.write(table, page.rows, "again")
            theirs.tables.write(table, page.rows, "again")
            assert theirs.tables.count(table) == len(page.rows) + (table.name == "settings")
        back = source.data / "copy"
        with opened_for_moving(folder_at(back)) as copy:
            for table in TABLES:
                page = ours.tables.read(table, None, 5)
                copy.tables.write(table, page.rows, "again")
                copy.tables.write(table, page.rows, "again")
                assert [list(row) for row in copy.tables.read(table, None, 5).rows] == [
                    list(row) for row in page.rows
                ] or table.name == "settings"


def test_half_a_store_is_no_source_and_another_source_does_not_go_on_with_it(
    source: Place, folder: Path, postgres_url: str
) -> None:
    target, other = database_at(postgres_url), folder_at(folder / "other")
    with opened(other):
        pass
    with both(source, target) as (ours, theirs), pytest.raises(Killed):
        move(ours, theirs, kill_at(3))
    with pytest.raises(HalfMovedError):
        moved(target, folder_at(folder / "c"))
    with pytest.raises(BadRequestError, match="part of another move"):
        moved(other, target)
    with opened(source) as house:
        switch_off(house)
    with pytest.raises(BadRequestError, match="was written to"):
        moved(source, target)


def test_what_is_not_empty_is_no_target(source: Place, folder: Path, postgres_url: str) -> None:
    target = database_at(postgres_url)
    with opened(target):
        pass
    with pytest.raises(BadRequestError, match="not empty"):
        moved(source, target)
    with pytest.raises(BadRequestError, match="nothing to move"):
        moved(folder_at(folder / "new"), folder_at(folder / "newer"))


def test_nobody_works_on_either_side_meanwhile(
    source: Place, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_moving, "LAST_GOODBYE_SECONDS", 0.3)
    target = database_at(postgres_url)
    with source.folder.lock(), pytest.raises(DataFolderBusyError), opened_for_moving(source):
        pass
    with (
        opened_for_moving(target),
        pytest.raises(BadRequestError, match="Another move"),
        opened_for_moving(target),
    ):
        pass
    with opened(target) as house:
        house.storage.list_audit()
        with pytest.raises(BadRequestError, match="stop them first"), opened_for_moving(target):
            pass


# -- comparing --------------------------------------------------------------------------------

CHANGES = {
    "traits": ("UPDATE traits SET line = replace(line, 'silver', 'bronze')", "differs in line"),
    "events": ("DELETE FROM events WHERE seq = (SELECT min(seq) FROM events)", "missing in the target"),
    "settings": (
        "INSERT INTO settings (name, value) VALUES ('other', 'x')",
        "name other: only in the target",
    ),
    "playbooks": ("UPDATE playbooks SET published_at = published_at + 1 WHERE id = 1", "id 1: differs in"),
    "bodies": (
        "UPDATE bodies SET until_seq = 3 WHERE seq = (SELECT min(seq) FROM bodies)",
        "differs in until_seq",
    ),
}


@pytest.mark.parametrize("table", CHANGES)
@pytest.mark.parametrize("is_back", [False, True], ids=["in PostgreSQL", "in SQLite"])
def test_a_changed_row_is_found_and_named(
    source: Place, folder: Path, postgres_url: str, table: str, *, is_back: bool
) -> None:
    target = folder_at(folder / "b") if is_back else database_at(postgres_url)
    statement, said = CHANGES[table]
    with both(source, target) as (ours, theirs):
        move(ours, theirs, silent)
        change(target, statement)
        found = compare(ours, theirs, silent, Random(1)).differences
    assert found[0].startswith(f"{table}: ")
    assert said in found[1]
    with pytest.raises(HalfMovedError), opened(target):
        pass


def test_a_receipt_that_says_something_else_is_found_twice(source: Place, postgres_url: str) -> None:
    target = database_at(postgres_url)
    with both(source, target) as (ours, theirs):
        move(ours, theirs, silent)
        change(target, "UPDATE exposures SET receipt = (SELECT min(receipt) FROM exposures)")
        found = compare(ours, theirs, silent, Random(1)).differences
    assert found[0].startswith("exposures: ")
    assert any("decided again" in difference for difference in found)


def change(place: Place, statement: str) -> None:
    if place.database:
        with psycopg.connect(place.database, autocommit=True) as connection:
            assert connection.execute(statement).rowcount > 0
    else:
        with closing(sqlite3.connect(place.folder.store, isolation_level=None)) as file:
            assert file.execute(statement).rowcount > 0


# -- nothing is forgotten ---------------------------------------------------------------------

NOT_MOVED = {
    "persons": "made anew from what is known of them",
    "counters": "go on after the source's",
    "product_pairs": "counted anew from the events",
    "product_counts": "counted anew from the events",
    "recounts": "each store's own",
    "changes": "folded into totals before",
    "receipts": "part of exposures",
    "leases": "of running servers",
    "met": "of running servers",
    "layout": "each store's own",
    "sqlite_sequence": "SQLite's own",
}


def columns_in(place: Place) -> dict[str, set[str]]:
    """By table; parts of a table are left out."""
    with opened(place):
        pass
    found: dict[str, set[str]] = {}
    if place.database:
        asked = """SELECT relname, attname FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
            WHERE relkind IN ('r', 'p') AND NOT relispartition AND attnum > 0 AND NOT attisdropped
                AND relnamespace = current_schema()::regnamespace"""
        with psycopg.connect(place.database) as connection:
            rows = connection.execute(asked).fetchall()
    else:
        asked = "SELECT t.name, c.name FROM sqlite_schema AS t, pragma_table_info(t.name) AS c WHERE t.type = 'table'"
        with closing(sqlite3.connect(place.folder.store)) as file:
            rows = file.execute(asked).fetchall()
    for table, column in rows:
        found.setdefault(table, set()).add(column)
    return found


def test_every_table_and_column_of_both_stores_is_moved_or_named_as_not(
    folder: Path, postgres_url: str
) -> None:
    ours, theirs = columns_in(folder_at(folder / "a")), columns_in(database_at(postgres_url))
    known = {table.name: set(table.columns) for table in TABLES}
    assert ours.keys() - NOT_MOVED.keys() == theirs.keys() - NOT_MOVED.keys() == known.keys()
    for name, columns in known.items():
        assert theirs[name] == columns, f"{name} in PostgreSQL"
        lacking = {"bodies": {"lane"}, "business_keys": {"lane"}, "exposures": {"receipt"}}.get(name, set())
        assert ours[name] == columns - lacking, f"{name} in SQLite"


def test_the_lane_of_an_order_is_that_of_its_own_key(source: Place) -> None:
    [table] = [table for table in TABLES if table.name == "business_keys"]
    with opened_for_moving(source) as store:
        rows = store.tables.read(table, None, 100).rows
    assert rows
    assert all(row[0] == lane_of(business_key_of(row[1], row[2])) for row in rows)


def test_pages_in_any_size_give_every_row_once(source: Place, postgres_url: str) -> None:
    with both(source, database_at(postgres_url)) as (ours, theirs):
        move(ours, theirs, silent)
        for store in (ours, theirs):
            for table in TABLES:
                whole = store.tables.read(table, None, 10_000).rows
                page, found = store.tables.read(table, None, 3), []
                while page.rows:
                    found += page.rows
                    page = store.tables.read(table, page.after, 3)
                assert found == list(whole)
                assert len(found) == store.tables.count(table)


def test_a_page_is_found_by_the_tables_own_order(source: Place) -> None:
    """Else each page of a large table would cost a walk through all of it."""
    with opened_for_moving(source) as store:
        seen: list[str] = []
        store.tables._connection.set_trace_callback(seen.append)  # type: ignore[attr-defined]  # SQLite's
        for table in TABLES:
            page = store.tables.read(table, None, 2)
            if page.rows:
                store.tables.read(table, page.after, 2)
        for text in [
            text for text in seen if re.search(r"\bORDER BY .* LIMIT", text) and "pragma" not in text
        ]:
            asked = f"EXPLAIN QUERY PLAN {text}"
            plan = store.tables._connection.execute(asked).fetchall()  # type: ignore[attr-defined]  # SQLite's
            assert not any("TEMP B-TREE" in row[3] for row in plan), (text, plan)
            assert " WHERE " not in text or any("SEARCH" in row[3] for row in plan), (text, plan)
