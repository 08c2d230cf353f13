"""Connections to the database: how one is opened, what its errors mean here, and who watches over frozen ones."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import threading
from collections.abc import Iterator
from time import monotonic
from typing import Any

import psycopg
from psycopg.abc import AdaptContext
from psycopg.types.numeric import Int8Dumper

from opportune.errors import BadRequestError, StorageBusyError, StorageFullError, UnreachableError

CONNECT_SECONDS = 2
STATEMENT_MS = 5_000
LOCK_MS = 1_500
"""More than the second after which PostgreSQL finds out that some wait in a circle."""
IDLE_MS = 10_000
WATCH_SECONDS = 0.1
OLDEST_SERVER = 140_000
"""As PostgreSQL counts its versions; the first that knows ranges of several stretches."""
ENCODING = "UTF8"

Connection = psycopg.Connection[tuple[Any, ...]]
AsyncConnection = psycopg.AsyncConnection[tuple[Any, ...]]

SETTINGS = """SELECT set_config('jit', 'off', false),
    set_config('plan_cache_mode', CASE WHEN EXISTS (SELECT FROM pg_extension WHERE extname = 'citus')
        THEN 'force_custom_plan' ELSE 'force_generic_plan' END, false),
    set_config('statement_timeout', %s, false),
    set_config('lock_timeout', %s, false),
    set_config('idle_in_transaction_session_timeout', %s, false),
    set_config('enable_seqscan', %s, false)"""
"""Plans are made once: the statements here have one good plan each, and making it costs more than running it.

Those of decisions and of the writer go by an index each; but in a new database, whose tables are still empty,
the planner would read them whole, and go on doing so long after they have grown. Citus has to see the lanes to know
where to send a statement, so there every statement is planned anew.
"""
BY_INDEX = frozenset({"decisions", "writer"})


def adapt(context: AdaptContext) -> None:
    """Every number travels as the same type, so that a statement is planned once and not once for each size."""
    context.adapters.register_dumper(int, Int8Dumper)


def options_of(name: str) -> dict[str, Any]:
    """How every connection is opened: each statement planned at its first use, a dead peer noticed."""
    return {
        "autocommit": True,
        "prepare_threshold": 0,
        "connect_timeout": CONNECT_SECONDS,
        "application_name": f"opportune {name}",
        "client_encoding": ENCODING,
        "tcp_user_timeout": 5_000,
    }


def settings_of(
    name: str, statement_ms: int = STATEMENT_MS, lock_ms: int = LOCK_MS
) -> tuple[str, str, str, str]:
    """Parameters of SETTINGS."""
    return str(statement_ms), str(lock_ms), str(IDLE_MS), "off" if name in BY_INDEX else "on"


def connect(url: str, name: str, *, statement_ms: int = STATEMENT_MS, lock_ms: int = LOCK_MS) -> Connection:
    """Raises StorageBusyError while the database cannot be reached."""
    with translated():
        connection = psycopg.connect(url, **options_of(name))
        try:
            adapt(connection)
            with WATCHDOG.guard(connection, CONNECT_SECONDS):
                connection.execute(SETTINGS, settings_of(name, statement_ms, lock_ms))
        except BaseException:
            connection.close()
            raise
    return connection


def connect_first(url: str, name: str, *, statement_ms: int, lock_ms: int = LOCK_MS) -> Connection:
    """For whoever starts. Raises UnreachableError, and BadRequestError for a URL or database not to be worked with.

    What libpq says of a URL it cannot read may quote the password, so that it is said anew.
    """
    try:
        connection = connect(url, name, statement_ms=statement_ms, lock_ms=lock_ms)
    except StorageBusyError as error:
        reason = str(error.__cause__).splitlines()[0].removesuffix(".")
        raise UnreachableError(reason=reason) from None
    except psycopg.ProgrammingError:
        wrong = "The database's URL cannot be read: it names an unknown option, or has a % that is not written %25."
        raise BadRequestError(wrong=wrong) from None
    if wrong := _unfit(connection):
        connection.close()
        raise BadRequestError(wrong=wrong)
    return connection


def _unfit(connection: Connection) -> str:
    """Why nothing can be kept there; empty where it can."""
    version, encoding = connection.info.server_version, connection.info.parameter_status("server_encoding")
    if version < OLDEST_SERVER:
        oldest = OLDEST_SERVER // 10_000
        return f"The database is PostgreSQL {version // 10_000}; it has to be {oldest} or newer."
    if encoding != ENCODING:
        return f"The database's encoding is {encoding}, which cannot hold every text: make one with UTF8."
    return ""


@contextlib.contextmanager
def permitted() -> Iterator[None]:
    """Raises BadRequestError where the URL's role may not do something."""
    try:
        yield
    except psycopg.errors.InsufficientPrivilege as error:
        wrong = (
            f"The database refuses its URL's role: {error.diag.message_primary}. Let the role own its tables."
        )
        raise BadRequestError(wrong=wrong) from None


