"""One job's writes: every family of them."""

from __future__ import annotations

from opportune.storage.database.operators import DatabaseOperatorWrites
from opportune.storage.sqlite.counting import SqliteCountWrites
from opportune.storage.sqlite.erasing import SqliteErasureWrites
from opportune.storage.sqlite.events import SqliteEventWrites
from opportune.storage.sqlite.exposures import SqliteExposureWrites
from opportune.storage.sqlite.measuring import SqliteMeasuringWrites
from opportune.storage.sqlite.people import SqlitePeopleWrites
from opportune.storage.sqlite.products import SqliteProductWrites


class SqliteTransaction(
    SqliteEventWrites,
    SqlitePeopleWrites,
    SqliteExposureWrites,
    SqliteMeasuringWrites,
    SqliteCountWrites,
    SqliteProductWrites,
    DatabaseOperatorWrites,
    SqliteErasureWrites,
):
    """Writes at once, counts in its tally; the writer undoes both when the job raises."""
