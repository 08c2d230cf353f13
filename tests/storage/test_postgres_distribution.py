"""PostgreSQL over several machines: what is a person's lies in lanes, and statements say for which lanes they are."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from click.testing import CliRunner
from tests.contract.stored import DEVICE, NOW, PHONE, USER, append, event, events_of, exposure, written

from opportune.cli import opportune
from opportune.core.history.link import FOREVER, Link
from opportune.errors import BadRequestError, NotFoundError, UnreachableError
from opportune.storage import postgres
from opportune.storage.base import EventQuery
from opportune.storage.postgres import PostgresStorage
from opportune.storage.postgres.distribution import DISTRIBUTED, REFERENCE, distribute
from opportune.storage.postgres.statements import SQL

CITUS_VARIABLE = "OPPORTUNE_TEST_CITUS"
PACKAGE = Path(postgres.__file__).parent
INSPECTOR = "an operator looks through everybody's events; nobody's page waits for it"
SALES = "counts the week's orders in the background, a few rows of an index at a time"
MEASURES = "measures a test in the background, some lanes at a time"
TOTALS = "reads the feed of all lanes for a report, which a worker keeps short"
REBUILD = "totals are made anew, by hand, in one transaction"
FINDS_LANES = "tells in which lanes there is work, without a lock; the work is done lane by lane"
PARTS = "looks into or changes one partition as a whole, at most once a quarter"
OF_ONE_PERSON = (
    "an operator asks for somebody's things by what is not their key; seldom, and nobody's page waits for it"
)
OF_EVERYBODY = "a report over all visitors, when a person asks for it"
MOVE = "copies an installation while no server runs"
AT_START = "asked once when a server starts, and not again once anybody stated consent"
OF_ALL_LANES = {
    "has_trait": AT_START,
    "list_events": INSPECTOR,
    "list_versions": INSPECTOR,
    "get_body": INSPECTOR,
    "list_key_events": SALES,
    "list_acted": MEASURES,
    "list_exposed": MEASURES,
    "list_key_facts": MEASURES,
    "list_links_in_force": MEASURES,
    "list_seen_events": TOTALS,
    "list_totals": TOTALS,
    "hold_totals": REBUILD,
    "forget_changes": REBUILD,
    "rebuild_totals": REBUILD,
    "find_lanes": FINDS_LANES,
    "find_old_lane": FINDS_LANES,
    "find_lanes_of_old_keys": FINDS_LANES,
    "may_make_part": PARTS,
    "make_part": PARTS,
    "count_part": PARTS,
    "detach_part": PARTS,
    "drop_part": PARTS,
    "list_addressed": OF_ONE_PERSON,
    "list_share_business_keys": OF_ONE_PERSON,
    "list_erasures": OF_ONE_PERSON,
    "list_hidden": OF_EVERYBODY,
    "first_rows": MOVE,
    "next_rows": MOVE,
    "count_rows": MOVE,
    "put_rows": MOVE,
    "continue_ids": MOVE,
    "derive_persons": MOVE,
}
"""Statements that may go to every machine, and why."""

STATEMENTS = {
    name: text.replace(":table", "events").replace(":part", "events").replace("events_other", "events")
    for name, text in SQL.items()
}
NAMED = re.compile(rf"\b(?:FROM|JOIN|INTO|UPDATE|TABLE|OF)\s+({'|'.join(DISTRIBUTED)})\b")
LANE = re.compile(r"\blane = (?:%s|%\(lane\)s|\w+\.lane\b)")
PART = re.compile(r"\b(?=(?:SELECT|INSERT|UPDATE|DELETE|CREATE|ALTER|DROP|LOCK) )")


def tables_of(text: str) -> list[str]:
    return NAMED.findall(text)


def names_its_lanes(text: str) -> bool:
    """Whether each part of a statement says a lane for each of the persons' tables it names."""
    parts = [part for part in PART.split(text) if not part.startswith("UPDATE SET")]
    return all(
        re.search(r"INSERT INTO \w+ \(lane, [\w, ]+\)\s+VALUES :rows", part)
        or len(LANE.findall(part)) >= len(tables_of(part))
        for part in parts
    )


def test_only_what_is_named_here_goes_to_every_machine() -> None:
    assert {name for name, text in STATEMENTS.items() if not names_its_lanes(text)} == OF_ALL_LANES.keys()


def test_the_reading_of_statements_finds_what_it_looks_for() -> None:
    assert tables_of(STATEMENTS["list_events_of_keys"]) == ["events", "bodies"]
    assert names_its_lanes(STATEMENTS["list_events_of_keys"])
    assert not names_its_lanes("SELECT body FROM bodies JOIN events ON bodies.lane = events.lane")
    assert not names_its_lanes("DELETE FROM changes WHERE seq IN (SELECT seq FROM changes WHERE lane = %s)")
    assert not names_its_lanes("INSERT INTO keys (key, lane) VALUES :rows")


def test_what_goes_to_every_machine_locks_nobodys_rows() -> None:
    for name in OF_ALL_LANES:
        assert not re.search(r"\bFOR (?:NO KEY )?(?:UPDATE|SHARE)|SKIP LOCKED", SQL[name]), name


def test_lists_are_rows_and_neither_arrays_nor_copies() -> None:
    for name, text in STATEMENTS.items():
        assert not re.search(r"\bCOPY\b", text), name
        assert not tables_of(text) or "unnest" not in text, name


