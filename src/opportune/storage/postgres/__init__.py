"""Everything in one PostgreSQL database, for any number of processes."""

from opportune.storage.postgres.store import PostgresStorage

__all__ = ["PostgresStorage"]
