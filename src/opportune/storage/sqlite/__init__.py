"""SQLite: the store of a small team, one file, one writing thread."""

from opportune.storage.sqlite.store import SqliteStorage

__all__ = ["SqliteStorage"]