@pytest.fixture
def layout(postgres_store: str) -> Iterator[psycopg.Connection[tuple[str, ...]]]:
    with closing(psycopg.connect(postgres_store, autocommit=True)) as connection:
        yield connection


def test_every_table_is_declared_once(layout: psycopg.Connection[tuple[str, ...]]) -> None:
    found = layout.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"
        " AND NOT relispartition"
    ).fetchall()
    assert sorted(name for (name,) in found) == sorted([*DISTRIBUTED, *REFERENCE])


def test_what_is_a_persons_has_a_lane_and_nothing_else_has(
    layout: psycopg.Connection[tuple[str, ...]],
) -> None:
    found = layout.execute(
        "SELECT relname FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid"
        " WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition"
        " AND attname = 'lane' AND atttypid = 'bigint'::regtype AND attnotnull"
    ).fetchall()
    assert sorted(name for (name,) in found) == sorted(DISTRIBUTED)


def test_the_lane_is_in_everything_that_is_unique(layout: psycopg.Connection[tuple[str, ...]]) -> None:
    """Partitions are asked about too, since each has its own index."""
    found = layout.execute(
        "SELECT indexrelid::regclass::text, EXISTS (SELECT FROM pg_attribute"
        " WHERE attrelid = indrelid AND attnum = ANY (indkey) AND attname = 'lane')"
        " FROM pg_index WHERE indisunique"
        " AND coalesce(pg_partition_root(indrelid), indrelid) = ANY (%s::regclass[])",
        (list(DISTRIBUTED),),
    ).fetchall()
    assert len(found) > len(DISTRIBUTED)
    assert not [name for name, has_lane in found if not has_lane]


def test_partitions_have_one_level_as_citus_takes_no_more(
    layout: psycopg.Connection[tuple[str, ...]],
) -> None:
    asked = "SELECT relname FROM pg_class WHERE relkind = 'p' AND relispartition"
    assert layout.execute(asked).fetchall() == []


def test_without_citus_there_is_nothing_to_spread_over(postgres_store: str) -> None:
    with pytest.raises(NotFoundError, match="citus"):
        list(distribute(postgres_store))


def test_a_cluster_that_is_not_there_is_named_so(free_port: int) -> None:
    with pytest.raises(UnreachableError, match="refused"):
        list(distribute(f"postgresql://postgres@127.0.0.1:{free_port}/postgres"))


# -- on a real cluster ------------------------------------------------------------------------


@pytest.fixture
def cluster() -> Iterator[str]:
    """The URL of a schema of this test's own on the cluster's coordinator."""
    url = os.environ.get(CITUS_VARIABLE)
    if not url:
        pytest.skip(f"no cluster: give the URL of a database that has Citus as {CITUS_VARIABLE}")
    schema = f"opportune_test_{uuid4().hex}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {schema}")
        yield f"{url}{'&' if '?' in url else '?'}options=-csearch_path%3D{schema}"
        connection.execute(f"DROP SCHEMA {schema} CASCADE")


def test_on_a_cluster_everything_is_spread_once_and_works(cluster: str) -> None:
    with closing(PostgresStorage(cluster)) as before:
        append(before, event(PHONE))
        with pytest.raises(BadRequestError, match="stop them first"):
            list(distribute(cluster))
    told = [
        CliRunner().invoke(opportune, ["database", "distribute", "--database", cluster]) for _ in range(2)
    ]
    assert [result.exit_code for result in told] == [0, 0]
    assert f"{len(DISTRIBUTED) + len(REFERENCE)} tables were spread" in told[0].output
    assert "spread already" in told[1].output
    with closing(PostgresStorage(cluster)) as storage:
        assert len(events_of(storage.recall((PHONE,), now=NOW), PHONE)) == 1
        use(storage)


def use(storage: PostgresStorage) -> None:
    """Two linked keys of different lanes, written and read in each way there is."""
    [first, _] = append(storage, event(DEVICE), event(USER, name="Order Completed", event_class=0, value=5))
    written(storage, lambda transaction: transaction.add_link(Link(DEVICE, USER, 0, FOREVER, first)))
    for _ in range(2):
        written(storage, lambda transaction: transaction.add_exposures([exposure()]))
    known = storage.recall((DEVICE,), now=NOW)
    assert (known.keys, len(known.exposures)) == ((DEVICE, USER), 1)
    assert storage.recall((DEVICE,), now=NOW, as_of=known.seq).events == known.events
    assert asyncio.run(remember_many(storage)) == [1, 1, 1]
    assert [row.key for row in storage.list_events(EventQuery(keys=(DEVICE, USER)))] == [USER, DEVICE]
    while storage.fold_totals():
        pass
    totals = [row[1:] for row in storage.list_totals("1900", "2100")]
    assert totals == [("Order Completed", 1, 5), ("Product Viewed", 2, 0)]
    storage.rebuild_totals()
    assert [row[1:] for row in storage.list_totals("1900", "2100")] == totals


async def remember_many(storage: PostgresStorage) -> list[int]:
    asked = [storage.remember((key,), now=NOW) for key in (DEVICE, USER, PHONE)]
    return [len(events_of(await known, key)) for known, key in zip(asked, (DEVICE, USER, PHONE), strict=True)]


def test_every_statement_is_run_by_the_code() -> None:
    folders = (PACKAGE, PACKAGE.parent / "database")
    code = "\n".join(path.read_text() for folder in folders for path in folder.glob("*.py"))
    assert SQL.keys() <= set(re.findall(r'"(\w+)"', code))
