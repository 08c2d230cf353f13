"""Moves committed pages from the log into the file, a little at a time and off the writer's thread.

A checkpoint inside a commit makes that commit wait for it (10-25 ms at SQLite's default); a log that nobody
empties grows without bound.
"""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path
from time import monotonic, sleep

from opportune.storage.sqlite.connection import open_connection

PAUSE_SECONDS = 0.25
LOOK_SECONDS = 0.01
MOST_PAGES_IN_LOG = 4_096
"""16 MB. Beyond it the writer helps, because a log can only start over while nothing is appended to it."""


class Checkpointer:
    """A thread that checkpoints shortly after commits and sleeps when there are none."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._has_commits = threading.Event()
        self._ends = threading.Event()
        self.is_behind = False
        self._thread = threading.Thread(target=self._work, name="opportune-checkpoints", daemon=True)
        self._thread.start()

    def notice_commit(self) -> None:
        if not self._has_commits.is_set():
            self._has_commits.set()

    def close(self) -> None:
        self._ends.set()
        self._has_commits.set()
        self._thread.join()

    def _work(self) -> None:
        connection: sqlite3.Connection | None = None
        while self._has_commits.wait() and not self._ends.wait(PAUSE_SECONDS):
            self._has_commits.clear()
            if self._ends.is_set():  # said between those two lines, and just cleared with the commits
                break
            try:
                connection = connection or _open(self._path)
                self.is_behind = checkpoint(connection) > MOST_PAGES_IN_LOG
            except sqlite3.Error:
                continue  # the file cannot be opened just now
        if connection is not None:
            connection.close()


def checkpoint(connection: sqlite3.Connection) -> int:
    """Moves what it can without waiting for anyone; how many pages the log has."""
    try:
        _, pages, _ = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    except sqlite3.Error:
        return 0  # a full disk is told to writers; the next commit wakes the thread again
    return int(pages)


def empty_log(connection: sqlite3.Connection, seconds: float) -> bool:
    """Moves all of it into the file and cuts it to nothing; False when somebody else was at it for so long.

    SQLite waits for who reads from the log, and gives up at once while another checkpoint goes on.
    """
    until = monotonic() + seconds
    while not _is_emptied(connection):
        if monotonic() >= until:
            return False
        sleep(LOOK_SECONDS)
    return True


def _is_emptied(connection: sqlite3.Connection) -> bool:
    try:
        busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except sqlite3.Error:
        return False
    return not busy


def _open(path: Path) -> sqlite3.Connection:
    connection = open_connection(path)
    connection.execute("PRAGMA synchronous = FULL")
    return connection
