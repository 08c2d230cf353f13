"""How a command reaches an installation: through the running server, else by opening its folder itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from opportune.errors import BadRequestError, DataFolderBusyError
from opportune.process.connection import Connection
from opportune.process.data_folder import DataFolder
from opportune.process.place import Place


class Ask(Protocol):
    """Gives a command and gets its result. Raises OpportuneError or CommandError."""

    def __call__(self, command: str, /, **args: Any) -> Any: ...


@contextmanager
def reach(place: Place, *, may_make: bool = False) -> Iterator[Ask]:
    """Raises BadRequestError when there is nothing in the folder, unless the command may make it.

    What is done in a database, the servers on it notice by themselves.
    """
    folder = place.folder
    if not (may_make or place.database or folder.exists):
        wrong = f"There is no installation in {place.data}. Name its folder with --data, or its --database."
        raise BadRequestError(wrong=wrong)
    connection = None if place.database else _connect(folder)
    if connection is None:
        try:
            # Where a server answers, none of this is loaded, and the answer is there in a moment.
            from opportune.app.commanding import opened_here  # noqa: PLC0415 - see above

            with opened_here(place) as execute:
                yield lambda command, /, **args: execute(command, args)
                return
        except DataFolderBusyError:
            connection = _connect(folder)  # a server came up meanwhile
            if connection is None:
                raise
    try:
        yield lambda command, /, **args: connection.ask(command, args)
    finally:
        connection.close()


def ask(place: Place, command: str, /, *, may_make: bool = False, **args: Any) -> Any:
    """One command, one result."""
    with reach(place, may_make=may_make) as asked:
        return asked(command, **args)


def _connect(folder: DataFolder) -> Connection | None:
    path = folder.find_socket()
    if path is None:
        return None
    try:
        return Connection(path)
    except OSError:
        return None  # left behind by a server that crashed


def find_write_key(place: Place) -> str:
    """The first public key in force, to be filled into what pages carry. Raises BadRequestError where there is none."""
    keys = ask(place, "keys list")
    found = [key["value"] for key in keys if key["kind"] == "write" and not key["revokedAt"]]
    if not found:
        raise BadRequestError(
            wrong="There is no write key yet: opportune keys add --kind write --name page; or give one with --key."
        )
    return str(found[0])