async def connect_async(url: str, name: str) -> AsyncConnection:
    """Raises StorageBusyError while the database cannot be reached."""
    with translated():
        connection = await psycopg.AsyncConnection.connect(url, **options_of(name))
        try:
            adapt(connection)
            with WATCHDOG.guard(connection, CONNECT_SECONDS):
                await connection.execute(SETTINGS, settings_of(name))
        except BaseException:
            await connection.close()
            raise
    return connection


def is_hung_up(connection: Connection | AsyncConnection) -> bool:
    """Whether the server has ended it, or said something nobody asked: it owes no answer to an idle one."""
    if connection.closed:
        return True
    line = select.poll()
    line.register(connection.fileno(), select.POLLIN)
    return bool(line.poll(0))


def hang_up(connection: Connection) -> None:
    with contextlib.suppress(psycopg.Error):
        connection.close()


NOT_TO_BE_WRITTEN = (
    psycopg.errors.DiskFull,
    psycopg.errors.ReadOnlySqlTransaction,
    psycopg.errors.InsufficientPrivilege,
)
OF_THE_MOMENT = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.errors.IdleInTransactionSessionTimeout,
)


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """The database's errors as the house's own, where they say something about the moment and not the statement."""
    try:
        yield
    except psycopg.Error as error:
        raise reason_of(error) from error


def reason_of(error: BaseException) -> BaseException:
    """StorageFullError, StorageBusyError, or the error itself when it is a fault of ours."""
    if isinstance(error, NOT_TO_BE_WRITTEN):
        return StorageFullError()
    return StorageBusyError() if isinstance(error, OF_THE_MOMENT) else error


def is_worth_another_try(error: BaseException) -> bool:
    """Whether the same transaction, begun anew, may well succeed: others stood in its way."""
    return isinstance(error, psycopg.errors.DeadlockDetected | psycopg.errors.SerializationFailure)


def is_locked_out(error: BaseException) -> bool:
    """Whether somebody else holds a lock for longer than others wait."""
    return isinstance(error, psycopg.errors.LockNotAvailable)


def raw(connection: Connection) -> psycopg.RawCursor[tuple[Any, ...]]:
    """For statements whose places are numbered already."""
    return psycopg.RawCursor(connection)


def raw_async(connection: AsyncConnection) -> psycopg.AsyncRawCursor[tuple[Any, ...]]:
    return psycopg.AsyncRawCursor(connection)


class Watchdog:
    """Cuts connections that take too long: a frozen server keeps its sockets open and never answers."""

    def __init__(self) -> None:
        self._watched: dict[object, tuple[float, int]] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._pid = 0

    @contextlib.contextmanager
    def guard(self, connection: Connection | AsyncConnection, seconds: float) -> Iterator[None]:
        """What is done inside ends within the time, if need be with an OperationalError."""
        mark = object()
        if self._pid != os.getpid():
            self._start()
        with self._lock:
            self._watched[mark] = (monotonic() + seconds, connection.fileno())
        try:
            yield
        finally:
            with self._lock:
                self._watched.pop(mark, None)

    def _start(self) -> None:
        with self._lock:
            if self._pid == os.getpid():
                return  # another thread was quicker
            self._watched.clear()
            self._pid = os.getpid()
            self._thread = threading.Thread(target=self._watch, name="opportune-watchdog", daemon=True)
            self._thread.start()

    def _watch(self) -> None:
        pause = threading.Event()
        while not pause.wait(WATCH_SECONDS):
            now = monotonic()
            with self._lock:  # so that a socket's number cannot be another one's meanwhile
                late = [(mark, number) for mark, (until, number) in self._watched.items() if until < now]
                for mark, number in late:
                    del self._watched[mark]
                    cut(number)


def cut(number: int) -> None:
    """Both directions of a socket end; whoever waits for it gets an error at once."""
    with contextlib.suppress(OSError), socket.socket(fileno=os.dup(number)) as line:
        line.shutdown(socket.SHUT_RDWR)


WATCHDOG = Watchdog()
