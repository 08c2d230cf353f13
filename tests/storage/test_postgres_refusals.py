"""A URL or a database that nothing can be kept in is refused with a sentence, which gives no password away."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from tests.postgres_server import Postgres

from opportune.errors import BadRequestError, StorageFullError, UnreachableError
from opportune.storage.postgres import PostgresStorage, connection
from opportune.storage.postgres.distribution import distribute
from opportune.storage.postgres.moving import PostgresTables

PASSWORD = "no%zzbody"
OPENERS: tuple[Callable[[str], object], ...] = (
    PostgresStorage,
    PostgresTables,
    lambda url: [*distribute(url)],
)


@pytest.fixture
def guest(postgres_server: Postgres, postgres_store: str) -> Iterator[str]:
    """The store's URL for a role that may look at everything and change nothing."""
    role = f"guest_{uuid4().hex}"
    name = sql.Identifier(role)
    with psycopg.connect(postgres_store, autocommit=True) as made:
        made.execute(sql.SQL("CREATE ROLE {} LOGIN").format(name))
        made.execute(sql.SQL("GRANT SELECT ON ALL TABLES IN SCHEMA public TO {}").format(name))
    yield with_user(postgres_store, role)
    with psycopg.connect(postgres_store, autocommit=True) as made:
        made.execute(sql.SQL("DROP OWNED BY {}").format(name))
        made.execute(sql.SQL("DROP ROLE {}").format(name))


def with_user(url: str, user: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=f"{user}@{parts.netloc.rpartition('@')[2]}").geturl()


@pytest.mark.parametrize("open_it", OPENERS)
def test_a_url_that_cannot_be_read_is_not_quoted(open_it: Callable[[str], object], postgres_url: str) -> None:
    for url in (with_user(postgres_url, f"shop:{PASSWORD}"), f"{postgres_url}?{PASSWORD[:2]}=nobody"):
        with pytest.raises(BadRequestError, match="URL cannot be read") as refused:
            open_it(url)
        assert "body" not in str(refused.value)


@pytest.mark.parametrize("open_it", OPENERS)
def test_a_database_that_is_not_there_is_named(open_it: Callable[[str], object], postgres_url: str) -> None:
    with pytest.raises(UnreachableError, match='"nowhere" does not exist'):
        open_it(urlsplit(postgres_url)._replace(path="/nowhere").geturl())


def test_a_role_that_may_not_make_tables_is_told(guest: str) -> None:
    with pytest.raises(BadRequestError, match=r"permission denied.*own its tables"):
        PostgresStorage(guest)


def test_a_role_that_loses_its_rights_takes_nothing(postgres_store: str) -> None:
    role = sql.Identifier(f"keeper_{uuid4().hex}")
    with psycopg.connect(postgres_store, autocommit=True) as made:
        made.execute(sql.SQL("CREATE ROLE {} LOGIN").format(role))
        for granted in ("ALL ON SCHEMA public", "ALL ON ALL TABLES IN SCHEMA public"):
            made.execute(sql.SQL("GRANT {} TO {}").format(sql.SQL(granted), role))
        with closing(PostgresStorage(with_user(postgres_store, role.as_string().strip('"')))) as storage:
            made.execute(sql.SQL("REVOKE INSERT ON ALL TABLES IN SCHEMA public FROM {}").format(role))
            with pytest.raises(StorageFullError):
                storage.write(lambda transaction: transaction.put_setting("name", "value")).result(60)
        made.execute(sql.SQL("DROP OWNED BY {}").format(role))
        made.execute(sql.SQL("DROP ROLE {}").format(role))


def test_a_database_of_another_encoding_is_refused(postgres_server: Postgres) -> None:
    name = f"opportune_test_{uuid4().hex}"
    made = sql.SQL(
        "CREATE DATABASE {} TEMPLATE template0 ENCODING 'LATIN1' LOCALE_PROVIDER libc LOCALE 'C'"
    ).format(sql.Identifier(name))
    with psycopg.connect(postgres_server.url, autocommit=True) as server:
        server.execute(made)
    try:
        with pytest.raises(BadRequestError, match="encoding is LATIN1"):
            PostgresStorage(urlsplit(postgres_server.url)._replace(path=f"/{name}").geturl())
    finally:
        postgres_server.drop_database(name)


def test_a_server_that_is_too_old_is_refused(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "OLDEST_SERVER", 990_000)
    with pytest.raises(BadRequestError, match=r"PostgreSQL \d\d; it has to be 99 or newer"):
        PostgresStorage(postgres_url)
