"""One job's writes: every family of them."""

from __future__ import annotations

from opportune.storage.postgres.counting import PostgresCountWrites
from opportune.storage.postgres.erasing import PostgresErasureWrites
from opportune.storage.postgres.events import PostgresEventWrites
from opportune.storage.postgres.exposures import PostgresExposureWrites
from opportune.storage.postgres.measuring import PostgresMeasuringWrites
from opportune.storage.postgres.operators import PostgresOperatorWrites
from opportune.storage.postgres.people import PostgresPeopleWrites
from opportune.storage.postgres.products import PostgresProductWrites


class PostgresTransaction(
    PostgresEventWrites,
    PostgresPeopleWrites,
    PostgresExposureWrites,
    PostgresMeasuringWrites,
    PostgresCountWrites,
    PostgresProductWrites,
    PostgresOperatorWrites,
    PostgresErasureWrites,
):
    """Inside `BEGIN` and a pipeline; `finish` sends what was collected, and what belongs to every commit."""
