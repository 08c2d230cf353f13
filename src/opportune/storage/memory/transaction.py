"""One job's writes: every family of them, put into the tables."""

from __future__ import annotations

from opportune.storage.memory.counting import MemoryCountWrites
from opportune.storage.memory.erasing import MemoryErasureWrites
from opportune.storage.memory.events import MemoryEventWrites
from opportune.storage.memory.exposures import MemoryExposureWrites
from opportune.storage.memory.measuring import MemoryMeasuringWrites
from opportune.storage.memory.operators import MemoryOperatorWrites
from opportune.storage.memory.people import MemoryPeopleWrites
from opportune.storage.memory.products import MemoryProductWrites


class MemoryTransaction(
    MemoryEventWrites,
    MemoryPeopleWrites,
    MemoryExposureWrites,
    MemoryMeasuringWrites,
    MemoryCountWrites,
    MemoryProductWrites,
    MemoryOperatorWrites,
    MemoryErasureWrites,
):
    """One job's writes, on the tables themselves."""
