"""Hearing of operators' changes at once: a connection of its own that listens."""

from __future__ import annotations

import psycopg

from opportune.storage.postgres.connection import CONNECT_SECONDS, WATCHDOG, Connection, connect, hang_up


class Changes:
    """For one thread. A message that was missed does no harm: whoever waits looks at the number of changes too."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: Connection | None = None

    def wait(self, seconds: float) -> None:
        """Returns at the next change, or after so long. Raises StorageBusyError while nothing can be heard."""
        try:
            for _ in self._listening().notifies(timeout=seconds, stop_after=1):
                return
        except psycopg.Error:
            self.close()

    def _listening(self) -> Connection:
        if self._connection is None:
            self._connection = connect(self._url, "changes")
            with WATCHDOG.guard(self._connection, CONNECT_SECONDS):
                self._connection.execute("LISTEN opportune_changed")
        return self._connection

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            hang_up(connection)
